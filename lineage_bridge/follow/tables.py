"""What a home remembers of a feed: the buckets, which events it had, and how following went.

All of it is in the journal's database, so that it is saved along with the events.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from lineage_bridge.follow.audit import Seen, Settled
from lineage_bridge.follow.buckets import EVERYTHING, Bucket, merged
from lineage_bridge.journal.migrations import Room, statements

FOLLOW = Room(
    "follow",
    (
        statements(
            "feeds",
            """CREATE TABLE IF NOT EXISTS follow_sources (
    id INTEGER PRIMARY KEY,
    url TEXT NOT NULL UNIQUE,                -- without user and password
    appended INTEGER NOT NULL DEFAULT 0,     -- events of others that came into the journal
    recognised INTEGER NOT NULL DEFAULT 0,   -- events that the journal had already
    unreadable INTEGER NOT NULL DEFAULT 0,   -- events that the journal cannot hold
    gone INTEGER NOT NULL DEFAULT 0,         -- events that the feed no longer has
    counted INTEGER,                         -- events of the feed at the last audit
    audited_us INTEGER,                      -- when the last audit began
    newest_us INTEGER,                       -- the latest event time
    oldest_us INTEGER,                       -- the earliest event time that the feed has
    problem TEXT,                            -- why following does not go on
    problem_us INTEGER                       -- since when
)""",
            """CREATE TABLE IF NOT EXISTS follow_buckets (  -- all times, without gaps
    source INTEGER NOT NULL,
    start_us INTEGER NOT NULL,
    end_us INTEGER NOT NULL,                 -- the next one's start
    count INTEGER,                           -- NULL: to be read
    PRIMARY KEY (source, start_us)
) WITHOUT ROWID""",
            """CREATE TABLE IF NOT EXISTS follow_events (  -- that a feed has, or had
    source INTEGER NOT NULL,
    time_us INTEGER NOT NULL,
    identity BLOB NOT NULL,
    spelling BLOB NOT NULL,                  -- a digest of the bytes in which it was listed
    gone_us INTEGER,                         -- when it was found missing
    PRIMARY KEY (source, time_us, identity)
) WITHOUT ROWID""",
        ),
    ),
)

NUMBERS = ("appended", "recognised", "unreadable", "gone")


@dataclass(slots=True)
class Gains:
    """How much the numbers of a source grew: `gone` shrinks when an event comes back."""

    appended: int = 0
    recognised: int = 0
    unreadable: int = 0
    gone: int = 0

    def __bool__(self) -> bool:
        """Whether any number changed."""
        return any(getattr(self, name) for name in NUMBERS)

    def add(self, other: Gains) -> None:
        """Add what another step gained."""
        for name in NUMBERS:
            setattr(self, name, getattr(self, name) + getattr(other, name))


def source_of(connection: sqlite3.Connection, name: str) -> int:
    """Return the number of a feed in this home, and make one if it is new.

    Args:
        connection: in a write transaction.
        name: the Marquez's URL, without user and password.
    """
    connection.execute(
        "INSERT INTO follow_sources (url) VALUES (?) ON CONFLICT DO NOTHING", (name,)
    )
    row = connection.execute("SELECT id FROM follow_sources WHERE url = ?", (name,)).fetchone()
    return int(row[0])


def read_buckets(connection: sqlite3.Connection, source: int) -> list[Bucket]:
    """Read all buckets of a feed, in order."""
    rows = connection.execute(
        "SELECT start_us, end_us, count FROM follow_buckets WHERE source = ? ORDER BY start_us",
        (source,),
    )
    return [Bucket(*row) for row in rows] or [EVERYTHING]


def write_buckets(connection: sqlite3.Connection, source: int, buckets: Sequence[Bucket]) -> None:
    """Put buckets in the place of what was known of their range."""
    if not buckets:
        return
    start, end = buckets[0].start, buckets[-1].end
    if connection.execute("SELECT 1 FROM follow_buckets WHERE source = ?", (source,)).fetchone():
        touched = connection.execute(
            "SELECT start_us, end_us FROM follow_buckets WHERE source = ? AND start_us < ?"
            " AND start_us >= (SELECT max(start_us) FROM follow_buckets"
            "  WHERE source = ? AND start_us <= ?)",
            (source, end, source, start),
        ).fetchall()
    else:
        touched = [(EVERYTHING.start, EVERYTHING.end)]
    connection.executemany(
        "DELETE FROM follow_buckets WHERE source = ? AND start_us = ?",
        [(source, first) for first, _ in touched],
    )
    before = Bucket(touched[0][0], start)
    after = Bucket(end, touched[-1][1])
    connection.executemany(
        "INSERT INTO follow_buckets VALUES (?, ?, ?, ?)",
        [(source, *b) for b in (before, *buckets, after) if b.start < b.end],
    )


def spellings(
    connection: sqlite3.Connection, source: int, start: int, end: int, limit: int
) -> dict[bytes, Seen]:
    """Return the first events that the feed is known to have in a range, by how they are spelled.

    Those of the first `limit` events of the feed that are known are among them.
    """
    rows = connection.execute(
        "SELECT spelling, time_us, identity FROM follow_events"
        " WHERE source = ? AND time_us >= ? AND time_us < ? AND gone_us IS NULL"
        " ORDER BY time_us LIMIT ?",
        (source, start, end, limit),
    )
    return {spelling: Seen(time_us, identity) for spelling, time_us, identity in rows}


def keep(connection: sqlite3.Connection, source: int, seen: Seen, spelling: bytes) -> bool:
    """Note that the feed has an event; return whether it is the first time."""
    cursor = connection.execute(
        "INSERT INTO follow_events (source, time_us, identity, spelling) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (source, *seen, spelling),
    )
    return cursor.rowcount == 1


def came_back(connection: sqlite3.Connection, source: int, seen: Seen, spelling: bytes) -> bool:
    """Note how an event is spelled now; return whether the feed was thought not to have it."""
    where = "WHERE source = ? AND time_us = ? AND identity = ?"
    connection.execute(f"UPDATE follow_events SET spelling = ? {where}", (spelling, source, *seen))
    cursor = connection.execute(
        f"UPDATE follow_events SET gone_us = NULL {where} AND gone_us IS NOT NULL",
        (source, *seen),
    )
    return cursor.rowcount == 1


def settle(connection: sqlite3.Connection, source: int, settled: Settled, now_us: int) -> int:
    """Save what was settled; return how many events the feed no longer has."""
    write_buckets(connection, source, settled.buckets)
    if settled.present is None or not settled.buckets:
        return 0
    rows = connection.execute(
        "SELECT time_us, identity FROM follow_events"
        " WHERE source = ? AND time_us >= ? AND time_us < ? AND gone_us IS NULL",
        (source, settled.buckets[0].start, settled.buckets[-1].end),
    )
    gone = [(now_us, source, *row) for row in rows if row[1] not in settled.present]
    connection.executemany(
        "UPDATE follow_events SET gone_us = ? WHERE source = ? AND time_us = ? AND identity = ?",
        gone,
    )
    return len(gone)


def add(connection: sqlite3.Connection, source: int, gains: Gains) -> None:
    """Add to the numbers of a source."""
    connection.execute(
        f"UPDATE follow_sources SET {', '.join(f'{name} = {name} + ?' for name in NUMBERS)}"
        " WHERE id = ?",
        (*(getattr(gains, name) for name in NUMBERS), source),
    )


def audited(connection: sqlite3.Connection, source: int, began_us: int) -> None:
    """Save that all buckets were compared with the feed, and merge the small ones.

    Args:
        connection: in a write transaction.
        source: the feed.
        began_us: when the audit began, microseconds since the epoch.
    """
    buckets = read_buckets(connection, source)
    kept = list(merged(buckets))
    if len(kept) < len(buckets):
        connection.execute("DELETE FROM follow_buckets WHERE source = ?", (source,))
        connection.executemany(
            "INSERT INTO follow_buckets VALUES (?, ?, ?, ?)", [(source, *b) for b in kept]
        )
    times = "FROM follow_events WHERE source = ?1"
    connection.execute(
        "UPDATE follow_sources SET counted = ?2, audited_us = ?3,"
        f" oldest_us = (SELECT min(time_us) {times} AND gone_us IS NULL),"
        f" newest_us = (SELECT max(time_us) {times}) WHERE id = ?1",
        (source, sum(bucket.counted or 0 for bucket in kept), began_us),
    )


def note_problem(
    connection: sqlite3.Connection, source: int, problem: str | None, now_us: int
) -> None:
    """Note why following does not go on, or (None) that it does."""
    connection.execute(
        "UPDATE follow_sources SET problem = ?1,"
        " problem_us = CASE WHEN ?1 IS NOT NULL THEN coalesce(problem_us, ?2) END WHERE id = ?3",
        (problem, now_us, source),
    )


def has_problem(connection: sqlite3.Connection, source: int) -> bool:
    """Return whether a problem is noted."""
    query = "SELECT 1 FROM follow_sources WHERE id = ? AND problem IS NOT NULL"
    return connection.execute(query, (source,)).fetchone() is not None
