"""Compare what a Marquez was sent with what it holds, as far back as its oldest kept event.

Its feed is read in pages by event time, its runs in pages by job; only what seems to be missing is
asked for one by one. What Marquez no longer keeps counts for nothing: whoever deletes old events
there wants them gone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from lineage_bridge.events import Name, as_list, as_object, decode, view_event
from lineage_bridge.events.event_time import parse_micros
from lineage_bridge.journal.home_tables import Stored
from lineage_bridge.share.facts import job_of
from lineage_bridge.share.marquez.api import Marquez, feed_key
from lineage_bridge.share.marquez.completeness import Expected, expected_of, missing_in_run
from lineage_bridge.share.marquez.feed import EVENT_BYTES, Feed
from lineage_bridge.share.marquez.model import node_path
from lineage_bridge.share.sent.events import SentEvents
from lineage_bridge.times import EARLIEST_US, LATEST_US, format_time, from_micros

FEED_PAGE = 500
RUNS_PAGE = 100

Span = tuple[int, int]  # from the first microsecond to before the second


@dataclass(frozen=True, slots=True)
class Incomplete:
    """An event that was sent, and that Marquez does not have, or not whole.

    Attributes:
        seq: its number in the journal.
        id: the event's id, or its number where it has none.
        job: as `<namespace> <name>`.
        time: the event's time.
        missing: what is not there, in words.
    """

    seq: int
    id: str
    job: str
    time: str
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a comparison found.

    Attributes:
        since: the time of the oldest event that Marquez keeps; None where it keeps none, though it
            knows a job that was sent, so that nothing could be compared.
        checked: how many events were compared.
        incomplete: those that are not whole there, by number.
    """

    since: str | None
    checked: int
    incomplete: tuple[Incomplete, ...]


def compare(sent: SentEvents, marquez: Marquez, told: Callable[[int, int], None]) -> Comparison:
    """Compare all that was sent.

    Args:
        sent: what Marquez was sent.
        marquez: to ask.
        told: called with how many events are compared, and how many there are.

    Raises:
        NoAnswerError: Marquez could not be asked.
    """
    since_us = _oldest_kept(sent, marquez)
    if since_us is None:
        return Comparison(None, 0, ())
    jobs = sent.jobs(since_us)
    total, checked = sum(jobs.values()), 0
    found: dict[_Event, list[str]] = defaultdict(list)
    for stored in _not_in_feed(sent, marquez, since_us):
        found[_event_of(stored)].append("the raw event")
    newest = _Newest()
    for job, count in jobs.items():
        for event, missing in _not_in_model(sent.of_job(job, since_us), marquez, newest):
            found[event] += missing
        checked += count
        told(checked, total)
    for event, missing in newest.not_current(marquez):
        found[event] += missing
    listed = (_incomplete(event, missing) for event, missing in sorted(found.items()))
    return Comparison(format_time(from_micros(since_us)), total, tuple(listed))


class _Event(NamedTuple):
    """What of an event is kept while others are compared: its body may be large."""

    seq: int
    time_us: int
    id: str
    job: str


def _event_of(stored: Stored) -> _Event:
    job = job_of(view_event(decode(stored.body)))
    return _Event(stored.seq, stored.time_us, stored.id or str(stored.seq), job)


def _incomplete(event: _Event, missing: Iterable[str]) -> Incomplete:
    time = format_time(from_micros(event.time_us))
    return Incomplete(event.seq, event.id, event.job, time, tuple(dict.fromkeys(missing)))


def _oldest_kept(sent: SentEvents, marquez: Marquez) -> int | None:
    """Return the time of the oldest event in the feed.

    A Marquez that has no event and no job of ours was emptied: then all is to be compared.
    """
    oldest = marquez.feed.list(EARLIEST_US, LATEST_US, 1, most=EVENT_BYTES)
    if oldest is None or oldest.bodies:
        return EARLIEST_US if oldest is None else _time_of(oldest.bodies[0])
    first = next(iter(sent.jobs(EARLIEST_US)), None)
    if first is None:
        return None
    namespace, _, name = first.partition(" ")
    known = marquez.get(node_path("jobs", Name(namespace, name)))
    return EARLIEST_US if known is None else None


# The feed


