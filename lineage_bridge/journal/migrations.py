"""Changes of tables over the years: named functions; each runs once in a home and is recorded.

A room is a part of the package that keeps tables beside the events; it passes in its own list. A
list only grows: a released migration never changes, or homes of that time would no longer open.
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
    """One change: its name in the record, and the function that makes it in a transaction."""

    name: str
    apply: Callable[[sqlite3.Connection], None]


@dataclass(frozen=True, slots=True)
class Room:
    """A part of the package with tables in the journal's file, and all changes made to them."""

    name: str
    migrations: Sequence[Migration]


def statements(name: str, *texts: str) -> Migration:
    """Make a migration that only executes SQL statements."""

    def apply(connection: sqlite3.Connection) -> None:
        for text in texts:
            connection.execute(text)

    return Migration(name, apply)


def pending(connection: sqlite3.Connection, room: Room) -> list[Migration]:
    """List the migrations of a room that this home has not had yet.

    Raises:
        JournalError: a newer version made a change that this version does not know.
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
    """Run and record the pending migrations, within the caller's transaction.

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
    """Return whether any file of the connection (main or attached) has such a table."""
    row = connection.execute("SELECT 1 FROM pragma_table_info(?) LIMIT 1", (name,)).fetchone()
    return row is not None
