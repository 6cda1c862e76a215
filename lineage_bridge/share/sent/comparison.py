"""Compare what a Marquez was sent with what it holds, as far back as its oldest kept event.

Its feed is read in pages by event time, its runs in pages by job; only what seems to be missing is
asked for one by one. What Marquez no longer keeps counts for nothing: whoever deletes old events
there wants them gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lineage_bridge.events import Name, as_list, as_object, decode, view_event
from lineage_bridge.events.event_time import parse_micros
from lineage_bridge.journal.home_tables import Stored
from lineage_bridge.share.marquez.api import FEED_END, FEED_LIMIT, Marquez, feed_key
from lineage_bridge.share.marquez.completeness import Expected, expected_of, missing_in_run
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
    total = sum(jobs.values())
    found: dict[int, tuple[Stored, list[str]]] = {}
    for stored in _not_in_feed(sent, marquez, since_us):
        found[stored.seq] = stored, ["the raw event"]
    checked = 0
    newest = _Newest()
    for job, count in jobs.items():
        events = sent.of_job(job, since_us)
        for stored, missing in _not_in_model(events, marquez, newest):
            found.setdefault(stored.seq, (stored, []))[1].extend(missing)
        checked += count
        told(checked, total)
    for stored, missing in newest.not_current(marquez):
        found.setdefault(stored.seq, (stored, []))[1].extend(missing)
    listed = (_incomplete(stored, missing) for _, (stored, missing) in sorted(found.items()))
    return Comparison(format_time(from_micros(since_us)), total, tuple(listed))


def _incomplete(stored: Stored, missing: Iterable[str]) -> Incomplete:
    view = view_event(decode(stored.body))
    name = view.job or (view.dataset.name if view.dataset is not None else None)
    return Incomplete(
        seq=stored.seq,
        id=stored.id or str(stored.seq),
        job="" if name is None else f"{name.namespace} {name.name}",
        time=format_time(from_micros(stored.time_us)),
        missing=tuple(dict.fromkeys(missing)),
    )


def _oldest_kept(sent: SentEvents, marquez: Marquez) -> int | None:
    """Return the time of the oldest event in the feed.

    A Marquez that has no event and no job of ours was emptied: then all is to be compared.
    """
    oldest = _feed(marquez, EARLIEST_US, limit=1)
    if oldest:
        return parse_micros(oldest[0].get("eventTime"))
    first = next(iter(sent.jobs(EARLIEST_US)), None)
    if first is None:
        return None
    namespace, _, name = first.partition(" ")
    known = marquez.get(node_path("jobs", Name(namespace, name)))
    return EARLIEST_US if known is None else None


# The feed


def _not_in_feed(sent: SentEvents, marquez: Marquez, since_us: int) -> Iterator[Stored]:
    for (begin, end), listed in _pages(marquez, since_us):
        there = {_key(document) for document in listed}
        for stored in sent.between(begin, end):
            is_there = (stored.time_us, *feed_key(decode(stored.body))) in there
            if not is_there and not marquez.is_in_feed(stored):  # pages shift while others write
                yield stored


def _pages(marquez: Marquez, begin: int) -> Iterator[tuple[Span, list[Mapping[str, Any]]]]:
    """Read the feed by event time: yield spans that touch each other, with all their events."""
    while True:
        listed = _feed(marquez, begin, limit=FEED_PAGE)
        if len(listed) < FEED_PAGE:
            yield (begin, LATEST_US + 1), listed
            return
        end = parse_micros(listed[-1].get("eventTime"))
        if end <= begin:  # more events than a page has stand at one instant
            end = begin + 1
            listed = _feed(marquez, begin, limit=FEED_LIMIT, end=end)
        yield (begin, end), listed
        begin = end


def _feed(
    marquez: Marquez, begin: int, *, limit: int, end: int | None = None
) -> list[Mapping[str, Any]]:
    params = {
        "after": format_time(from_micros(begin)),
        "before": FEED_END if end is None else format_time(from_micros(end)),
        "sortDirection": "asc",
        "limit": str(limit),
    }
    feed = as_object(marquez.get("/api/v1/events/lineage", params))
    return [as_object(event) for event in as_list(feed.get("events"))]


def _key(document: Mapping[str, Any]) -> tuple[Any, ...]:
    return (parse_micros(document.get("eventTime")), *feed_key(document))


# The model


class _Newest:
    """The newest COMPLETE of each dataset, whose version is to be the current one."""

    def __init__(self) -> None:
        self._newest: dict[Name, tuple[tuple[int, int], Stored, Expected]] = {}

    def add(self, stored: Stored, expected: Expected) -> None:
        place = (stored.time_us, stored.seq)
        for name in expected.completes:
            if name not in self._newest or self._newest[name][0] < place:
                self._newest[name] = place, stored, expected

    def not_current(self, marquez: Marquez) -> Iterator[tuple[Stored, list[str]]]:
        for name, (_, stored, expected) in self._newest.items():
            if missing := [*marquez.model.not_current(expected, stored.time_us, [name])]:
                yield stored, missing


def _not_in_model(
    events: list[Stored], marquez: Marquez, newest: _Newest
) -> Iterator[tuple[Stored, list[str]]]:
    """Yield the events of one job that are not whole in the model, with what is missing."""
    told = [(stored, expected_of(view_event(decode(stored.body)))) for stored in events]
    of_runs = [(stored, expected) for stored, expected in told if expected is not None]
    runs = _runs(marquez, [expected for _, expected in of_runs])
    for stored, expected in told:
        missing = (
            marquez.model.missing(stored)
            if expected is None
            else _not_in_run(expected, runs[expected.run], marquez)
        )
        if missing:
            yield stored, missing
    ends = [end for end in of_runs if end[1].is_end]
    ends = [end for end in ends if end[1].inputs] or ends  # see `again.restore_inputs`
    for stored, expected in ends:
        newest.add(stored, expected)
    if ends:  # the edges of its newest end are those of a job
        stored, expected = max(ends, key=lambda end: (end[0].time_us, end[0].seq))
        if missing := [*marquez.model.missing_edges(expected, runs[expected.run])]:
            yield stored, missing


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
