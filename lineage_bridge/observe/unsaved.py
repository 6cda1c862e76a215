"""Notes of events that are appended, until the memory of them is saved.

Events are appended first and the memory of them is saved second. If a process is killed in between,
the next one emits the same events again, and as ids are hashes of the content, the journal gets
none twice. But by then there may be more artifacts, and another event takes such an event's place:
so each event leaves a note in the transaction that appends it, and the next process supersedes
noted events that it does not emit again.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lineage_bridge.events import Event, decode, supersedes_of
from lineage_bridge.journal import Journal
from lineage_bridge.naming import Slot

EVENTS_PER_TRANSACTION = 500


@dataclass(frozen=True, slots=True)
class Told:
    """An event to append, and its subject.

    Attributes:
        subject: as in the table `emitted`; for an observer's event its deployment.
        said: as in `emitted`; None for an observer's event.
    """

    event: Event
    subject: str
    said: str | None = None


@dataclass(slots=True)
class Standing:
    """An observer's event of an earlier judgement; it stands until judging comes to its time."""

    at_us: int
    id: str
    supersedes: str | None = None


def observer_subject(slot: Slot) -> str:
    """Return the subject of an observer's events: its deployment, as JSON."""
    return json.dumps([slot.service, slot.environment, slot.deployment])


def append(journal: Journal, told: Sequence[Told]) -> int:
    """Append events, some at a time, each with a note; return how many were new.

    Raises:
        JournalError: the events cannot be written.
    """
    appended = 0
    for begin in range(0, len(told), EVENTS_PER_TRANSACTION):
        batch = told[begin : begin + EVENTS_PER_TRANSACTION]
        with journal.transaction() as tx:
            for item in batch:
                appended += tx.append(item.event, "artifact") is not None
            tx.connection.executemany(
                "INSERT OR REPLACE INTO unsaved_events (id, subject, said) VALUES (?, ?, ?)",
                [(item.event.id, item.subject, item.said) for item in batch],
            )
    return appended


def settle_emitted(journal: Journal) -> None:
    """Save the memory of records' events that a killed process had appended.

    Raises:
        JournalError: the memory cannot be written.
    """
    with journal.reading() as connection:
        query = "SELECT 1 FROM unsaved_events WHERE said IS NOT NULL LIMIT 1"
        if connection.execute(query).fetchone() is None:
            return
    with journal.transaction() as tx:
        tx.connection.execute(
            "INSERT OR REPLACE INTO emitted (subject, said, id) SELECT subject, said, id"
            " FROM unsaved_events WHERE said IS NOT NULL ORDER BY number"
        )
        tx.connection.execute("DELETE FROM unsaved_events WHERE said IS NOT NULL")


def save_told(connection: sqlite3.Connection, told: Sequence[Told]) -> None:
    """Save the memory of events that were appended, and delete their notes."""
    connection.executemany(
        "INSERT OR REPLACE INTO emitted (subject, said, id) VALUES (?, ?, ?)",
        [(t.subject, t.said, str(t.event.id)) for t in told if t.said is not None],
    )
    forget(connection, [str(t.event.id) for t in told])


def load_ahead(connection: sqlite3.Connection) -> dict[Slot, list[Standing]]:
    """Load, by deployment and time, the observers' events that the saved memory does not know."""
    rows = connection.execute(
        "SELECT u.subject, e.id, e.time_us, e.body FROM unsaved_events u JOIN events e"
        " ON e.id = u.id WHERE u.said IS NULL ORDER BY e.time_us, e.seq"
    )
    ahead: dict[Slot, list[Standing]] = {}
    for subject, event_id, time_us, body in rows:
        before = supersedes_of(decode(body))
        item = Standing(time_us, event_id, before)
        ahead.setdefault(Slot(*json.loads(subject)), []).append(item)
    return ahead


def forget(connection: sqlite3.Connection, ids: Iterable[str]) -> None:
    """Delete the notes of events whose memory is saved now."""
    connection.executemany("DELETE FROM unsaved_events WHERE id = ?", [(i,) for i in ids])


def forget_observers(connection: sqlite3.Connection, slots: Iterable[Slot]) -> None:
    """Delete the notes of all events of some deployments' observers."""
    connection.executemany(
        "DELETE FROM unsaved_events WHERE subject = ? AND said IS NULL",
        [(observer_subject(slot),) for slot in slots],
    )
