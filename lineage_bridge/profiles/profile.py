"""A profile: the columns of a set of rows, and of each day apart, where that is known.

Rows of one entity and day resemble each other. So that a comparison can tell what that explains, a
profile has the columns of each day apart (or of as many days together as make no more periods than
`MOST_PERIODS`), and how many pairs of an entity and a day there are (`Blocks`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, NamedTuple, Self

import numpy as np

from lineage_bridge.profiles.column import WHOLE, Column, Limits
from lineage_bridge.profiles.keys import Keys

MOST_PERIODS: Final = 32
MOST_BLOCKS: Final = 8_192  # beyond that their number is estimated, to 1.1 %
OF_PERIOD: Final = Limits(points=512, labels=512)

_NO_COLUMNS: Final[Mapping[str, Column]] = MappingProxyType({})
_ABSENT: Final = Column()


class RowKeys(NamedTuple):
    """Which columns say of what and of when a row is; None where that is not known."""

    entity: str | None = None
    time: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """Rows and their columns; a column that a row does not have is null in it."""

    rows: int = 0
    columns: Mapping[str, Column] = field(default_factory=lambda: _NO_COLUMNS)

    @classmethod
    def sum(cls, parts: Iterable[Self], limits: Limits = WHOLE) -> Self:
        """Add up: the rows of all parts together."""
        listed = list(parts)
        names = dict.fromkeys(name for part in listed for name in part.columns)
        columns = {
            name: Column.sum((part.column(name) for part in listed), limits) for name in names
        }
        return cls(sum(part.rows for part in listed), columns)

    def column(self, name: str) -> Column:
        """Return a column; one that is not there has no value in any row."""
        return self.columns.get(name, _ABSENT)

    def nulls(self, name: str) -> int:
        """Count the rows in which a column is null; NaN is not null."""
        return self.rows - self.column(name).values


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """Pairs of an entity and a day, as the smallest of their hashes, in ascending order."""

    hashes: Keys = field(default_factory=lambda: np.zeros(0, dtype=np.uint64))

    @classmethod
    def sum(cls, parts: Iterable[Self]) -> Self:
        """Add up: the pairs of all parts, each once."""
        hashes = [part.hashes for part in parts]
        return cls(np.unique(np.concatenate(hashes))[: MOST_BLOCKS + 1]) if hashes else cls()

    @property
    def number(self) -> int:
        """How many there are; beyond `MOST_BLOCKS` as the density of the smallest hashes says."""
        if len(self.hashes) <= MOST_BLOCKS:
            return len(self.hashes)
        return round(MOST_BLOCKS / (int(self.hashes[MOST_BLOCKS]) / 2**64))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Blocks) and np.array_equal(self.hashes, other.hashes)

    def __hash__(self) -> int:
        return hash(self.hashes.tobytes())


@dataclass(frozen=True, slots=True)
class Profile:
    """What a set of rows looks like.

    Attributes:
        whole: all rows and their columns.
        keys: the columns that say of what and of when a row is.
        days_a_period: a power of two.
        periods: by their number, counted from 1970-01-01; empty where no time is known.
        blocks: pairs of an entity and a day; None where one of them is not known.
        notes: what else is to be known of how the rows were read.
    """

    whole: Part = field(default_factory=Part)
    keys: RowKeys = field(default_factory=RowKeys)
    days_a_period: int = 1
    periods: Mapping[int, Part] = field(default_factory=dict)
    blocks: Blocks | None = None
    notes: frozenset[str] = frozenset()

    @property
    def rows(self) -> int:
        """The number of rows."""
        return self.whole.rows

    @classmethod
    def sum(cls, parts: Iterable[Self]) -> Self:
        """Add up: the rows of all parts together, such as a day from its hours.

        Raises:
            ValueError: they do not have the same row keys.
        """
        listed = list(parts)
        if not listed:
            return cls()
        keys = {part.keys for part in listed}
        if len(keys) > 1:
            raise ValueError(f"profiles with different row keys cannot be added up: {keys}")
        days, periods = sum_periods((part.days_a_period, part.periods) for part in listed)
        blocks = [part.blocks for part in listed if part.blocks is not None]
        return cls(
            Part.sum(part.whole for part in listed),
            listed[0].keys,
            days,
            periods,
            Blocks.sum(blocks) if blocks else None,
            frozenset().union(*(part.notes for part in listed)),
        )


def sum_periods(
    parts: Iterable[tuple[int, Mapping[int, Part]]],
) -> tuple[int, dict[int, Part]]:
    """Add up periods of different lengths: to the shortest that make no more than the limit."""
    listed = list(parts)
    days = max((length for length, _ in listed), default=1)
    while len({p * own // days for own, periods in listed for p in periods}) > MOST_PERIODS:
        days *= 2
    found: dict[int, list[Part]] = {}
    for own, periods in listed:
        for period, part in periods.items():
            found.setdefault(period * own // days, []).append(part)
    return days, {
        period: Part.sum(same, OF_PERIOD) if len(same) > 1 else same[0]
        for period, same in sorted(found.items())
    }
