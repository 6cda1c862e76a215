"""What to ask the feed next, given what it answered: which buckets changed, and what is in them.

Pure: these generators yield a question (`Count`, `Read`) and are sent its answer, and yield what
they found out (`Settled`). The feed may change between any two questions.

Invariant: a bucket is settled with the number of events that were listed, or with a count that was
the same before and after they were listed. Both are less than what the feed counts if an event was
missed; so a later audit finds a difference, and reads the bucket again.

Source: the feed lists run events only, and counts dataset and job events too. It orders by event
time and by nothing else: two requests may list the events of one instant in two orders. Retention
deletes the oldest events.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from lineage_bridge.follow.buckets import Bucket, cut, known_count

PAGE = 1000  # events of one answer
IDLE = 2  # times that the pages of an instant are read without anything new
FAN_OUT = 8  # a range that changed is counted again in so many parts


@dataclass(frozen=True, slots=True)
class Count:
    """Ask how many events a range has; the answer is the number."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Read:
    """Ask for the first events of a range, in the order of their times; the answer is a `Page`."""

    start: int
    end: int
    limit: int
    offset: int = 0
    at_once: bool = False  # fewer will not do


class Seen(NamedTuple):
    """An event that was listed: its time, within the range that was asked for, and its identity."""

    time_us: int
    identity: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """The answer to `Read`.

    Attributes:
        seen: the events.
        total: how many the feed counts in the range.
        is_whole: there are no more in the range.
        is_stuck: there is no event, as the answer would be too large, however few are asked for.
        is_news: an event is among them that the feed was not known to have.
    """

    seen: Sequence[Seen]
    total: int
    is_whole: bool
    is_stuck: bool = False
    is_news: bool = False


@dataclass(frozen=True, slots=True)
class Settled:
    """Buckets that take the place of what was known of their range.

    Attributes:
        buckets: one after the other, without gaps.
        present: the identities of all events in the range; None if that is not certain.
    """

    buckets: Sequence[Bucket]
    present: frozenset[bytes] | None


Question = Count | Read | Settled
T = TypeVar("T")
Asking = Generator[Question, "int | Page | None", T]


def audit(buckets: Sequence[Bucket]) -> Asking[None]:
    """Find all buckets that changed, wherever they are, and read them again.

    The oldest ones are read one by one until one has what it had: retention has not come further.
    So in the sum of the others no event that went can hide one that came.
    """
    for index, (start, end, known) in enumerate(buckets):
        counted = yield from _count(start, end)
        if counted == known == 0:
            continue
        is_news = yield from _read_again(start, end, counted)
        if counted == known and not is_news:
            yield from changed(buckets[index + 1 :])
            return


