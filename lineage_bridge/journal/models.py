"""What is derived from the journal: tables of their own, filled by sequence number.

A model's tables and the number of the last event in them change in one transaction. So they can be
deleted at any time: `rebuild` fills them again, and a new `version` of a model does so by itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Protocol

from lineage_bridge.journal.store import Journal, Stored, read_events

BATCH = 500


class Model(Protocol):
    """Tables that are a function of the journal's events.

    Attributes:
        name: the model's name in the table `models`.
        version: raised whenever the tables or their content change in meaning.
        schema: the DDL of its tables and indexes, each `IF NOT EXISTS`.
        tables: the names of its tables, for dropping them.
    """

    name: str
    version: int
    schema: str
    tables: tuple[str, ...]

    def apply(self, connection: sqlite3.Connection, events: Sequence[Stored]) -> None:
        """Take in events, in the order of arrival, within the caller's transaction."""
        ...


def catch_up(journal: Journal, model: Model, *, batch: int = BATCH) -> int:
    """Take in every event that the model has not seen; return the number it has reached."""
    while True:
        with journal.transaction() as tx:
            reached, is_complete = _take_batch(tx.connection, model, batch)
        if is_complete:
            return reached


def take_in(connection: sqlite3.Connection, model: Model, *, batch: int = BATCH) -> None:
    """Take in every event that the model has not seen, within the caller's transaction."""
    while not _take_batch(connection, model, batch)[1]:
        pass


def _take_batch(connection: sqlite3.Connection, model: Model, batch: int) -> tuple[int, bool]:
    reached = _reached(connection, model)
    events = read_events(connection, reached, batch)
    if events:
        model.apply(connection, events)
        reached = events[-1].seq
        _set_reached(connection, model, reached)
    return reached, len(events) < batch


def rebuild(journal: Journal, model: Model) -> int:
    """Drop the model's tables and fill them again from the journal's first event."""
    with journal.transaction() as tx:
        reset(tx.connection, model)
    return catch_up(journal, model)


def in_use(connection: sqlite3.Connection, models: Iterable[Model]) -> list[Model]:
    """Those models that were ever filled from this journal."""
    filled = {name for (name,) in connection.execute("SELECT name FROM models")}
    return [model for model in models if model.name in filled]


def is_current(connection: sqlite3.Connection, model: Model) -> bool:
    """Tell, without writing, whether the model contains every event of the journal."""
    row = connection.execute(
        "SELECT version, seq, (SELECT coalesce(max(seq), 0) FROM events)"
        " FROM models WHERE name = ?",
        (model.name,),
    ).fetchone()
    return row is not None and row[0] == model.version and row[1] >= row[2]


def _reached(connection: sqlite3.Connection, model: Model) -> int:
    row = connection.execute(
        "SELECT version, seq FROM models WHERE name = ?", (model.name,)
    ).fetchone()
    if row is None or row[0] != model.version:
        reset(connection, model)
        return 0
    return int(row[1])


def reset(connection: sqlite3.Connection, model: Model) -> None:
    """Empty the model's tables, within the caller's transaction; the next catch-up fills them."""
    for table in model.tables:
        connection.execute(f"DROP TABLE IF EXISTS {table}")
    for statement in _statements(model.schema):
        connection.execute(statement)
    _set_reached(connection, model, 0)


def _statements(script: str) -> list[str]:
    # executescript() would commit the open transaction.
    statements, current = [], ""
    for part in script.split(";"):
        current += part + ";"
        if sqlite3.complete_statement(current):
            statements.append(current)
            current = ""
    return [statement for statement in statements if statement.strip(" \n;")]


def _set_reached(connection: sqlite3.Connection, model: Model, seq: int) -> None:
    connection.execute(
        "INSERT INTO models (name, version, seq) VALUES (?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET version = excluded.version, seq = excluded.seq",
        (model.name, model.version, seq),
    )
