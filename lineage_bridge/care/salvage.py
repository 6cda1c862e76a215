"""Read the events that can still be read of a journal whose file is damaged."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from lineage_bridge.journal.store import STORED, Stored

SPAN = 512


def salvaged(connection: sqlite3.Connection) -> Iterator[Stored | int]:
    """Yield every readable event in order, and for others the numbers that they may have had."""
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
    """Yield the events of a span of numbers; if the span cannot be read, those of its halves."""
    try:
        rows = connection.execute(
            f"SELECT {STORED} FROM events WHERE seq BETWEEN ? AND ? ORDER BY seq",
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
        # Near a broken page SQLite may end a span early without an error.
        found = {row[0]: Stored(*row) for row in rows}
        for seq in range(first, last + 1):
            yield from [found[seq]] if seq in found else _one(connection, seq)


def _one(connection: sqlite3.Connection, seq: int) -> Iterator[Stored | int]:
    """Yield the event of a number, the number if it cannot be read, nothing if there is none."""
    try:
        row = connection.execute(f"SELECT {STORED} FROM events WHERE seq = ?", (seq,)).fetchone()
    except sqlite3.DatabaseError:
        yield seq
        return
    if row is not None:
        yield Stored(*row)
