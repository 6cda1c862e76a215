"""The events that were refused, or applied only in part: for people to inspect and mend."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass


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


def list_refused(connection: sqlite3.Connection, limit: int = 1000) -> list[RefusedEvent]:
    """List the last refused events, the newest first; the collector's tables must exist."""
    rows = connection.execute(
        "SELECT r.seq, r.status, r.reason, e.received_us, e.body FROM mq_refused r"
        " JOIN events e ON e.seq = r.seq ORDER BY r.seq DESC LIMIT ?",
        (limit,),
    )
    return [RefusedEvent(*row) for row in rows]