def changed(buckets: Sequence[Bucket], *, may_read_all: bool = True) -> Asking[None]:
    """Find the buckets whose counts changed, and read them again.

    Args:
        buckets: one after the other, without gaps.
        may_read_all: whether to read all of them where most of them seem to have changed.
    """
    known = known_count(buckets)
    if not buckets:
        return
    counted = None
    if known is not None or len(buckets) == 1:
        counted = yield from _count(buckets[0].start, buckets[-1].end)
        if counted == known:
            return
    if len(buckets) == 1 or (may_read_all and _are_mostly_changed(buckets, counted, known)):
        yield from _read_again(buckets[0].start, buckets[-1].end, counted)
        return
    size = -(-len(buckets) // FAN_OUT)
    for first in range(0, len(buckets), size):
        yield from changed(buckets[first : first + size], may_read_all=may_read_all)


def _are_mostly_changed(buckets: Sequence[Bucket], counted: int | None, known: int | None) -> bool:
    """Return whether to count each bucket would take longer than to read all of them."""
    if counted is None or known is None:
        return sum(bucket.counted is None for bucket in buckets) * 2 >= len(buckets)
    # Of many buckets all that is new may be in one.
    return len(buckets) <= FAN_OUT**2 and (counted - known) * 2 >= len(buckets)


def _read_again(start: int, end: int, counted: int | None) -> Asking[bool]:
    """Read all events of a range; return whether any of them is news.

    If that makes several buckets, those are looked at again that have dataset or job events, which
    are not listed, or to which events came meanwhile.

    Args:
        start: of the range.
        end: of the range.
        counted: how many events it had a moment ago, if that is known.
    """
    buckets: list[Bucket] = []
    is_news = False
    pages = _settled_pages(start, end, counted)
    answer: int | Page | None = None
    try:
        while True:
            question = pages.send(answer)
            answer = yield question
            if isinstance(question, Settled):
                buckets += question.buckets
            is_news |= isinstance(answer, Page) and answer.is_news
    except StopIteration:
        pass
    if len(buckets) > 1 and known_count(buckets) != counted:
        yield from changed(buckets, may_read_all=False)
    return is_news


def _settled_pages(start: int, end: int, counted: int | None) -> Asking[None]:
    """Read a range page by page, and settle what is read.

    A page that is cut off may lack events of its last instant, so the next one begins with that.
    """
    if counted == 0:
        yield _settled(start, end, ())
        return
    while start < end:
        page = yield from _page(start, end, PAGE)
        if page.is_whole and not page.is_stuck:
            yield _settled(start, end, page.seen, page.total if page.total == counted else None)
            return
        if page.is_stuck:
            instant = yield from _first_instant(start, end)
            is_alone = True
        else:
            instant = page.seen[-1].time_us
            is_alone = page.seen[0].time_us == instant
        yield _settled(start, instant, [seen for seen in page.seen if seen.time_us < instant])
        start = instant
        if is_alone:
            yield from _instant(instant)
            start += 1
        counted = None  # that was the count of the whole range


def _instant(instant: int) -> Asking[None]:
    """Read all events of one instant in one request: pages may each have them in another order."""
    while True:
        counted = yield from _count(instant, instant + 1)
        page = yield from _page(instant, instant + 1, counted + 1, at_once=True)
        if page.is_stuck:
            yield from _instant_by_pages(instant)
            return
        if page.is_whole:
            stable = page.total if page.total == counted else None
            yield _settled(instant, instant + 1, page.seen, stable)
            return


def _instant_by_pages(instant: int) -> Asking[None]:
    """Read an instant whose events are too large for one answer, until twice nothing new comes."""
    seen: set[bytes] = set()
    idle = listed = 0
    while idle < IDLE:
        known = len(seen)
        listed = yield from _pages(instant, seen)
        idle = 0 if len(seen) > known else idle + 1
    yield Settled([Bucket(instant, instant + 1, listed)], None)


def _pages(instant: int, seen: set[bytes]) -> Asking[int]:
    """Read the events of an instant one page after the other; return how many there are."""
    offset = 0
    while True:
        page = yield from _page(instant, instant + 1, PAGE, offset)
        seen.update(event.identity for event in page.seen)
        offset += 1 if page.is_stuck else len(page.seen)
        if page.is_whole:
            return offset


def _first_instant(start: int, end: int) -> Asking[int]:
    """Find the first instant that has an event, by counting ever smaller ranges."""
    while end - start > 1:
        middle = (start + end) // 2
        if (yield from _count(start, middle)):
            end = middle
        else:
            start = middle
    return start


def _settled(start: int, end: int, seen: Sequence[Seen], counted: int | None = None) -> Settled:
    """Settle a range whose events were listed in one go.

    Args:
        start: of the range.
        end: of the range.
        seen: all its events.
        counted: how many the feed counted before and after, None if that changed or is not known.
            It may be more than were listed: dataset and job events. Nobody knows where in the range
            these are, so they only count where it remains one bucket.
    """
    present = frozenset(event.identity for event in seen)
    if start == end:
        return Settled((), present)
    buckets = list(cut(start, end, [event.time_us for event in seen]))
    if counted is not None and len(buckets) == 1:
        buckets = [Bucket(start, end, counted)]
    return Settled(buckets, present)


def _count(start: int, end: int) -> Asking[int]:
    answer = yield Count(start, end)
    assert isinstance(answer, int)
    return answer


def _page(
    start: int, end: int, limit: int, offset: int = 0, *, at_once: bool = False
) -> Asking[Page]:
    answer = yield Read(start, end, limit, offset, at_once)
    assert isinstance(answer, Page)
    return answer
