"""What can still be read of a journal whose file is damaged."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from lineage_bridge.journal.store import Stored

SPAN = 512


def salvaged(connection: sqlite3.Connection) -> Iterator[Stored | int]:
    """Every event that can be read, in order; in place of others the numbers they may have had."""
    last = _last_seq(connection)
    for first in range(1, last + 1, SPAN):
        yield from _between(connection, first, min(first + SPAN - 1, last))


def _last_seq(connection: sqlite3.Connection) -> int:
    highest = 0
    for question in (
        "SELECT max(seq) FROM sqlite_sequence WHERE name = 'events'",
        "SELECT max(seq) FROM events",
    ):
        try:
            (found,) = connection.execute(question).fetchone()
        except sqlite3.DatabaseError:
            continue
        highest = max(highest, found or 0)
    return highest


def _between(connection: sqlite3.Connection, first: int, last: int) -> Iterator[Stored | int]:
    """The events of a span of numbers; where it cannot be read, of its halves."""
    try:
        rows = connection.execute(
            "SELECT seq, id, kind, time_us, received_us, origin, body FROM events"
            " WHERE seq BETWEEN ? AND ? ORDER BY seq",
            (first, last),
        ).fetchall()
    except sqlite3.DatabaseError:
        if first == last:
            yield first
            return
        middle = (first + last) // 2
        yield from _between(connection, first, middle)
        yield from _between(connection, middle + 1, last)
    else:
        yield from (Stored(*row) for row in rows)
