"""The events that linked records call for, and what of that the journal does not say yet.

One event stands for each job, run and event type. If the records now call for another content, or
link it by another rung, a new event supersedes that one. What they no longer call for is withdrawn
by an event of its own, which says nothing else.
"""

from __future__ import annotations

from collections.abc import (
    Callable,
    Collection,
    Container,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from lineage_bridge.assess.freshness import FreshnessPolicy
from lineage_bridge.events import Event
from lineage_bridge.link.identities import Key, Standing
from lineage_bridge.link.outcome import Outcome
from lineage_bridge.records.build import LinkedBuild, build_event
from lineage_bridge.records.change import LinkedChange, change_event
from lineage_bridge.records.ends import AllSeen, with_ends
from lineage_bridge.records.identity import links_text
from lineage_bridge.records.promotion import LinkedPromotion, promotion_event
from lineage_bridge.records.publication import LinkedPublication, publication_event
from lineage_bridge.records.report import LinkedReport, report_event
from lineage_bridge.records.start import LinkedStart, start_event
from lineage_bridge.records.step import LinkedStep, step_event
from lineage_bridge.records.training import LinkedTraining, training_event
from lineage_bridge.records.transformation import LinkedTransformation, transformation_event
from lineage_bridge.times import to_micros

FreshnessOf = Callable[[str], FreshnessPolicy]


Made = (
    LinkedBuild
    | LinkedTraining
    | LinkedPublication
    | LinkedPromotion
    | LinkedStart
    | LinkedStep
    | LinkedTransformation
    | LinkedReport
    | LinkedChange
)


@dataclass(frozen=True, slots=True)
class Call:
    """An event that a linked record calls for.

    Attributes:
        rank: orders writers before readers of the same instant.
        time: of the event.
        linked: the record.
        make: makes the event, in place of the one whose id it is given.
    """

    key: Key
    rank: int
    time: datetime
    linked: Made
    make: Callable[[str | None], Event]

    @property
    def subject(self) -> str:
        """What the record tells of."""
        return self.linked.record.subject

    @property
    def links(self) -> str:
        """How its datasets are linked, which is no part of the event's id; see `links_text`."""
        return links_text(dataset.said for dataset in self.linked.datasets)

    def is_said_by(self, standing: Standing) -> bool:
        """Tell whether an event says it, given that its record has not changed since."""
        return standing.time_us == to_micros(self.time) and standing.links == self.links

    def is_linked_as(self, standing: Standing) -> bool:
        """Tell whether an event links it alike, as far as that can be known.

        Events of the first release do not say how their names were spelled: `named` is all that
        can be known of them, and it tells less than what they say.
        """
        names = any(dataset.link.method == "named" for dataset in self.linked.datasets)
        return names or standing.links == self.links


@dataclass(frozen=True, slots=True)
class Due:
    """An event to append.

    There may be as many as records, and their bodies are long: each is made once to know its id,
    and once more when it is appended.

    Attributes:
        id: of the event.
        time_us: of the event, in microseconds since the epoch.
        make: makes it.
    """

    key: Key
    rank: int
    id: str
    time_us: int
    make: Callable[[], Event]

    @property
    def order(self) -> tuple[int, int, bool]:
        """By time; of one instant, writers before readers, and a START before an end.

        The others stay as they are called for. So of several instances the one that started last
        ends last too: a Marquez shows what the run wrote that ended last.
        """
        return (self.time_us, self.rank, self.key.type != "START")


def calls_of(outcome: Outcome, freshness_of: FreshnessOf) -> Iterator[Call]:
    """Yield every event that the linked records call for, but for the ends of serving runs."""
    for build in outcome.builds:
        make = partial(build_event, build, freshness_of(build.dataset.name))
        key = Key(build.job, build.run_id, "COMPLETE")
        yield Call(key, 0, build.record.built, build, make)
    for training in outcome.trainings:
        if training.started is not None:
            begin = partial(training_event, training, "START")
            key = Key(training.job, training.run_id, "START")
            yield Call(key, 1, training.started, training, begin)
        state = training.record.state
        if state != "RUNNING":
            end = partial(training_event, training, state)
            key = Key(training.job, training.run_id, state)
            yield Call(key, 1, training.ended, training, end)
    for publication in outcome.publications:
        copy = partial(publication_event, publication)
        key = Key(publication.job, publication.run_id, "COMPLETE")
        yield Call(key, 2, publication.ended, publication, copy)
    for promotion in outcome.promotions:
        decide = partial(promotion_event, promotion)
        key = Key(promotion.job, promotion.run_id, "COMPLETE")
        yield Call(key, 3, promotion.record.time, promotion, decide)
    for start in outcome.starts:
        begin_serving = partial(start_event, start, "START")
        key = Key(start.slot.job, start.run_id, "START")
        yield Call(key, 3, start.record.time, start, begin_serving)

    for step in outcome.steps:
        key = Key(step.job, step.run_id, "COMPLETE")
        yield Call(key, 1, step.record.time, step, partial(step_event, step))
    yield from _of_tables(outcome)
    for change in outcome.changes:
        key = Key(change.job, change.run_id, "COMPLETE")
        yield Call(key, 0, change.record.time, change, partial(change_event, change))


def _of_tables(outcome: Outcome) -> Iterator[Call]:
    """Yield what tools tell of tables: how they were made, and what was found in them."""
    for made in outcome.transformations:
        record = made.record
        if record.started is not None:
            begin = partial(transformation_event, made, "START")
            yield Call(Key(made.job, made.run_id, "START"), 1, record.started, made, begin)
        end = partial(transformation_event, made, record.state)
        yield Call(Key(made.job, made.run_id, record.state), 1, record.ended, made, end)
    for report in outcome.reports:
        key = Key(report.job, report.run_id, "COMPLETE")
        yield Call(key, 3, report.record.time, report, partial(report_event, report))


def end_calls(starts: Iterable[LinkedStart], seen: AllSeen) -> Iterator[Call]:
    """Yield the ends of serving runs, for which starts call and what observers saw of instances."""
    for start in with_ends(starts, seen):
        if start.ended is not None:
            key = Key(start.slot.job, start.run_id, "COMPLETE")
            yield Call(key, 3, start.ended, start, partial(start_event, start, "COMPLETE"))


@dataclass(slots=True)
class Difference:
    """What the journal has to say to agree with the records: events, and events to withdraw."""

    due: list[Due] = field(default_factory=list)
    uncalled: list[Standing] = field(default_factory=list)


def difference(
    calls: Iterable[Call],
    standing: Sequence[Standing],
    gone: Mapping[str, str],
    changed: Container[str] | None = None,
) -> Difference:
    """Compare the events that are called for with those that stand.

    Args:
        calls: every event that is called for.
        standing: the events that stand now, in the order of their arrival.
        gone: events that no longer count, each with the event that says so.
        changed: the subjects of records that changed since all that they call for was said; None
            if any may have.
    """
    by_key: dict[Key, list[Standing]] = {}
    for item in standing:
        by_key.setdefault(item.key, []).append(item)
    found = Difference()
    called: set[Key] = set()
    begun: set[str] = set()  # runs whose START is due
    for call in calls:
        called.add(call.key)
        *others, latest = by_key.get(call.key, (None,))
        is_as_before = changed is not None and call.subject not in changed
        due = None
        if latest is None or not (is_as_before and call.is_said_by(latest)):
            due = _due(call, latest, gone)
        if due is None and latest is not None and call.key.run in begun:
            due = _end_again(call, latest)
        if due is not None:
            found.due.append(due)
            if call.key.type == "START":
                begun.add(call.key.run)
        # Two machines said it at the same time, each in its own way: the later one stands.
        found.uncalled += [item for item in others if item is not None]
    found.uncalled += _uncalled(standing, called)
    return found


def _due(call: Call, latest: Standing | None, gone: Mapping[str, str]) -> Due | None:
    if latest is None:
        due = _made(call, None)
        # Where it was said before and taken back, only what replaces that counts again.
        while (by := gone.get(due.id)) is not None:
            due = _made(call, by)
        return due
    if latest.content == call.make(None).id and call.is_linked_as(latest):
        return None
    return _made(call, latest.id)


def _end_again(call: Call, latest: Standing) -> Due | None:
    """Return the end of a run whose START was not known when it was said, to be said once more.

    A START that a Marquez gets after the end sets the run back to running.
    """
    return _made(call, latest.id) if latest.id == latest.content else None


def _made(call: Call, supersedes: str | None) -> Due:
    event = call.make(supersedes)
    again = partial(call.make, supersedes)
    return Due(call.key, call.rank, str(event.id), event.time_us, again)


def _uncalled(standing: Sequence[Standing], called: Collection[Key]) -> Iterator[Standing]:
    """Yield what is to be withdrawn: of runs that are known, or told of by a record of their own.

    What belongs to a run of which nothing else is known (it was pruned) is left as it is.
    """
    known = {(key.job, key.run) for key in called}
    left = [item for item in standing if item.key not in called]
    known.update((item.key.job, item.key.run) for item in left if item.is_record)
    for item in left:
        if item.is_record is not None and (item.key.job, item.key.run) in known:
            yield item
