"""Taking events out of a journal for good: the one thing that ever does.

Which events may go is decided elsewhere (`lineage_bridge.graph.retention`); here it is said which
may not, because something waits for them, and how they go. The ids of ours are remembered: a
backfill that reads the same artifacts again must not bring back what was pruned.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator

from lineage_bridge.journal.forward_intake import FORWARDED
from lineage_bridge.journal.forward_queue import has_tables

REFUSED = "refused"  # the kind of an event that the collector answered 400: kept to be listed
# What becomes of these is still open: the event itself is needed.
_OPEN_STATES = ("pending", "held", "dead", "stale")


def awaited_seqs(connection: sqlite3.Connection) -> set[int]:
    """Events that a Marquez is still to get, or that are dead letters of one."""
    if not has_tables(connection):
        return set()
    marks = ", ".join("?" * len(_OPEN_STATES))
    rows = connection.execute(
        f"SELECT seq FROM forward_events WHERE state IN ({marks})"
        " UNION SELECT e.seq FROM events e JOIN forward_targets t ON e.seq > t.seq"
        " WHERE e.origin IN (?, ?, ?)",
        (*_OPEN_STATES, *FORWARDED),
    )
    return {seq for (seq,) in rows}


def remove(connection: sqlite3.Connection, seqs: Iterable[int]) -> None:
    """Delete events within the caller's transaction, and remember the ids of ours."""
    rows = [(seq,) for seq in seqs]
    connection.executemany(
        "INSERT INTO pruned_ids (id) SELECT id FROM events WHERE seq = ? AND id IS NOT NULL"
        " ON CONFLICT DO NOTHING",
        rows,
    )
    if has_tables(connection):
        connection.executemany("DELETE FROM forward_events WHERE seq = ?", rows)
    connection.executemany("DELETE FROM events WHERE seq = ?", rows)


def known_ids(connection: sqlite3.Connection) -> set[str]:
    """The ids of all events of ours that the journal has or had."""
    return set(_known_ids(connection))


def _known_ids(connection: sqlite3.Connection) -> Iterator[str]:
    rows = connection.execute("SELECT id FROM events WHERE id IS NOT NULL")
    yield from (event_id for (event_id,) in rows)
    (found,) = connection.execute(
        "SELECT count(*) FROM sqlite_master WHERE name = 'pruned_ids'"
    ).fetchone()
    if found:  # a journal that was only read since an older version has none
        yield from (event_id for (event_id,) in connection.execute("SELECT id FROM pruned_ids"))
