"""Events that linked records call for and that the journal does not have yet, by event time.

Each event is about a subject (a build, one end of a run). When the records now say something else
of a subject than the event that stands for it, or say it by another rung of the ladder, a new event
supersedes that one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
from lineage_bridge.events import Event, decode, ours
from lineage_bridge.ingest.memory import Emitted, keep_emitted
from lineage_bridge.journal import Transaction

FreshnessOf = Callable[[str], FreshnessPolicy]


@dataclass(frozen=True, slots=True)
class Due:
    """An event that is due; `rank` puts writers before readers of the same instant."""

    subject: str
    rank: int
    make: Callable[[str | None], Event]


def due_events(linked: Linked, freshness_of: FreshnessOf) -> Iterator[Due]:
    """Every event that the linked records call for."""
    for build in linked.builds:
        policy = freshness_of(build.dataset.name)
        subject = f"build/{build.record.stem}/{build.dataset.version}"
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


class Outgoing:
    """The events that are due and new, appended in the order of their time."""

    def __init__(self, due: Iterator[Due], emitted: dict[str, Emitted]) -> None:
        self.appended = 0
        pending = []
        for item in due:
            standing = emitted.get(item.subject)
            event = item.make(None)
            said = _said(event)
            if standing is not None and standing.said == said:
                continue
            if standing is not None:
                event = item.make(standing.id)
            pending.append((event.time_us, item.rank, item.subject, event, said))
        self._pending = sorted(pending, key=lambda p: p[:3])
        self._next = 0

    def append_until(self, tx: Transaction, time_us: int | None) -> None:
        """Append what is due up to and including that instant; None: all of it."""
        while self._next < len(self._pending):
            due_us, _, subject, event, said = self._pending[self._next]
            if time_us is not None and due_us > time_us:
                return
            if tx.append(event, "artifact") is not None:
                self.appended += 1
            keep_emitted(tx.connection, subject, Emitted(said, str(event.id)))
            self._next += 1


def _said(event: Event) -> str:
    """What an event says and by which methods; its id alone leaves out the evidence."""
    methods = [link["method"] for link in ours(decode(event.body)).get("links", [])]
    return f"{event.id} {' '.join(methods)}"
