"""The edges into the columns of datasets, as of now or as of an event time.

An edge leads from an input column to an output column. Edges into one column that differ in nothing
but their input column are a strand: a wide dataset has a few thousand of them and a million edges.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import msgspec

from lineage_bridge.collector.rows import recipes
from lineage_bridge.collector.rows.recipes import Inputs, Recipe

_CURRENT = (
    "SELECT output_version, recipes, inputs FROM mq_column_lineage"
    " WHERE dataset = :dataset AND is_current = 1 ORDER BY updated_us DESC, id DESC"
)
# SQLite takes the other columns from the row that has the max().
_AS_OF = (
    "SELECT output_version, recipes, inputs FROM (SELECT output_version, recipes, inputs, id,"
    " max(updated_us) AS updated_us FROM mq_column_lineage"
    " WHERE dataset = :dataset AND created_us <= :until_us GROUP BY recipes)"
    " ORDER BY updated_us DESC, id DESC"
)

_encode = msgspec.json.Encoder().encode
_decode_inputs = msgspec.json.Decoder(Inputs).decode


@dataclass(frozen=True, slots=True)
class Strand:
    """Edges into one column; the versions, columns and the dataset are rows.

    Attributes:
        output_version: of the output column's dataset.
        input_version: of the dataset of all input columns.
        description: how the column is made.
        kind: the same as a type.
        columns: the input columns, in ascending order.
    """

    output_version: int
    input_version: int
    description: str | None
    kind: str | None
    columns: list[int]

    def made(self) -> bytes:
        """Return what is said of how the column is made, as further members of a JSON object."""
        made = {"transformationDescription": self.description, "transformationType": self.kind}
        return b"," + _encode(made)[1:-1]


Strands = list[Strand]  # into one column, the newest first; each pair of columns is in one of them


class ColumnEdges:
    """Reads the edges into columns.

    Args:
        connection: on one state of the tables.
        until_us: the event time up to which events count; None for all.
    """

    def __init__(self, connection: sqlite3.Connection, until_us: int | None = None) -> None:
        self._connection = connection
        self._until_us = until_us
        self._datasets: dict[int, dict[int, Strands]] = {}

    def into_dataset(self, dataset: int) -> dict[int, Strands]:
        """Return the edges into the columns of a dataset; a column without any is absent."""
        found = self._datasets.get(dataset)
        if found is None:
            found = self._datasets[dataset] = self._read(dataset)
        return found

    def into(self, columns: Collection[int]) -> Iterator[tuple[int, Strands]]:
        """Yield those of the columns that have edges, with these."""
        by_dataset: dict[int, list[int]] = {}
        rows = self._connection.execute(
            "SELECT dataset, id FROM mq_fields WHERE id IN (SELECT value FROM json_each(?))",
            (_encode(sorted(columns)).decode(),),
        )
        for dataset, column in rows:
            by_dataset.setdefault(dataset, []).append(column)
        for dataset, members in by_dataset.items():
            edges = self.into_dataset(dataset)
            yield from ((column, edges[column]) for column in members if column in edges)

    def out_of(self, columns: Collection[int]) -> Iterator[tuple[int, Strands]]:
        """Yield every column of the datasets that use one of these, with all edges into it."""
        rows = self._connection.execute(
            "SELECT DISTINCT dataset FROM mq_column_uses"
            " WHERE input_field IN (SELECT value FROM json_each(?))",
            (_encode(sorted(columns)).decode(),),
        ).fetchall()
        for (dataset,) in rows:
            yield from self.into_dataset(dataset).items()

    def _read(self, dataset: int) -> dict[int, Strands]:
        query = _CURRENT if self._until_us is None else _AS_OF
        rows = self._connection.execute(
            query, {"dataset": dataset, "until_us": self._until_us}
        ).fetchall()
        lists = recipes.read_lists(self._connection, [row[1] for row in rows])
        named = {recipe for listed in lists.values() for _, recipe in listed}
        found = recipes.read(self._connection, named)
        edges: dict[int, Strands] = {}
        seen: dict[int, set[int]] = {}
        for output_version, listed, stored in rows:
            versions = dict(_decode_inputs(stored))
            for column, recipe in lists[listed]:
                strands = edges.setdefault(column, [])
                if strands and column not in seen:
                    seen[column] = set().union(*(strand.columns for strand in strands))
                strands += _strands(found[recipe], output_version, versions, seen.get(column))
        return edges


def _strands(
    recipe: Recipe, output_version: int, versions: dict[int, list[int]], seen: set[int] | None
) -> Iterator[Strand]:
    """Yield the edges of a recipe whose inputs were not seen before, and add these to `seen`."""
    if seen is None and any(part.nth for part in recipe.parts):
        seen = set()
    # Of several versions of a dataset that one run has read, the last one counts.
    for part in reversed(recipe.parts):
        columns = part.columns
        if seen is not None:
            columns = [column for column in columns if column not in seen]
            seen.update(columns)
        if columns:
            version = versions[part.dataset][part.nth]
            yield Strand(output_version, version, recipe.description, recipe.kind, columns)
