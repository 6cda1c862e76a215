"""The columns of a dataset, and of which columns of its source each one is made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Literal

import msgspec

from lineage_bridge.facets import clean_facet
from lineage_bridge.marquez_limits import MAX_FIELD_NAME

How = Literal["IDENTITY", "TRANSFORMATION", "AGGREGATION"]  # subtypes of OpenLineage


class MadeOf(msgspec.Struct, frozen=True):
    """Of which columns of the source a column is made, and how."""

    columns: tuple[str, ...]
    how: How


class Column(msgspec.Struct, frozen=True):
    """A column.

    Attributes:
        type: as the file or the database spells it.
        nulls: how many nulls the statistics count.
        made_of: None where nobody said it.
    """

    name: str
    type: str
    nulls: int | None = None
    made_of: MadeOf | None = None


def storable(columns: Iterable[Column]) -> list[Column]:
    """Leave out the columns with names that a Marquez does not hold."""
    return [c for c in columns if c.name.strip() and len(c.name) <= MAX_FIELD_NAME]


def schema_facet(columns: Iterable[Column]) -> dict[str, Any]:
    """Return the standard facet with the columns, under its key; nothing without any."""
    fields = [{"name": c.name, "type": c.type} for c in columns]
    return {"schema": clean_facet("schema", {"fields": fields})} if fields else {}


def lineage_facet(columns: Sequence[Column], namespace: str, table: str) -> dict[str, Any]:
    """Return the standard facet that leads columns back to those of a table, under its key.

    A Marquez believes it only of columns that both datasets of the event have in their schemas.
    """
    fields = {
        column.name: {"inputFields": _inputs(column.made_of, namespace, table)}
        for column in columns
        if column.made_of is not None
    }
    return {"columnLineage": clean_facet("columnLineage", {"fields": fields})} if fields else {}


@lru_cache(maxsize=8192)
def _inputs(made_of: MadeOf, namespace: str, table: str) -> list[dict[str, Any]]:
    how = [{"type": "DIRECT", "subtype": made_of.how}]
    return [
        {"namespace": namespace, "name": table, "field": field, "transformations": how}
        for field in made_of.columns
    ]
