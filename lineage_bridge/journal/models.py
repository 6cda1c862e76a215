"""Models: tables derived from the journal, a function of its events.

A model's tables and the number of the last event that they contain change in one transaction. So
the tables can be deleted at any time and are filled again, as they are when a model gets a new
`version`. `fold` fills them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from lineage_bridge.journal.home_tables import Stored
from lineage_bridge.journal.migrations import has_table


class Model(Protocol):
    """Tables that are a function of the journal's events.

    Attributes:
        name: the model's name in the table `models`.
        version: raised whenever the tables or the meaning of their content change.
        schema: the DDL of its tables and indexes, each `IF NOT EXISTS`.
        tables: the names of its tables, for dropping them.
    """

    name: str
    version: int
    schema: str
    tables: tuple[str, ...]

    def apply(self, connection: sqlite3.Connection, events: Sequence[Stored]) -> None:
        """Apply events to the tables, in the order of arrival, within the caller's transaction."""
        ...


@runtime_checkable
class DivisibleModel(Model, Protocol):
    """A model that can apply a large event piece by piece."""

    def apply_in_parts(
        self, connection: sqlite3.Connection, event: Stored, done: bytes | None
    ) -> Iterator[Callable[[], bytes]]:
        """Apply one event; after each piece the caller may commit the transaction.

        Args:
            connection: within a transaction; the caller may begin a new one after each piece.
            event: the event.
            done: the result of the last committed piece, if another process began the event.

        Yields:
            A function to call before a commit: it writes the rows that were kept in memory, and
            returns the bytes that another process needs to go on from there (`done`).
        """
        ...


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a model's tables are.

    Attributes:
        version: of the model that filled them.
        seq: number of the last event that they contain.
        received_us: that event's arrival; None if there is no such event.
        part: how much of the next event they contain.
    """

    version: int
    seq: int = 0
    received_us: int | None = None
    part: bytes | None = None


def read_reached(connection: sqlite3.Connection, model: Model) -> Reached | None:
    """Read how far a model is; None if it was never filled in this home."""
    if not has_table(connection, "models"):
        return None
    # A home of the previous format, opened for reading only, has just the first three columns.
    row = connection.execute("SELECT * FROM models WHERE name = ?", (model.name,)).fetchone()
    return None if row is None else Reached(*row[1:])


def list_models(connection: sqlite3.Connection) -> list[tuple[str, int, int]]:
    """List name, version and number reached of every model that was ever filled, by name."""
    if not has_table(connection, "models"):
        return []
    return connection.execute("SELECT name, version, seq FROM models ORDER BY name").fetchall()


def write_reached(connection: sqlite3.Connection, model: Model, reached: Reached) -> None:
    """Save how far a model is, in the transaction that changes its tables."""
    connection.execute(
        "INSERT INTO models (name, version, seq, received_us, part) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET version = excluded.version, seq = excluded.seq,"
        " received_us = excluded.received_us, part = excluded.part",
        (model.name, reached.version, reached.seq, reached.received_us, reached.part),
    )


def is_current(connection: sqlite3.Connection, model: Model) -> bool:
    """Return, without writing, whether the model contains every event of the journal."""
    reached = read_reached(connection, model)
    if reached is None or not is_of_journal(connection, model, reached):
        return False
    (last,) = connection.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()
    return reached.seq >= int(last)


def is_of_journal(connection: sqlite3.Connection, model: Model, reached: Reached) -> bool:
    """Return whether this version of the model filled its tables, from this very journal.

    A journal that was restored from a copy, or whose log was lost, assigns the same numbers to
    other events. That an event is missing because it was pruned is no sign of that.
    """
    if reached.version != model.version:
        return False
    row = connection.execute(
        "SELECT received_us FROM events WHERE seq = ?", (reached.seq,)
    ).fetchone()
    if row is None:
        (last,) = connection.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()
        return reached.seq <= int(last)
    return reached.received_us is None or bool(row[0] == reached.received_us)


def in_use(connection: sqlite3.Connection, models: Iterable[Model]) -> list[Model]:
    """Return those models that were ever filled from this journal."""
    return [model for model in models if read_reached(connection, model) is not None]


def reset(connection: sqlite3.Connection, model: Model) -> Reached:
    """Create the model's tables anew and empty, within the caller's transaction."""
    for table in model.tables:
        connection.execute(f"DROP TABLE IF EXISTS {table}")
    for statement in _statements(model.schema):
        connection.execute(statement)
    reached = Reached(model.version)
    write_reached(connection, model, reached)
    return reached


def _statements(script: str) -> list[str]:
    # executescript() would commit the open transaction.
    statements, current = [], ""
    for part in script.split(";"):
        current += part + ";"
        if sqlite3.complete_statement(current):
            statements.append(current)
            current = ""
    return [statement for statement in statements if statement.strip(" \n;")]
