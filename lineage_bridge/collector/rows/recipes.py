"""What the columns of a dataset are made from: recipes, and which versions of it follow them.

A recipe names the input columns of one column, and how it is made from them. Columns with the same
inputs share it, and so do all versions of which the same was said; a version has only the list of
recipes, and of the datasets' versions that its run had read. So an event that repeats the column
lineage of the last run writes one row, whether that has two edges or a million.

For each pair of columns the newest event counts. Rows whose edges are all in newer ones are no
longer current, and are read only for what was known earlier.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec

from lineage_bridge.collector.rows import shared

_COMPARED = 8  # rows that are compared with newer ones; more are just read without need

Place = tuple[int, int, int]  # a column: its dataset, which of the versions that were read, its row
Inputs = list[tuple[int, list[int]]]  # datasets, each with the versions of it that a run has read


class Part(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The input columns of one dataset's version.

    Attributes:
        dataset: its row.
        nth: which of the versions that the run has read of it, mostly the only one.
        columns: their rows, in ascending order.
    """

    dataset: int
    nth: int
    columns: list[int]


class Recipe(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """How a column is made."""

    description: str | None
    kind: str | None
    parts: list[Part]


_encode = msgspec.json.Encoder().encode
_decode_recipe = msgspec.json.Decoder(Recipe).decode
_decode_list = msgspec.json.Decoder(list[tuple[int, int]]).decode


def encode(description: str | None, kind: str | None, places: Iterable[Place]) -> bytes:
    """Encode a recipe; the same places in any order give the same bytes."""
    parts = [
        Part(dataset, nth, [place[2] for place in group])
        for (dataset, nth), group in groupby(sorted(places), itemgetter(0, 1))
    ]
    return _encode(Recipe(description, kind, parts))


def read(connection: sqlite3.Connection, numbers: Iterable[int]) -> dict[int, Recipe]:
    """Read recipes by their numbers."""
    contents = shared.read(connection, set(numbers))
    return {number: _decode_recipe(shared.unpack(row)) for number, row in contents.items()}


def read_lists(
    connection: sqlite3.Connection, numbers: Iterable[int]
) -> dict[int, list[tuple[int, int]]]:
    """Read lists of columns, each with the number of its recipe."""
    contents = shared.read(connection, set(numbers))
    return {number: _decode_list(shared.unpack(row)) for number, row in contents.items()}


def note(
    connection: sqlite3.Connection,
    version: int,
    dataset: int,
    columns: Mapping[int, int],
    read_versions: Mapping[int, list[int]],
    at_us: int,
) -> int:
    """Store what an event says of a version's columns, and return its row.

    Args:
        connection: within a transaction.
        version: of the output.
        dataset: the dataset of that version.
        columns: the columns of which something is said, each with its recipe.
        read_versions: the versions that the run has read, by dataset.
        at_us: the event's time.
    """
    listed = shared.keep(connection, _encode(sorted(columns.items())))
    found = read(connection, columns.values())
    used = sorted({part.dataset for recipe in found.values() for part in recipe.parts})
    inputs = _encode([(name, read_versions[name]) for name in used]).decode()
    _note_uses(connection, dataset, listed, found.values())
    held = connection.execute(
        "SELECT id FROM mq_column_lineage WHERE output_version = ? AND recipes = ? AND inputs = ?",
        (version, listed, inputs),
    ).fetchone()
    if held is not None:
        return renew(connection, held[0], at_us)
    return _insert(connection, (version, dataset, listed, inputs), at_us, at_us)


def renew(connection: sqlite3.Connection, row: int, at_us: int) -> int:
    """Note that another event says the same of the same version; return the row that now has it."""
    *said, created_us, updated_us, is_alone = connection.execute(
        "SELECT output_version, dataset, recipes, inputs, created_us, updated_us, is_current = 1"
        " AND NOT EXISTS (SELECT 1 FROM mq_column_lineage o"
        " WHERE o.dataset = l.dataset AND o.is_current = 1 AND o.id != l.id)"
        " FROM mq_column_lineage l WHERE id = ?",
        (row,),
    ).fetchone()
    if is_alone or at_us < updated_us:
        connection.execute(
            "UPDATE mq_column_lineage SET created_us = ?, updated_us = ? WHERE id = ?",
            (min(created_us, at_us), max(updated_us, at_us), row),
        )
        return row
    connection.execute("DELETE FROM mq_column_lineage WHERE id = ?", (row,))
    return _insert(connection, said, created_us, at_us)  # it comes after the others


def _insert(
    connection: sqlite3.Connection, said: Sequence[Any], created_us: int, updated_us: int
) -> int:
    cursor = connection.execute(
        "INSERT INTO mq_column_lineage (output_version, dataset, recipes, inputs, created_us,"
        " updated_us, is_current) VALUES (?, ?, ?, ?, ?, ?, 1)",
        (*said, created_us, updated_us),
    )
    row = int(cursor.lastrowid or 0)
    _, dataset, listed, _ = said
    _retire(connection, dataset, listed)
    return row


def _note_uses(
    connection: sqlite3.Connection, dataset: int, listed: int, recipes: Iterable[Recipe]
) -> None:
    """Note the columns that a dataset is made from, unless that was done for the same recipes."""
    known = connection.execute(
        "SELECT 1 FROM mq_column_lineage WHERE dataset = ? AND recipes = ? LIMIT 1",
        (dataset, listed),
    ).fetchone()
    if known is None:
        used = {column for recipe in recipes for part in recipe.parts for column in part.columns}
        connection.executemany(
            "INSERT OR IGNORE INTO mq_column_uses (input_field, dataset) VALUES (?, ?)",
            [(column, dataset) for column in sorted(used)],
        )


def _retire(connection: sqlite3.Connection, dataset: int, listed: int) -> None:
    """Find the rows whose edges are all in newer ones; they are no longer current."""
    connection.execute(
        "UPDATE mq_column_lineage SET is_current = 0 WHERE dataset = :dataset AND recipes = :listed"
        " AND is_current = 1 AND id != (SELECT id FROM mq_column_lineage WHERE dataset = :dataset"
        " AND recipes = :listed ORDER BY updated_us DESC, id DESC LIMIT 1)",
        {"dataset": dataset, "listed": listed},
    )
    rows = connection.execute(
        "SELECT id, recipes FROM mq_column_lineage WHERE dataset = ? AND is_current = 1"
        " ORDER BY updated_us DESC, id DESC LIMIT ?",
        (dataset, _COMPARED),
    ).fetchall()
    if len(rows) < 2:
        return
    lists = read_lists(connection, [row[1] for row in rows])
    newer = _Newer(connection)
    for row, recipes in rows:
        if newer.have_all(lists[recipes]):
            connection.execute("UPDATE mq_column_lineage SET is_current = 0 WHERE id = ?", (row,))
        newer.add(lists[recipes])


class _Newer:
    """The recipes that newer rows have for each column."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._recipes: dict[int, set[int]] = {}

    def add(self, columns: Iterable[tuple[int, int]]) -> None:
        for column, recipe in columns:
            self._recipes.setdefault(column, set()).add(recipe)

    def have_all(self, columns: Iterable[tuple[int, int]]) -> bool:
        """Return whether every edge of a row is in newer ones."""
        others: list[tuple[int, set[int]]] = []  # recipes that no newer row has for their column
        for column, recipe in columns:
            newer = self._recipes.get(column)
            if not newer:
                return False
            if recipe not in newer:
                others.append((recipe, newer))
        found = read(self._connection, set().union(*({recipe} | newer for recipe, newer in others)))
        inputs = {number: _columns_of(recipe) for number, recipe in found.items()}
        return all(
            inputs[recipe] <= set().union(*(inputs[number] for number in newer))
            for recipe, newer in others
        )


def _columns_of(recipe: Recipe) -> set[int]:
    return {column for part in recipe.parts for column in part.columns}
