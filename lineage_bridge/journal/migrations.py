"""Changes of tables over the years: named functions, each done once in a home and recorded.

Each room that keeps tables beside the events hands in its own list. A list only grows: what was
released is never changed, or homes of that time would no longer open.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lineage_bridge.errors import JournalError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS migrations (
    room TEXT NOT NULL,             -- whose tables were changed
    name TEXT NOT NULL,             -- what was done
    applied_us INTEGER NOT NULL,    -- when, microseconds since the epoch
    PRIMARY KEY (room, name)
) WITHOUT ROWID"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One change: its name in the record, and what is done within the caller's transaction."""

    name: str
    apply: Callable[[sqlite3.Connection], None]


@dataclass(frozen=True, slots=True)
class Room:
    """Who keeps tables in the journal's file, and how they came to be what they are."""

    name: str
    migrations: Sequence[Migration]


def statements(name: str, *texts: str) -> Migration:
    """A migration that is nothing but SQL statements."""

    def apply(connection: sqlite3.Connection) -> None:
        for text in texts:
            connection.execute(text)

    return Migration(name, apply)


def pending(connection: sqlite3.Connection, room: Room) -> list[Migration]:
    """What is still to be done in this home for a room.

    Raises:
        JournalError: a newer version did something to it that this one does not know.
    """
    done = _done(connection, room.name)
    unknown = sorted(done - {migration.name for migration in room.migrations})
    if unknown:
        raise JournalError(
            f"A newer lineage-bridge changed the tables of `{room.name}` in this home "
            f"({', '.join(unknown)}). Use that version, or another `--home`."
        )
    return [migration for migration in room.migrations if migration.name not in done]


def migrate(connection: sqlite3.Connection, room: Room) -> None:
    """Do what is still to be done, and record it, within the caller's transaction.

    Raises:
        JournalError: as `pending`.
    """
    connection.execute(_SCHEMA)
    for migration in pending(connection, room):
        migration.apply(connection)
        connection.execute(
            "INSERT INTO migrations (room, name, applied_us) VALUES (?, ?, ?)",
            (room.name, migration.name, time.time_ns() // 1000),
        )


def _done(connection: sqlite3.Connection, room: str) -> set[str]:
    if not has_table(connection, "migrations"):
        return set()
    rows = connection.execute("SELECT name FROM migrations WHERE room = ?", (room,))
    return {name for (name,) in rows}


def has_table(connection: sqlite3.Connection, name: str) -> bool:
    """Whether there is such a table, in whichever of the files that are open together."""
    row = connection.execute("SELECT 1 FROM pragma_table_info(?) LIMIT 1", (name,)).fetchone()
    return row is not None
