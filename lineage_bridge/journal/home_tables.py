"""The journal's own tables: the events, how their rows are read, and what a home keeps beside."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from lineage_bridge.errors import JournalError
from lineage_bridge.journal.migrations import Room, statements
from lineage_bridge.journal.trouble import NO_BODY
from lineage_bridge.times import EARLIEST_US, LATEST_US

# 1: no `pruned_ids`. 2: the derived tables were in the journal's file. 3: they are in a file of
# their own; every later change is recorded as a migration.
FORMAT = 3

_SECOND_US = 1_000_000

JOURNAL = Room(
    "journal",
    (
        statements(
            "events",
            """CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT,                      -- lineageBridge_event.id; NULL for other producers' events
    kind TEXT NOT NULL,           -- run, dataset or job
    time_us INTEGER NOT NULL,     -- eventTime within the range of `times`, microseconds
    received_us INTEGER NOT NULL, -- arrival, microseconds since the epoch
    origin TEXT NOT NULL,
    body BLOB NOT NULL            -- the event as JSON, as it came
)""",
            "CREATE UNIQUE INDEX IF NOT EXISTS events_id ON events (id) WHERE id IS NOT NULL",
            "CREATE INDEX IF NOT EXISTS events_time ON events (kind, time_us, seq)",
            """CREATE TABLE IF NOT EXISTS pruned_ids (  -- of events that must not come again
    id TEXT PRIMARY KEY
) WITHOUT ROWID""",
        ),
        statements(
            "two files",
            """CREATE TABLE IF NOT EXISTS derived (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    generation INTEGER NOT NULL   -- of the file with what is derived
)""",
            "INSERT OR IGNORE INTO derived VALUES (1, 0)",
            """CREATE TABLE IF NOT EXISTS spooled (  -- lines of spool files that were taken in
    key TEXT PRIMARY KEY
) WITHOUT ROWID""",
            """CREATE TABLE IF NOT EXISTS pruning (  -- events that are on their way out
    seq INTEGER PRIMARY KEY
)""",
        ),
        statements(
            "digests",
            """CREATE TABLE IF NOT EXISTS digests (  -- of events without an id, to know them again
    second INTEGER NOT NULL,      -- of its time: what comes together is written on one page
    digest BLOB NOT NULL,
    seq INTEGER NOT NULL,         -- the event, which may be pruned by now
    PRIMARY KEY (second, digest)
) WITHOUT ROWID""",
            """CREATE TABLE IF NOT EXISTS undigested (  -- what came before there were digests
    after INTEGER NOT NULL,       -- events after this one,
    last INTEGER NOT NULL         -- up to this one
)""",
            "INSERT INTO undigested SELECT 0, max(seq) FROM events HAVING count(*) > 0",
        ),
        statements("the spool without keys", "DROP TABLE IF EXISTS spooled"),
        statements(
            # The collector of earlier versions took any time, and nothing else could hold some.
            # The bodies stay as they are; an index finds the rows without a look at them.
            "event times in range",
            f"""UPDATE events SET time_us = min(max(time_us, {EARLIEST_US}), {LATEST_US})
WHERE seq IN (
    SELECT seq FROM events INDEXED BY events_time
    WHERE time_us NOT BETWEEN {EARLIEST_US} AND {LATEST_US}
)""",
        ),
    ),
)


def keep_digest(connection: sqlite3.Connection, time_us: int, digest: bytes, seq: int) -> None:
    """Keep the digest of an event without an id; the first event that has it counts.

    Args:
        connection: in a write transaction.
        time_us: the event's time, microseconds since the epoch.
        digest: of its body.
        seq: its number.
    """
    connection.execute(
        "INSERT OR IGNORE INTO digests (second, digest, seq) VALUES (?, ?, ?)",
        (time_us // _SECOND_US, digest, seq),
    )


def has_digest(connection: sqlite3.Connection, time_us: int, digest: bytes) -> bool:
    """Return whether the journal has, or had, an event without an id of this time and digest."""
    # Where a time has nanoseconds, earlier versions may have read it one microsecond off.
    seconds = {(time_us + off) // _SECOND_US for off in (-1, 1)}
    return any(
        connection.execute(
            "SELECT 1 FROM digests WHERE second = ? AND digest = ?", (second, digest)
        ).fetchone()
        for second in seconds
    )


def check_format(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a home of a newer version.

    Raises:
        JournalError: the home's format is newer than `FORMAT`.
    """
    found = format_of(connection)
    if found > FORMAT:
        raise JournalError(
            f"The journal `{path}` has format {found}; this version reads up to {FORMAT}. "
            "Use a newer lineage-bridge, or another `--home`."
        )


def format_of(connection: sqlite3.Connection) -> int:
    """Return the format of a journal's file; 0 for a new one."""
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    return int(found)


def generation(connection: sqlite3.Connection) -> int:
    """Return the generation: the number of the current derived file."""
    try:
        row = connection.execute("SELECT generation FROM derived").fetchone()
    except sqlite3.OperationalError:  # a home of an older format has no such table
        return 0
    return int(row[0]) if row else 0


@dataclass(frozen=True, slots=True)
class Stored:
    """An event as the journal stores it; times in microseconds since the Unix epoch."""

    seq: int
    id: str | None
    kind: str
    time_us: int
    received_us: int
    origin: str
    body: bytes


STORED = "seq, id, kind, time_us, received_us, origin, body"  # the columns of `Stored`


def read_event(connection: sqlite3.Connection, event_id: str) -> Stored | None:
    """Read the event with an id, None if it was pruned or never came."""
    row = connection.execute(f"SELECT {STORED} FROM events WHERE id = ?", (event_id,)).fetchone()
    return None if row is None else Stored(*row)


def read_events(
    connection: sqlite3.Connection, after: int, limit: int, max_bytes: int | None = None
) -> list[Stored]:
    """Read events as `Journal.read` does, within an open transaction."""
    rows = connection.execute(
        f"SELECT {STORED} FROM events WHERE seq > ? ORDER BY seq LIMIT ?", (after, limit)
    )
    found: list[Stored] = []
    size = 0
    for row in rows:
        found.append(Stored(*row))
        if found[-1].body is None:
            raise sqlite3.DatabaseError(f"event {found[-1].seq}: {NO_BODY}")
        size += len(found[-1].body)
        if max_bytes is not None and size >= max_bytes:
            break
    return found
