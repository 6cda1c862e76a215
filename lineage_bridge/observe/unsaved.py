"""Notes of observers' events that are appended, until the memory of them is saved.

Events are appended first and the memory of them is saved second. If a process is killed in between,
the next one tells the same events again, and as ids are hashes of the content, the journal gets
none twice. But by then there may be more artifacts, and another event takes such an event's place:
so each leaves a note in the transaction that appends it, and the next process supersedes noted
events that it does not tell again. By its note such an event is also told from one that another
home appended, or this home long ago: that one stands (see `serving.resume`).
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
    """An event to append.

    Attributes:
        slot: the deployment whose observer tells it; None: a record calls for it.
    """

    event: Event
    slot: Slot | None = None


@dataclass(slots=True)
class Standing:
    """An observer's event of an earlier judgement; it stands until judging comes to its time."""

    at_us: int
    id: str
    supersedes: str | None = None


def append(journal: Journal, told: Sequence[Told]) -> int:
    """Append events, some at a time, observers' each with a note; return how many were new.

    Raises:
        JournalError: the events cannot be written.
    """
    appended = 0
    for begin in range(0, len(told), EVENTS_PER_TRANSACTION):
        batch = told[begin : begin + EVENTS_PER_TRANSACTION]
        notes = [(item.event.id, _names(item.slot)) for item in batch if item.slot is not None]
        with journal.transaction() as tx:
            for item in batch:
                appended += tx.append(item.event, "artifact") is not None
            tx.connection.executemany(
                "INSERT OR REPLACE INTO unsaved_events (id, slot) VALUES (?, ?)", notes
            )
    return appended


def save_told(connection: sqlite3.Connection, told: Sequence[Told]) -> None:
    """Delete the notes of events whose memory is saved in the same transaction."""
    forget(connection, [str(item.event.id) for item in told if item.slot is not None])


def load_ahead(connection: sqlite3.Connection) -> dict[Slot, list[Standing]]:
    """Load, by deployment and time, the observers' events that the saved memory does not know."""
    rows = connection.execute(
        "SELECT u.slot, e.id, e.time_us, e.body FROM unsaved_events u JOIN events e"
        " ON e.id = u.id ORDER BY e.time_us, e.seq"
    )
    ahead: dict[Slot, list[Standing]] = {}
    for names, event_id, time_us, body in rows:
        before = supersedes_of(decode(body))
        item = Standing(time_us, event_id, before)
        ahead.setdefault(Slot(*json.loads(names)), []).append(item)
    return ahead


def forget(connection: sqlite3.Connection, ids: Iterable[str]) -> None:
    """Delete the notes of events whose memory is saved now."""
    connection.executemany("DELETE FROM unsaved_events WHERE id = ?", [(i,) for i in ids])


def forget_observers(connection: sqlite3.Connection, slots: Iterable[Slot]) -> None:
    """Delete the notes of all events of some deployments' observers."""
    connection.executemany(
        "DELETE FROM unsaved_events WHERE slot = ?", [(_names(slot),) for slot in slots]
    )


def _names(slot: Slot) -> str:
    return json.dumps([slot.service, slot.environment, slot.deployment])
