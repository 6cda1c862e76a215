"""What is known of one version of a dataset, wherever it was read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePath
from typing import NamedTuple

from lineage_bridge.profiles.profile import Profile


class ColumnFacts(NamedTuple):
    """A column as the file's schema has it; `nulls` as its statistics count them, if they do."""

    name: str
    type: str
    nulls: int | None = None


class Roles(NamedTuple):
    """Which columns say of what and of when a row is, what is to be foretold, and as of when."""

    entity: str | None = None
    time: str | None = None
    target: str | None = None
    cutoff: str | None = None


class Said(NamedTuple):
    """What the producer wrote of the content, beside it; None where it wrote nothing.

    Attributes:
        rows: as it was written.
        positive_rate: share of rows whose target is 1.
        entities: how many different ones.
        first, last: event times; those without a zone are read as UTC.
    """

    rows: str | None = None
    positive_rate: float | None = None
    entities: int | None = None
    first: datetime | None = None
    last: datetime | None = None


class RowFacts(NamedTuple):
    """What only rows as a whole tell, not column by column; None where it was not counted.

    Attributes:
        repeated: rows whose entity and time an earlier row has too.
        off_cutoff: rows whose features are as of another time than their own.
        same: rows of which an earlier one is the same in every column; counted only where no
            columns are known that name a row, because repeated keys say more.
    """

    repeated: int | None = None
    off_cutoff: int | None = None
    same: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """The facts of one version.

    Attributes:
        name: how it is called where its result is shown, such as its path.
        dataset: the dataset's name; None: nothing says it.
        version: its version as it is spelt; None: nothing says it.
        built: when it was written.
        built_trouble: why it is not known when it was written, where something said it wrongly.
        is_there: whether there is anything under the name.
        is_of_p2: whether it is a dataset of P2, by its footer.
        is_read: whether its schema or metadata could be read.
        trouble: what of it cannot be read.
        rows: by the footer, or by the metadata where there is no data.
        columns: in their order; None where there is no schema.
        twice: names that several columns have.
        said: what the producer wrote of the content.
        roles: of its columns.
        profile: of its content; None if that was not read.
        by_rows: what rows as a whole tell.
        unread: why the content was not read.
        same_bytes: equal for two versions whose column chunks are the same bytes.
        same_values: equal for two versions whose profiles are the same; None if it was not read.
    """

    name: str
    dataset: str | None = None
    version: str | None = None
    built: datetime | None = None
    built_trouble: str | None = None
    is_there: bool = True
    is_of_p2: bool = False
    is_read: bool = True
    trouble: str | None = None
    rows: int | None = None
    columns: tuple[ColumnFacts, ...] | None = None
    twice: tuple[str, ...] = ()
    said: Said = field(default_factory=Said)
    roles: Roles = field(default_factory=Roles)
    profile: Profile | None = None
    by_rows: RowFacts = field(default_factory=RowFacts)
    unread: str | None = None
    same_bytes: str | None = None
    same_values: str | None = None

    @property
    def is_unstamped(self) -> bool:
        """Whether it is data of a producer that says neither a version nor a time of builds."""
        is_foreign = self.columns is not None and not self.is_of_p2
        return is_foreign and self.version is None

    @property
    def label(self) -> str:
        """The end of its name, which tells it from the dataset's other versions."""
        return PurePath(self.name).name or self.name

    def type_of(self, column: str) -> str | None:
        """Return a column's type; None if there is no such column."""
        return next((c.type for c in self.columns or () if c.name == column), None)