def _not_in_feed(sent: SentEvents, marquez: Marquez, since_us: int) -> Iterator[Stored]:
    for (begin, end), bodies in _pages(marquez.feed, since_us):
        there = {_key(body) for body in bodies}
        for stored in sent.between(begin, end):
            is_there = _key(stored.body) in there
            # Pages shift while others write, so what is missing is looked for by itself.
            if not is_there and marquez.is_in_feed(stored) is False:
                yield stored


def _pages(feed: Feed, begin: int) -> Iterator[tuple[Span, Sequence[bytes]]]:
    """Read the feed by event time: yield spans that touch each other, with all their events.

    A span without any has events that are too large, or too many of one instant, for one answer.
    """
    limit = FEED_PAGE
    while begin < LATEST_US:
        page = feed.list(begin, LATEST_US, limit)
        if page is None and limit > 1:
            limit //= 2
            continue
        if page is None or len(page.bodies) < limit:
            yield (begin, LATEST_US), page.bodies if page is not None else ()
            return
        end = _time_of(page.bodies[-1])
        bodies = page.bodies
        if end <= begin:  # more events than a page has stand at one instant
            end = begin + 1
            instant = feed.list(begin, end, page.total, most=EVENT_BYTES)
            bodies = instant.bodies if instant is not None else ()
        yield (begin, end), bodies
        begin, limit = end, FEED_PAGE


def _key(body: bytes) -> tuple[Any, ...]:
    document = decode(body)
    return parse_micros(document.get("eventTime")), *feed_key(document)


def _time_of(body: bytes) -> int:
    return parse_micros(decode(body).get("eventTime"))


# The model


class _Newest:
    """The newest COMPLETE of each dataset, whose version is to be the current one."""

    def __init__(self) -> None:
        self._newest: dict[Name, tuple[_Event, Expected]] = {}

    def add(self, event: _Event, expected: Expected) -> None:
        for name in expected.completes:
            if name not in self._newest or _place(self._newest[name][0]) < _place(event):
                self._newest[name] = event, expected

    def not_current(self, marquez: Marquez) -> Iterator[tuple[_Event, list[str]]]:
        for name, (event, expected) in self._newest.items():
            missing = [*marquez.model.not_current(expected, event.time_us, [name])]
            if missing:
                yield event, missing


def _place(event: _Event) -> tuple[int, int]:
    return event.time_us, event.seq


def _not_in_model(
    events: Iterable[Stored], marquez: Marquez, newest: _Newest
) -> Iterator[tuple[_Event, list[str]]]:
    """Yield the events of one job that are not whole in the model, with what is missing."""
    told: list[tuple[_Event, Expected]] = []
    for stored in events:
        expected = expected_of(view_event(decode(stored.body)))
        if expected is not None:
            told.append((_event_of(stored), expected))
        elif missing := marquez.model.missing(stored):
            yield _event_of(stored), missing
    runs = _runs(marquez, [expected for _, expected in told])
    for event, expected in told:
        if missing := _not_in_run(expected, runs[expected.run], marquez):
            yield event, missing
    linking = [one for one in told if one[1].links]
    linking = [one for one in linking if one[1].inputs] or linking  # see `again.restore_inputs`
    for event, expected in linking:
        newest.add(event, expected)
    if linking:  # the edges of the newest of these are those of the job
        event, expected = max(linking, key=lambda one: _place(one[0]))
        if missing := [*marquez.model.missing_edges(expected, runs[expected.run])]:
            yield event, missing


def _not_in_run(expected: Expected, run: Mapping[str, Any], marquez: Marquez) -> list[str]:
    return [*missing_in_run(expected, run, marquez.model.known_as)] if run else ["its run"]


def _runs(marquez: Marquez, told: list[Expected]) -> dict[str, Mapping[str, Any]]:
    """Read some runs of one job: in pages, and those that are on none one by one."""
    wanted = {expected.run for expected in told}
    found: dict[str, Mapping[str, Any]] = {}
    offset = 0
    while len(found) < len(wanted):
        path = f"{node_path('jobs', told[0].job)}/runs"
        page = marquez.get(path, {"limit": str(RUNS_PAGE), "offset": str(offset)})
        runs = [as_object(run) for run in as_list(as_object(page).get("runs"))]
        found |= {run["id"]: run for run in runs if run.get("id") in wanted}
        offset += len(runs)
        if len(runs) < RUNS_PAGE:
            break
    alone = wanted - found.keys()  # such as those of a job whose runs have a parent
    return found | {run: as_object(marquez.get(f"/api/v1/jobs/runs/{run}")) for run in alone}
