"""Delete events from a journal for good; nothing else ever does.

`retention` decides which events may go; those that forwarding still needs stay all the same. The
ids of our own events are remembered: a backfill that reads the same artifacts again must not bring
back pruned events.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from lineage_bridge.journal.migrations import has_table
from lineage_bridge.journal.store import Journal
from lineage_bridge.share import queue

BITE = 100  # events that are deleted in one transaction: a few milliseconds
# Two marks among the sequence numbers in the table `pruning`:
_TO_DERIVE = -1  # there until no derived table contains pruned events any more
_DECIDED = 0  # there once all numbers are written down


def remove(connection: sqlite3.Connection, seqs: Sequence[int]) -> None:
    """Delete events within the caller's transaction, and remember the ids of our own events."""
    rows = [(seq,) for seq in seqs]
    connection.executemany(
        "INSERT INTO pruned_ids (id) SELECT id FROM events WHERE seq = ? AND id IS NOT NULL"
        " ON CONFLICT DO NOTHING",
        rows,
    )
    queue.forget(connection, seqs)
    connection.executemany("DELETE FROM events WHERE seq = ?", rows)


def doom(journal: Journal, seqs: Iterable[int]) -> None:
    """Mark events for deletion. The marks count only once the last of them is written down."""
    with journal.transaction() as tx:
        tx.connection.execute("DELETE FROM pruning WHERE seq >= 0")
    for some in _bites(seqs):
        with journal.transaction() as tx:
            tx.connection.executemany("INSERT INTO pruning VALUES (?)", [(seq,) for seq in some])
    with journal.transaction() as tx:
        tx.connection.execute(
            "INSERT OR IGNORE INTO pruning VALUES (?), (?)", (_DECIDED, _TO_DERIVE)
        )


def finish_pruning(journal: Journal) -> int:
    """Delete the events that `doom` marked, a few at a time; return how many were deleted.

    An event that forwarding has come to need since then stays.
    """
    gone = 0
    while some := _doomed(journal):
        with journal.transaction() as tx:
            awaited = queue.awaited_seqs(tx.connection, some)
            going = [seq for seq in some if seq not in awaited]
            remove(tx.connection, going)
            tx.connection.executemany("DELETE FROM pruning WHERE seq = ?", [(seq,) for seq in some])
            tx.connection.execute(
                "DELETE FROM pruning WHERE seq = ?"
                " AND NOT EXISTS (SELECT 1 FROM pruning WHERE seq > ?)",
                (_DECIDED, _DECIDED),
            )
        gone += len(going)
    return gone


def is_to_derive(journal: Journal) -> bool:
    """Return whether derived tables may still contain pruned events."""
    with journal.reading() as connection:
        found = connection.execute("SELECT 1 FROM pruning WHERE seq = ?", (_TO_DERIVE,))
        return found.fetchone() is not None


def derived_again(journal: Journal) -> None:
    """Note down that all models were derived again since the last pruning."""
    with journal.transaction() as tx:
        tx.connection.execute("DELETE FROM pruning WHERE seq = ?", (_TO_DERIVE,))


def _doomed(journal: Journal) -> list[int]:
    with journal.reading() as connection:
        rows = connection.execute(
            "SELECT seq FROM pruning WHERE seq > ? AND EXISTS"
            " (SELECT 1 FROM pruning WHERE seq = ?) ORDER BY seq LIMIT ?",
            (_DECIDED, _DECIDED, BITE),
        )
        return [seq for (seq,) in rows]


def _bites(seqs: Iterable[int]) -> Iterator[list[int]]:
    left = iter(seqs)
    while some := list(islice(left, 100 * BITE)):  # only numbers: little to write
        yield some


def known_ids(connection: sqlite3.Connection) -> set[str]:
    """Return the ids of all our own events that the journal has or had."""
    return set(_known_ids(connection))


def _known_ids(connection: sqlite3.Connection) -> Iterator[str]:
    rows = connection.execute("SELECT id FROM events WHERE id IS NOT NULL")
    yield from (event_id for (event_id,) in rows)
    yield from pruned_ids(connection)


def pruned_ids(connection: sqlite3.Connection) -> list[str]:
    """Return the ids of our own events that were pruned."""
    if not has_table(connection, "pruned_ids"):  # of an older version, and only read since
        return []
    return [event_id for (event_id,) in connection.execute("SELECT id FROM pruned_ids")]


def take_as_pruned(journal: Journal, ids: Iterable[str]) -> None:
    """Let a journal take these events never, as one in which they were pruned does."""
    with journal.transaction() as tx:
        tx.connection.executemany(
            "INSERT OR IGNORE INTO pruned_ids (id) VALUES (?)", [(one,) for one in ids]
        )
