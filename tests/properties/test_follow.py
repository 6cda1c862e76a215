"""Whatever happens to a feed while it is followed, one more pass gives exactly what it has."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from marquez_feed import AFeed

from lineage_bridge.follow import audit, buckets
from lineage_bridge.follow.follower import Follower
from lineage_bridge.follow.run import Timing
from lineage_bridge.journal import Journal
from lineage_bridge.times import format_time, from_micros

NOON_US = 1_775_563_200_000_000  # 2026-04-07T12:00:00Z
STEPS_US = (0, 0, 1, 2, 1000, 3_600_000_000, -86_400_000_000)

# Events by instant and name: few of both, so that some have one instant, and some come twice.
EVENTS = st.lists(
    st.tuples(st.integers(0, 12), st.sampled_from(STEPS_US), st.integers(0, 5), st.booleans()),
    max_size=12,
)
DEEDS = st.lists(
    st.tuples(
        st.integers(1, 9),  # after how many further requests
        EVENTS,
        st.integers(0, 6),  # rows that expire
        st.sampled_from((None, None, None, 500, 503)),  # the answer to this request
    ),
    max_size=8,
)


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def instant_us(at: int, step: int) -> int:
    return NOON_US + at * 7_000_000 + step


def an_event(world: str, at: int, step: int, name: int, is_listed: bool) -> dict[str, object]:
    time = format_time(from_micros(instant_us(at, step)))
    kind = "RunEvent" if is_listed or name else "DatasetEvent"
    return {
        "eventType": "OTHER",
        "eventTime": time,
        "run": {"runId": f"00000000-0000-4000-8000-{name:012d}"},
        "job": {"namespace": world, "name": f"job {name}"},
        "producer": "https://p",
        "schemaURL": f"https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/{kind}",
    }


@contextmanager
def small_pages() -> Iterator[None]:
    """Let a few events be as many as thousands are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audit, "PAGE", 3)
        patch.setattr(audit, "FAN_OUT", 2)
        patch.setattr(buckets, "FULL", 2)
        yield


def had(feed: AFeed) -> set[str]:
    return {said(body) for _, body in feed.rows if body is not None}


def said(body: bytes) -> str:
    event = json.loads(body)
    return f"{event['eventTime']} {event['job']['name']}"


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    """One for all examples, each of which has a feed of its own and events of its own."""
    with Journal(tmp_path_factory.mktemp("home")) as opened:
        yield opened


WORLDS = count(1)


@given(EVENTS, DEEDS, st.integers(0, 2**16), st.integers(1, 3))
def test_a_last_pass_gives_exactly_the_feed(journal, first, deeds, seed, passes):
    feed, left, ever = AFeed(seed), list(deeds), set()
    before, world = journal.last_seq(), f"world {next(WORLDS)}"
    due = gone_until_us = 0

    def post(events: Iterable[tuple[int, int, int, bool]]) -> None:
        # What is older than what retention took would go at once: it is not sent.
        feed.post(*(an_event(world, *e) for e in events if instant_us(*e[:2]) > gone_until_us))
        ever.update(had(feed))

    def expire(count: int) -> None:
        nonlocal gone_until_us
        going = sorted(time_us for time_us, _ in feed.rows)[:count]
        gone_until_us = max([gone_until_us, *going])
        feed.expire(count)

    def change(number: int) -> httpx.Response | None:
        nonlocal due
        if not left or number < due + left[0][0]:
            return None
        _, events, expired, status = left.pop(0)
        due = number
        post(events)
        expire(expired)
        return None if status is None else httpx.Response(status)

    post(first)
    feed.before_answer = change
    clock = Clock()
    follower = Follower(
        journal,
        f"{feed.url}/{world.replace(' ', '')}",
        transport=feed.transport,
        timing=Timing(clock, clock.sleep),
        jitter=lambda: 1.0,
    )
    with small_pages():
        for _ in range(passes):
            follower.run()
        feed.before_answer = lambda _: None
        last = follower.run().state
        asked = len(feed.asked)
        again = follower.run()

    came = {said(stored.body) for stored in journal.read(before, limit=10_000)}
    listing = [r for r in feed.asked[asked:] if r.url.params["limit"] != "0"]
    assert had(feed) <= came <= ever
    assert last.gone == len(came - had(feed))
    assert (last.appended, last.counted) == (len(came), len(feed.rows))
    assert (again.appended, again.gone, again.state.gone) == (0, 0, last.gone)
    assert len(listing) <= 2  # of the oldest bucket, which may be one instant
