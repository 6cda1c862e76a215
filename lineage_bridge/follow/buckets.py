"""Buckets: the range of event times, cut into pieces that are counted and read one by one.

All times are microseconds since the epoch; a bucket has its first and not its end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lineage_bridge.times import EARLIEST_US, LATEST_US

FULL = 100  # events: to read so many again takes a Marquez as long as to count a few ranges


class Bucket(NamedTuple):
    """A range of event times.

    Attributes:
        start: its first microsecond.
        end: the first one after it.
        counted: how many events the feed had in it when all of them had been read; None if it is to
            be read.
    """

    start: int
    end: int
    counted: int | None = None


EVERYTHING = Bucket(EARLIEST_US, LATEST_US)


def known_count(buckets: Sequence[Bucket]) -> int | None:
    """Return how many events the feed counted in buckets together; None if one is to be read."""
    total = 0
    for bucket in buckets:
        if bucket.counted is None:
            return None
        total += bucket.counted
    return total


def cut(start: int, end: int, times: Sequence[int]) -> Iterator[Bucket]:
    """Cut a range into buckets that are counted by the ascending times of its events.

    Events of one instant stay together. What comes after the newest event of all is a bucket of its
    own: new events mostly arrive there, and then nothing else is read again.
    """
    first, count = start, 0
    for index, time_us in enumerate(times):
        if count >= FULL and time_us != times[index - 1]:
            yield Bucket(first, time_us, count)
            first, count = time_us, 0
        count += 1
    if end == EVERYTHING.end and count and times[-1] + 1 < end:
        yield Bucket(first, times[-1] + 1, count)
        first, count = times[-1] + 1, 0
    yield Bucket(first, end, count)


def merged(buckets: Sequence[Bucket]) -> Iterator[Bucket]:
    """Merge neighbours that are not full together; the last bucket, which is open, stays alone."""
    held: Bucket | None = None
    for bucket in buckets:
        whole = known_count([held, bucket]) if held is not None else None
        if held is not None and whole is not None and whole <= FULL and bucket is not buckets[-1]:
            held = Bucket(held.start, bucket.end, whole)
            continue
        if held is not None:
            yield held
        held = bucket
    if held is not None:
        yield held


def recent(buckets: Sequence[Bucket], since: int) -> Sequence[Bucket]:
    """Return the buckets that end after an instant."""
    first = next((n for n, bucket in enumerate(buckets) if bucket.end > since), len(buckets))
    return buckets[first:]
