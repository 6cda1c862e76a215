"""The base of our facets: each is one struct, from which everything else about it is made.

A module of this folder defines one facet: its key on the wire, its published schema, and a field
for each fact with its type, unit and source. Nothing else in the package spells these out again:
our events fill the struct, `reading` reads any producer's JSON into it, `schema` writes it as JSON
Schema (the files in `schemas/` are checked against that), and `facet_classes` makes the classes for
users of openlineage-python from it.

Fields are snake_case here and camelCase on the wire. An absent fact is None here and an absent key
on the wire: Marquez drops nulls, so none may carry meaning. Times are aware, in UTC.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, TypeAlias

import msgspec
import orjson
from msgspec import Meta

from lineage_bridge import __version__

REPOSITORY: Final = "https://github.com/lineage-bridge/lineage-bridge"
PRODUCER: Final = f"{REPOSITORY}/tree/v{__version__}"
SCHEMAS: Final = "lineage_bridge/schemas"

Instant: TypeAlias = Annotated[datetime, Meta(tz=True)]
Count: TypeAlias = Annotated[int, Meta(ge=0)]
Line: TypeAlias = Annotated[int, Meta(ge=1)]
NotNegative: TypeAlias = Annotated[float, Meta(ge=0)]
Percent: TypeAlias = Annotated[float, Meta(ge=0, le=100)]
Ratio: TypeAlias = Annotated[float, Meta(ge=0, le=1)]


def doc(text: str) -> Meta:
    """Describe a field: what it is, its unit and its source."""
    return Meta(description=text)


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """An object in a facet. Its required fields are those that no reader can do without."""


class Facet(Part, frozen=True, kw_only=True):
    """A facet of ours.

    Attributes:
        key: under which an event carries it.
        schema: the name of its published schema, and of its class for openlineage-python. It says
            whether a run or a dataset has the facet.
        version: of the schema. A published one changes only by addition, under a new version.
        released: the release that published this version first.
    """

    key: ClassVar[str]
    schema: ClassVar[str]
    version: ClassVar[str] = "1-0-0"
    released: ClassVar[str] = "0.1.0"

    def check(self) -> None:
        """Check what types cannot say; a definition may do so by its own rules.

        Raises:
            FacetError: nobody could use the facet.
        """

    def as_json(self) -> dict[str, Any]:
        """Return the facet as an event carries it, without what is absent or not finite."""
        encoded = msgspec.json.encode(self)
        fields: dict[str, Any] = orjson.loads(encoded)
        if b"null" in encoded:  # so is a number written that JSON cannot hold
            fields = _without_nulls(fields)
        return {"_producer": PRODUCER, "_schemaURL": self.schema_url(), **fields}

    @classmethod
    def is_of_run(cls) -> bool:
        """Tell whether a run has the facet, else a dataset has it."""
        return cls.schema.endswith("RunFacet")

    @classmethod
    def schema_url(cls) -> str:
        """Return the `_schemaURL`; it names the release, so the document there never changes."""
        return f"{REPOSITORY}/blob/v{cls.released}/{SCHEMAS}/{cls.schema}-{cls.version}.json"


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(member) for key, member in value.items() if member is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value
