"""Prune a journal: delete the events that the present does not need, and derive everything again.

Choosing the events only reads. They are then deleted a few at a time, so that nobody waits for
long; a process that dies over it leaves the rest to the next command that opens the journal for
writing (`care.removal`). Meanwhile every question is answered from the old derived tables; then
new ones are filled beside them, and the free space is given back to the disk.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from lineage_bridge.care.history import History, Key, read_history
from lineage_bridge.care.rebuild import rebuild
from lineage_bridge.care.removal import (
    derived_again,
    doom,
    finish_pruning,
    is_to_derive,
)
from lineage_bridge.care.retention import needed
from lineage_bridge.collector.rows.refused import REFUSED
from lineage_bridge.errors import EventError, JournalError
from lineage_bridge.events import decode, view_event
from lineage_bridge.graph.facts import own_identity, read_facts
from lineage_bridge.graph.load import load
from lineage_bridge.graph.reduce import GRAPH
from lineage_bridge.journal import Journal, Model, Stored, catch_up
from lineage_bridge.journal.fold import WAIT_SECONDS
from lineage_bridge.journal.home_tables import read_events
from lineage_bridge.journal.lease import lease, patient
from lineage_bridge.journal.models import in_use
from lineage_bridge.journal.trouble import damaged, derived_is_damaged, is_sound
from lineage_bridge.share.queue import awaited_seqs
from lineage_bridge.times import format_time, to_micros

BATCH = 1000
_TAKING_BACK = (b'"supersedes"', b'"withdraws"')


@dataclass(frozen=True, slots=True)
class Pruned:
    """How much was deleted, or would be.

    Attributes:
        before: only events from before this time were deleted.
        dry_run: whether nothing was changed.
        events: how many events were there.
        pruned: how many of them were deleted.
        runs: how many runs were deleted with all their events.
        profiles: how many profiles of datasets were forgotten.
        bytes_before: size of the journal's files.
        bytes_after: the same afterwards.
        seconds: how long it took in all.
        vacuum_seconds: the part of it that gave the free space back to the disk.
    """

    before: str
    dry_run: bool
    events: int
    pruned: int
    runs: int
    profiles: int
    bytes_before: int
    bytes_after: int
    seconds: float
    vacuum_seconds: float


@dataclass(frozen=True, slots=True)
class Plan:
    """The sequence numbers to delete, of how many events, and how many whole runs that makes."""

    events: int
    doomed: tuple[int, ...]
    runs: int


@dataclass(frozen=True, slots=True)
class _Entry:
    """An event of the journal; `identity` is None where the graph has no facts of it."""

    seq: int
    identity: str | None
    time_us: int
    is_refused: bool
    takes_back: tuple[str, ...]


def prune(
    journal: Journal,
    *,
    before: datetime,
    now: datetime,
    models: Sequence[Model],
    keep: Sequence[Model] = (),
    forget: Callable[[], int] = lambda: 0,
    dry_run: bool = False,
) -> Pruned:
    """Delete the events from before an instant that the present does not need.

    Args:
        journal: open for writing.
        before: the limit of age, by event time.
        now: the present.
        models: those to derive again.
        keep: models that stay as they are.
        forget: called once the events are gone: forgets what is kept beside them and nothing needs
            any more, and returns how many profiles went.
        dry_run: only report how much would be deleted.

    Raises:
        JournalError: another process prunes, or a file is damaged: what it says decides what goes.
    """
    started = time.perf_counter()
    bytes_before = journal.bytes_on_disk()
    with lease(journal.home, "prune", wait=patient(WAIT_SECONDS)) as held:
        if not held:
            raise JournalError("Another process prunes this journal; wait for its end.")
        _finish(journal, models, keep)  # the rest of an earlier pruning
        catch_up(journal, GRAPH)
        with journal.reading() as connection:
            _check(journal, connection)
            planned = plan(connection, before=before, now=now)
        if planned.doomed and not dry_run:
            doom(journal, planned.doomed)
            _finish(journal, models, keep)
    vacuum_seconds, profiles = 0.0, 0
    if not dry_run:
        profiles = forget()
        vacuum_started = time.perf_counter()
        journal.shrink()
        journal.checkpoint()
        vacuum_seconds = time.perf_counter() - vacuum_started
    return Pruned(
        before=format_time(before),
        dry_run=dry_run,
        events=planned.events,
        pruned=len(planned.doomed),
        runs=planned.runs,
        profiles=profiles,
        bytes_before=bytes_before,
        bytes_after=journal.bytes_on_disk(),
        seconds=round(time.perf_counter() - started, 3),
        vacuum_seconds=round(vacuum_seconds, 3),
    )


def _finish(journal: Journal, models: Sequence[Model], keep: Sequence[Model]) -> None:
    """Delete the doomed events, and derive again the models that may still contain them."""
    finish_pruning(journal)
    if not is_to_derive(journal):
        return
    with journal.reading() as connection:
        derived = in_use(connection, models)
    rebuild(journal, derived, keep=keep)
    derived_again(journal)


def _check(journal: Journal, connection: sqlite3.Connection) -> None:
    if not is_sound(connection):
        raise damaged(journal.path, "prune", "a part of it makes no sense")
    if not is_sound(connection, "models"):
        raise derived_is_damaged("a part of it makes no sense")


def plan(connection: sqlite3.Connection, *, before: datetime, now: datetime) -> Plan:
    """Decide which events to delete; the graph's model must have caught up.

    Raises:
        JournalError: what is derived contradicts itself, or the journal.
    """
    horizon_us = to_micros(before)
    entries = list(_entries(connection))
    staying = _staying(entries, horizon_us, awaited_seqs(connection) | _last_seq(entries))
    try:
        history = read_history(connection, _seqs(entries), to_micros(now))
        kept = needed(load(connection, at=now), history, horizon_us, _stories(history, staying))
    except KeyError as exc:
        raise derived_is_damaged(f"it tells of {exc}, which nothing else knows") from exc
    doomed = [
        entry
        for entry in entries
        if entry.time_us < horizon_us
        and entry.identity not in staying
        and _may_go(entry, history, kept)
    ]
    gone = {history.story_of.get(entry.identity or "") for entry in doomed}
    runs = sum(key is not None and key.run is not None for key in gone)
    return Plan(len(entries), tuple(entry.seq for entry in doomed), runs)


def _entries(connection: sqlite3.Connection) -> Iterator[_Entry]:
    after = 0
    while events := read_events(connection, after, BATCH):
        yield from map(_entry, events)
        after = events[-1].seq


def _entry(stored: Stored) -> _Entry:
    is_refused = stored.kind == REFUSED
    return _Entry(stored.seq, _identity(stored), stored.time_us, is_refused, _takes_back(stored))


def _identity(stored: Stored) -> str | None:
    if stored.id is not None:
        return own_identity(stored.id)
    facts = read_facts(stored)
    return None if facts is None else facts.identity


def _takes_back(stored: Stored) -> tuple[str, ...]:
    if stored.id is None or not any(word in stored.body for word in _TAKING_BACK):
        return ()
    try:
        view = view_event(decode(stored.body))
    except EventError:
        return ()
    return tuple(own_identity(event_id) for event_id in view.takes_back)


def _seqs(entries: Sequence[_Entry]) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for entry in entries:
        if entry.identity is not None:
            first, _ = found.get(entry.identity, (entry.seq, 0))
            found[entry.identity] = first, entry.seq
    return found


def _last_seq(entries: Sequence[_Entry]) -> set[int]:
    # Numbers are never used again, but others take the newest one present as the journal's end.
    return {entry.seq for entry in entries[-1:]}


def _staying(entries: Sequence[_Entry], horizon_us: int, awaited: set[int]) -> set[str]:
    """Find the events that stay whatever their facts, and all that take one of them back.

    Without the event that does, the one that was taken back would count again.
    """
    staying = {
        entry.identity
        for entry in entries
        if entry.identity is not None and (entry.seq in awaited or entry.time_us >= horizon_us)
    }
    pairs = [(e.identity, old) for e in entries if e.identity for old in e.takes_back]
    while more := {new for new, old in pairs if old in staying} - staying:
        staying |= more
    return staying


def _stories(history: History, identities: Iterable[str]) -> Iterator[Key]:
    for identity in identities:
        if identity in history.story_of:
            yield history.story_of[identity]


def _may_go(entry: _Entry, history: History, kept: set[Key]) -> bool:
    if entry.identity is None:
        return entry.is_refused  # commands, and events that only the collector understands, stay
    key = history.story_of.get(entry.identity)
    return entry.identity in history.superseded if key is None else key not in kept
