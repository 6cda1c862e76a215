"""Events that linked records call for and that the journal does not have yet, by event time.

Each event is about a subject (a build, one end of a run). If the records now give another content
for a subject than the event that stands for it, or link it by another rung of the ladder, a new
event supersedes that one. If they no longer call for the subject at all, its event is withdrawn.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from lineage_bridge.adapters.builds import build_event
from lineage_bridge.adapters.deployments import deployment_event
from lineage_bridge.adapters.linked import Linked
from lineage_bridge.adapters.trainings import (
    publication_event,
    starts_before_end,
    training_event,
)
from lineage_bridge.assess.freshness import FreshnessPolicy
from lineage_bridge.events import Event, decode, own_facet
from lineage_bridge.ingest.memory import Emitted, load_emitted
from lineage_bridge.observe.unsaved import Told

FreshnessOf = Callable[[str], FreshnessPolicy]


@dataclass(frozen=True, slots=True)
class Due:
    """An event that records call for; `rank` orders writers before readers of the same instant."""

    subject: str
    rank: int
    make: Callable[[str | None], Event]


def due_events(linked: Linked, freshness_of: FreshnessOf) -> Iterator[Due]:
    """Yield every event that the linked records call for."""
    for build in linked.builds:
        policy = freshness_of(build.dataset.name)
        subject = f"build/{build.dataset.name}@{build.dataset.version}"
        yield Due(subject, 0, partial(build_event, build, policy))
    for training in linked.trainings:
        subject = f"train/{training.run_id}"
        if starts_before_end(training):
            yield Due(f"{subject}/START", 1, partial(training_event, training, "START"))
        yield Due(f"{subject}/COMPLETE", 1, partial(training_event, training, "COMPLETE"))
    for publication in linked.publications:
        subject = f"publish/{publication.published.name}@{publication.published.version}"
        yield Due(subject, 2, partial(publication_event, publication))
    for start in linked.starts:
        subject = f"serve/{start.run_id}"
        yield Due(f"{subject}/START", 3, partial(deployment_event, start, "START"))
        if start.ended is not None:
            yield Due(f"{subject}/COMPLETE", 3, partial(deployment_event, start, "COMPLETE"))


@dataclass(frozen=True, slots=True)
class _Pending:
    """An event to append; `said` will be saved for its subject."""

    subject: str
    rank: int
    event: Event
    said: str

    @property
    def order(self) -> tuple[int, int, str]:
        return (self.event.time_us, self.rank, self.subject)


class Outgoing:
    """The events that are due and new, handed out in the order of their time.

    Args:
        due: every event that the records call for.
        withdraws: whether events are withdrawn whose subjects no record calls for; False if a
            record is missing that may call for one.
    """

    def __init__(self, due: Iterable[Due], *, withdraws: bool = True) -> None:
        self._calls = [_Call(item) for item in due]
        self._withdraws = withdraws
        self._pending: list[_Pending] = []
        self._next = 0

    def load(self, connection: sqlite3.Connection) -> None:
        """Compare with the events that stand for each subject now, and keep the new ones."""
        emitted = load_emitted(connection)
        calls = self._calls
        pending = [p for call in calls if (p := call.pending(emitted.get(call.due.subject)))]
        gone = sorted(emitted.keys() - {call.due.subject for call in calls})
        if gone and calls and self._withdraws:
            heir = min(calls, key=lambda call: call.order)
            pending += [p for subject in gone if (p := heir.inherit(subject, emitted[subject]))]
        self._pending = sorted(pending, key=lambda p: p.order)
        self._next = 0

    def take_until(self, time_us: int | None, limit: int | None = None) -> list[Told]:
        """Take the events up to and including an instant (None: all), at most `limit` of them."""
        begin = self._next
        end = len(self._pending) if limit is None else min(len(self._pending), begin + limit)
        while self._next < end:
            if time_us is not None and self._pending[self._next].event.time_us > time_us:
                break
            self._next += 1
        return [Told(p.event, p.subject, p.said) for p in self._pending[begin : self._next]]


class _Call:
    """One event that the records call for, made as if it superseded nothing."""

    def __init__(self, due: Due) -> None:
        self.due = due
        event = due.make(None)
        self._event = event
        self._said = _said(event)
        self.order = (event.time_us, due.rank, due.subject)

    def pending(self, standing: Emitted | None) -> _Pending | None:
        """Return the event to append, None if the standing one has the same content."""
        if standing is None:
            return _Pending(self.due.subject, self.due.rank, self._event, self._said)
        if standing.said == self._said:
            return None
        return _Pending(self.due.subject, self.due.rank, self.due.make(standing.id), self._said)

    def inherit(self, subject: str, standing: Emitted) -> _Pending | None:
        """Withdraw the event of a subject that no record calls for any more.

        Only an event can supersede another, so this one is emitted once more, superseding that one:
        the graph has its facts already, so they change nothing.
        """
        said = f"withdrawn {self._said}"
        if standing.said == said:
            return None
        return _Pending(subject, self.due.rank, self.due.make(standing.id), said)


def _said(event: Event) -> str:
    """Return the event's id (a hash of its content) and link methods, which the id leaves out."""
    own = own_facet(decode(event.body))
    methods = [link.method for link in (own.links or ())] if own is not None else []
    return f"{event.id} {' '.join(methods)}"
