"""Bring the memory of observers under today's names, so that the next backfill has nothing to say.

It has ids of events and run ids, which a new name changes. Whatever it names is looked up in the
journal, and where that event has a former name, the id of its successor takes its place: so this
too can be done again at any time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lineage_bridge.care.former import Known, renamed
from lineage_bridge.errors import EventError, JournalError
from lineage_bridge.events import decode
from lineage_bridge.journal import Journal, catch_up
from lineage_bridge.journal.home_tables import read_event
from lineage_bridge.journal.lease import lease, patient
from lineage_bridge.journal.migrations import has_table
from lineage_bridge.link.identities import SaidStart, list_starts
from lineage_bridge.link.identities_model import IDENTITIES
from lineage_bridge.naming import serving_run_uuid
from lineage_bridge.observe.serving.memory import SlotMemory
from lineage_bridge.observe.serving.state import (
    all_slots,
    memories_saving,
    raise_generation,
)
from lineage_bridge.observe.serving.windows import LEASE, WAIT_SECONDS
from lineage_bridge.observe.tables import INGEST
from lineage_bridge.times import format_time


def follow(journal: Journal, known: Known) -> None:
    """Let the memory name the events and runs of today's names.

    Raises:
        JournalError: the memory cannot be read or written, or another process reads artifacts for
            too long.
    """
    with journal.reading() as connection:
        if not has_table(connection, "serving_slots"):
            return  # nothing was ever read into this home
    journal.prepare(INGEST)
    catch_up(journal, IDENTITIES)
    with lease(journal.home, LEASE, wait=patient(WAIT_SECONDS)) as held:
        if not held:
            raise JournalError(
                f"Another process reads artifacts into the home `{journal.home}` and does not come "
                "to an end. Stop it, or try again later."
            )
        successors = _Successors(journal, known)
        _starts(journal)
        _notes(journal, successors)
        _observers(journal, successors)


class _Successors:
    """The events that took the places of those under former names."""

    def __init__(self, journal: Journal, known: Known) -> None:
        self._journal = journal
        self._known = known

    def id_of(self, event_id: str) -> str | None:
        """Return the id of the event that took an event's place, None if it has no former name."""
        with self._journal.reading() as connection:
            stored = read_event(connection, event_id)
        try:
            found = renamed(decode(stored.body) if stored is not None else {}, self._known)
        except EventError:
            return None
        return None if found is None else found.id_superseding(event_id)

    def exists(self, event_id: str) -> bool:
        """Return whether the journal has an event."""
        with self._journal.reading() as connection:
            return read_event(connection, event_id) is not None


def _starts(journal: Journal) -> None:
    """Rename the runs whose starts the evaluators have taken in."""
    with journal.reading() as connection:
        pairs = [(start.run_id, _former_run_id(start)) for start in list_starts(connection)]
    with journal.transaction() as tx:
        tx.connection.executemany(
            "UPDATE OR REPLACE serving_starts SET run_id = ? WHERE run_id = ?", pairs
        )


def _former_run_id(start: SaidStart) -> str:
    words = (start.instance, *start.serves, format_time(start.time))
    return serving_run_uuid(start.namespace, start.slot.former_job, *words)


def _notes(journal: Journal, successors: _Successors) -> None:
    """Rename observers' events that were appended by a process that was killed before it saved."""
    with journal.reading() as connection:
        ids = [
            event_id
            for (event_id,) in connection.execute("SELECT id FROM unsaved_events ORDER BY number")
        ]
    pairs = list(_pairs(ids, successors))
    standing = [(new, old) for old, new in pairs if successors.exists(new)]
    gone = [(old,) for old, new in pairs if not successors.exists(new)]  # superseded before
    with journal.transaction() as tx:
        tx.connection.executemany("UPDATE unsaved_events SET id = ? WHERE id = ?", standing)
        tx.connection.executemany("DELETE FROM unsaved_events WHERE id = ?", gone)


def _pairs(ids: Iterable[str], successors: _Successors) -> Iterator[tuple[str, str]]:
    for old in ids:
        new = successors.id_of(old)
        if new is not None:
            yield old, new


def _observers(journal: Journal, successors: _Successors) -> None:
    """Rename the events that deployments' observers may still supersede."""
    with journal.reading() as connection:
        memories = all_slots(connection)
    changed = {slot: memory for slot, memory in memories if _is_renamed(memory, successors)}
    save = memories_saving(changed)
    with journal.transaction() as tx:
        save(tx.connection)
        raise_generation(tx.connection)  # whoever reads artifacts loads all of this anew


def _is_renamed(memory: SlotMemory, successors: _Successors) -> bool:
    own = [memory.event_id] if memory.event_id is not None else []
    ids = [*own, *memory.twins, *(item.id for item in memory.standing)]
    new = dict(_pairs(ids, successors))
    if memory.event_id is not None:
        memory.event_id = new.get(memory.event_id, memory.event_id)
    memory.twins = [new.get(twin, twin) for twin in memory.twins]
    for item in memory.standing:
        if item.id in new:
            item.id, item.supersedes = new[item.id], item.id
    return bool(new)
