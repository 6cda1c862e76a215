"""The events that were refused, or applied only in part: for people to inspect and mend.

They are the rows of `mq_refused`, which only this module reads and writes.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from lineage_bridge.collector.dialect.errors import RefusedEventError

REFUSED = "refused"  # the kind of an event that is kept only to be listed as refused


@dataclass(frozen=True, slots=True)
class RefusedEvent:
    """One refused event.

    Attributes:
        seq: its number in the journal.
        status: the status that its POST was answered with.
        reason: what is wrong with it.
        received_us: its arrival.
        body: the event as it was received.
    """

    seq: int
    status: int
    reason: str
    received_us: int
    body: bytes


def note(connection: sqlite3.Connection, seq: int, exc: RefusedEventError) -> None:
    """Note why an event was refused; what is known of it from before is replaced."""
    connection.execute(
        "INSERT OR REPLACE INTO mq_refused (seq, status, reason) VALUES (?, ?, ?)",
        (seq, exc.status, exc.reason),
    )


def status_of(connection: sqlite3.Connection, seq: int) -> int | None:
    """Return the status that an event was refused with, None if it was not."""
    row = connection.execute("SELECT status FROM mq_refused WHERE seq = ?", (seq,)).fetchone()
    return None if row is None else int(row[0])


def count(connection: sqlite3.Connection) -> int:
    """Count the refused events."""
    (number,) = connection.execute("SELECT count(*) FROM mq_refused").fetchone()
    return int(number)


def list_refused(connection: sqlite3.Connection, limit: int = 1000) -> list[RefusedEvent]:
    """List the last refused events, the newest first; the collector's tables must exist."""
    rows = connection.execute(
        "SELECT r.seq, r.status, r.reason, e.received_us, e.body FROM mq_refused r"
        " JOIN events e ON e.seq = r.seq ORDER BY r.seq DESC LIMIT ?",
        (limit,),
    )
    return [RefusedEvent(*row) for row in rows]
