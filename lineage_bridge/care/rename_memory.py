"""Bring the memory of ingest under today's names, so that the next backfill has nothing to say.

It has ids of events and run ids, which a new name changes. Whatever it names is looked up in the
journal, and where that event has a former name, the id of its successor takes its place: so this
too can be done again at any time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lineage_bridge.adapters.records import DeploymentRecord
from lineage_bridge.care.former import Known, Renamed, renamed
from lineage_bridge.errors import EventError, JournalError
from lineage_bridge.events import decode, own_facet
from lineage_bridge.ingest.memory import load_records, namespace_of
from lineage_bridge.journal import Journal
from lineage_bridge.journal.lease import lease, patient
from lineage_bridge.journal.migrations import has_table
from lineage_bridge.naming import Slot, serving_run_uuid
from lineage_bridge.observe import unsaved
from lineage_bridge.observe.serving.memory import SlotMemory
from lineage_bridge.observe.serving.state import Memories, all_slots, raise_generation
from lineage_bridge.observe.serving.windows import LEASE, WAIT_SECONDS
from lineage_bridge.observe.tables import INGEST
from lineage_bridge.times import format_time

BATCH = 500


def follow(journal: Journal, known: Known) -> None:
    """Let the memory name the events and runs of today's names.

    Raises:
        JournalError: the memory cannot be read or written, or another process reads artifacts for
            too long.
    """
    with journal.reading() as connection:
        if not has_table(connection, "emitted"):
            return  # nothing was ever read into this home
    journal.prepare(INGEST)
    with lease(journal.home, LEASE, wait=patient(WAIT_SECONDS)) as held:
        if not held:
            raise JournalError(
                f"Another process reads artifacts into the home `{journal.home}` and does not come "
                "to an end. Stop it, or try again later."
            )
        unsaved.settle_emitted(journal)
        successors = _Successors(journal, known)
        _emitted(journal, successors)
        _starts(journal)
        _notes(journal, successors)
        _observers(journal, successors)


class _Successors:
    """What events say under today's names, by the ids that they have under former ones."""

    def __init__(self, journal: Journal, known: Known) -> None:
        self._journal = journal
        self._known = known

    def content(self, event_id: str) -> tuple[Renamed, str] | None:
        """Return what an event says under today's names, and how it was linked."""
        with self._journal.reading() as connection:
            row = connection.execute("SELECT body FROM events WHERE id = ?", (event_id,)).fetchone()
        try:
            document = decode(row[0]) if row is not None else {}
        except EventError:
            return None
        found = renamed(document, self._known)
        own = own_facet(document) if found is not None else None
        if found is None or own is None:
            return None
        return found, " ".join(link.method for link in own.links or ())

    def id_of(self, event_id: str) -> str | None:
        """Return the id of the event that took an event's place, None if it has no former name."""
        found = self.content(event_id)
        return None if found is None else found[0].id_superseding(event_id)

    def exists(self, event_id: str) -> bool:
        """Return whether the journal has an event."""
        with self._journal.reading() as connection:
            row = connection.execute("SELECT 1 FROM events WHERE id = ?", (event_id,)).fetchone()
        return row is not None


def _emitted(journal: Journal, successors: _Successors) -> None:
    """Rename the events that stand for what records call for: the table `emitted`."""
    after = ""
    while True:
        with journal.reading() as connection:
            rows = connection.execute(
                "SELECT subject, said, id FROM emitted WHERE subject > ?"
                " AND (subject LIKE 'serve/%' OR said LIKE 'withdrawn %') ORDER BY subject LIMIT ?",
                (after, BATCH),
            ).fetchall()
        changes = [
            (subject, _subject_of(subject, found[0]), _said_of(said, *found), event_id, found[0])
            for subject, said, event_id in rows
            if (found := successors.content(event_id)) is not None
        ]
        if changes:
            with journal.transaction() as tx:
                for subject, new_subject, said, event_id, content in changes:
                    tx.connection.execute("DELETE FROM emitted WHERE subject = ?", (subject,))
                    tx.connection.execute(
                        "INSERT OR IGNORE INTO emitted (subject, said, id) VALUES (?, ?, ?)",
                        (new_subject, said, content.id_superseding(event_id)),
                    )
        if len(rows) < BATCH:
            return
        after = rows[-1][0]


def _subject_of(subject: str, content: Renamed) -> str:
    return subject.replace(f"serve/{content.former_run_id}/", f"serve/{content.run_id}/", 1)


def _said_of(said: str, content: Renamed, methods: str) -> str:
    """What `outgoing` says of the event; before it stands whether the event only withdraws."""
    withdrawn = "withdrawn " if said.startswith("withdrawn ") else ""
    return f"{withdrawn}{content.id_superseding(None)} {methods}"


def _starts(journal: Journal) -> None:
    """Rename the runs whose starts the evaluators have taken in."""
    with journal.reading() as connection:
        namespace = namespace_of(connection)
        stored = load_records(connection)
    pairs = [
        _run_ids(namespace or "", record)
        for record in stored.records
        if isinstance(record, DeploymentRecord)
    ]
    with journal.transaction() as tx:
        tx.connection.executemany(
            "UPDATE OR REPLACE serving_starts SET run_id = ? WHERE run_id = ?", pairs
        )


def _run_ids(namespace: str, record: DeploymentRecord) -> tuple[str, str]:
    slot = Slot(record.service, record.environment, record.deployment)
    words = (record.instance, record.model, record.model_version, format_time(record.time))
    return (
        serving_run_uuid(namespace, slot.job, *words),
        serving_run_uuid(namespace, slot.former_job, *words),
    )


def _notes(journal: Journal, successors: _Successors) -> None:
    """Rename observers' events that were appended by a process that was killed before it saved."""
    with journal.reading() as connection:
        ids = [
            event_id
            for (event_id,) in connection.execute(
                "SELECT id FROM unsaved_events WHERE said IS NULL ORDER BY number"
            )
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
    memories = Memories(journal)
    with journal.reading() as connection:
        slots = [slot for slot, _ in all_slots(connection)]
    changed = [slot for slot in slots if _is_renamed(memories.of(slot), successors)]
    save = memories.saving(changed)
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
