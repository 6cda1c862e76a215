"""Following a Marquez: what comes in, what is recognised, and what is done when it fails."""

from __future__ import annotations

import json
import threading
from datetime import timedelta

import httpx
import pytest
from builders import an_event, at
from cases import others_slow
from marquez_feed import AFeed

from lineage_bridge.errors import CollectorUnavailableError
from lineage_bridge.events import decode, event_of
from lineage_bridge.follow.follower import AUDIT_SECONDS, Follower
from lineage_bridge.follow.run import Timing
from lineage_bridge.follow.status import shared_graph, state_of
from lineage_bridge.journal import Journal
from lineage_bridge.share.targets import list_targets
from lineage_bridge.times import format_time, to_micros

HOUR = 3600.0


class Clock:
    """A clock that only sleeping moves, and what is done as time goes by."""

    def __init__(self, *due):
        self.now = 0.0
        self.due = sorted(due, key=lambda item: item[0])

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds
        while self.due and self.due[0][0] <= self.now:
            self.due.pop(0)[1]()

    def now_us(self):
        return to_micros(at(600)) + int(self.now * 1_000_000)


class StopAt(threading.Event):
    """Is set from a time on, of a clock that only waiting moves."""

    def __init__(self, seconds, clock):
        super().__init__()
        self.seconds, self.clock = seconds, clock

    def is_set(self):
        return self.clock() >= self.seconds

    def wait(self, timeout=None):
        self.clock.sleep(timeout)
        return self.is_set()


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def feed():
    return AFeed()


def a_follower(journal, feed, clock=None, **more):
    clock = clock or Clock()
    timing = Timing(clock, clock.sleep, clock.now_us)
    options = {"transport": feed.transport, "timing": timing, "jitter": lambda: 1.0}
    return Follower(journal, more.pop("url", feed.url), **options | more)


def theirs(minute=0, name="etl", **facets):
    """An event of another producer, as JSON."""
    return {
        "eventType": "COMPLETE",
        "eventTime": format_time(at(minute)),
        "run": {"runId": f"00000000-0000-4000-8000-{int(minute * 1000):012d}", "facets": facets},
        "job": {"namespace": "theirs", "name": name},
        "inputs": [{"namespace": "pg", "name": "a"}],
        "outputs": [{"namespace": "pg", "name": "b"}],
        "producer": "https://example.com/airflow",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
    }


def as_event(document, body=None):
    text = body or json.dumps(document).encode()
    return event_of(decode(text), text)


def origins(journal):
    return [stored.origin for stored in journal.read(limit=10_000)]


# What comes in, and what is recognised


def test_events_of_others_come_in_once_and_are_not_sent_back(journal, feed):
    feed.post(theirs(0), theirs(1))
    report = a_follower(journal, feed).run()
    again = a_follower(journal, feed).run()

    assert (report.appended, report.recognised) == (2, 0)
    assert (again.appended, again.recognised) == (0, 0)
    assert origins(journal) == ["follow", "follow"]
    (target,) = list_targets(journal, feed.url)
    assert target.states["pending"] == 0
    stored = journal.read()[0]
    assert decode(stored.body) == theirs(0)  # without the nulls that Marquez adds


def test_our_own_events_come_back_and_are_recognised(journal, feed):
    ours = an_event("train", 0, outputs=["m@1"])
    facet = {"_producer": "p", "_schemaURL": "s", "a": 1, "n": None}
    pipeline = as_event(theirs(1, nominalTime={"nominalStartTime": "2026-04-07T10:00:00+02:00"}))
    collected = as_event(theirs(2, custom=facet))
    journal.append([ours], "artifact")
    journal.append([pipeline], "transport")
    journal.append([collected], "http")
    feed.post(ours.body, theirs(3))
    for event in (pipeline, collected):
        document = decode(event.body)
        time = document["run"]["facets"].get("nominalTime")
        if time:
            time["nominalStartTime"] = "2026-04-07T08:00:00Z"
        feed.post(document)
    report = a_follower(journal, feed).run()

    assert (report.appended, report.recognised) == (1, 3)
    assert origins(journal) == ["artifact", "transport", "http", "follow"]


SPELLINGS = [
    b'{"b": 1.50, "aa": [null, 1e3, -0.0, 0.1234567890123456789012345]}',
    b'{"big": 12345678901234567890123456789, "n": null, "in": {"n": null}}',
    b'{"twice": 1, "twice": 2, "text": "\\u00e9\\ud83d\\ude00"}',
]


@pytest.mark.parametrize("facet", SPELLINGS)
@pytest.mark.parametrize(
    "time",
    ["2026-04-07T10:00:00.500000+02:00", "2026-04-07T08:00:00Z", "2026-04-07T08:00:00.123456789Z"],
)
def test_an_event_is_the_same_however_marquez_writes_it(journal, feed, facet, time):
    document = {**theirs(0), "eventTime": time}
    body = json.dumps(document).encode().replace(b'"facets": {}', b'"facets": {"f": %b}' % facet)
    sent = as_event(None, body)
    journal.append([sent], "transport")
    feed.post(body, body)
    report = a_follower(journal, feed).run()

    assert (report.appended, report.recognised) == (0, 1)
    assert origins(journal) == ["transport"]


def test_what_differs_by_a_digit_is_another_event(journal, feed):
    sent = as_event(theirs(0, f={"x": 1.0000000000000001}))
    journal.append([sent], "transport")
    feed.post(
        json.dumps(theirs(0)).encode().replace(b'"facets": {}', b'"facets": {"f": {"x": 1.1}}')
    )

    assert a_follower(journal, feed).run().appended == 1


def test_an_event_that_was_sent_twice_is_one(journal, feed):
    feed.post(*[theirs(0)] * 3)
    a_follower(journal, feed).run()
    feed.post(theirs(0))
    report = a_follower(journal, feed).run()

    assert (report.appended, report.state.counted) == (0, 4)
    assert len(journal.read()) == 1


@pytest.mark.slow
def test_a_thousand_events_of_one_instant_are_all_read(journal, feed):
    feed.post(*(theirs(0, f"job {n}") for n in range(2500)), theirs(1))
    assert a_follower(journal, feed).run().appended == 2501
    feed.post(theirs(0, "late"))
    assert a_follower(journal, feed).run().appended == 1


# Late events, at small cost


@pytest.mark.slow
def test_one_late_event_among_many_costs_a_few_small_requests(journal, feed):
    feed.post(*(theirs(minute) for minute in range(3000)))
    follower = a_follower(journal, feed)
    follower.run()
    feed.asked.clear()
    feed.post(theirs(1234.5, "late"))
    assert follower.run().appended == 1
    counting, listing = feed.requests
    assert (counting <= 30, listing) == (True, 2)  # the oldest bucket, and the one that changed

    feed.asked.clear()
    follower.run()
    assert feed.requests == (2, 1)


@pytest.mark.slow
def test_an_event_that_comes_into_what_was_just_read_is_there_and_not_gone(journal, feed):
    feed.post(*(theirs(minute) for minute in range(1500)))
    late = [theirs(0.5), theirs(1400.5)]
    feed.before_answer = lambda number: feed.post(*late) if number == 3 else None
    report = a_follower(journal, feed).run()

    assert (report.appended, report.gone, report.state.gone) == (1502, 0, 0)


def test_the_tail_finds_what_comes_now_though_a_clock_was_ahead(journal, feed):
    ahead = at(60 * 24 * 36_500)
    for hours in range(250):
        feed.post({**theirs(hours), "eventTime": format_time(ahead + timedelta(hours=hours))})
    clock = Clock((1.0, lambda: feed.post(theirs(599))))
    stop = StopAt(AUDIT_SECONDS / 2, clock)  # before the second audit
    a_follower(journal, feed, clock).run_forever(stop, lambda _: None)

    assert len(journal.read()) == 251


def test_events_far_away_in_time_come_in(journal, feed):
    times = ("0001-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "2031-01-01T00:00:00Z")
    feed.post(*({**theirs(0), "eventTime": time} for time in (*times, "9999-12-31T23:59:59Z")))

    assert a_follower(journal, feed).run().appended == 4


# Retention


def test_what_is_gone_there_stays_here_and_is_marked(journal, feed):
    feed.post(*(theirs(minute) for minute in range(10)))
    a_follower(journal, feed).run()
    feed.expire(4)
    report = a_follower(journal, feed).run()

    assert (report.gone, report.state.gone, len(journal.read())) == (4, 4, 10)
    assert report.state.complete_since == format_time(at(4))
    (note,) = shared_graph(journal)
    assert "4 of its events" in note.what
    assert format_time(at(4)) in note.what
    assert note.is_note

    feed.post(theirs(0))
    assert a_follower(journal, feed).run().state.gone == 3


def test_retention_cannot_hide_a_late_event(journal, feed):
    feed.post(*(theirs(minute) for minute in range(10)))
    a_follower(journal, feed).run()
    feed.expire(1)
    feed.post(theirs(5.5, "late"))
    report = a_follower(journal, feed).run()

    assert (report.appended, report.gone) == (1, 1)


# When it fails


def test_an_hour_without_marquez_loses_nothing_and_is_said_once(journal, feed):
    feed.post(theirs(0))
    said = []

    def refuse(_):
        raise httpx.ConnectError("refused")

    def go_away():
        feed.before_answer = refuse
        feed.post(theirs(1), theirs(-500, "late"))

    def come_back():
        feed.before_answer = lambda _: None

    clock = Clock((1.0, go_away), (HOUR, come_back))
    stop = StopAt(HOUR + 3 * AUDIT_SECONDS, clock)
    a_follower(journal, feed, clock).run_forever(stop, said.append)

    assert len(journal.read()) == 3
    assert len(said) == 2
    assert "no event is lost" in said[0]
    assert "answers again" in said[1]
    assert state_of(journal, feed.url).problem is None
    assert len(feed.asked) < 500  # it waits longer and longer


@pytest.mark.slow
@pytest.mark.parametrize("status", others_slow([500, 502, 503, 429]))
def test_a_marquez_that_does_not_come_back_ends_a_pass_and_what_was_read_stays(
    journal, feed, status
):
    feed.post(*(theirs(minute) for minute in range(1500)))
    feed.before_answer = lambda number: None if number < 3 else httpx.Response(status)
    with pytest.raises(CollectorUnavailableError, match="What was read is kept"):
        a_follower(journal, feed).run()

    assert len(journal.read(limit=10_000)) == 1000
    assert str(status) in state_of(journal, feed.url).problem
    feed.before_answer = lambda _: None
    assert a_follower(journal, feed).run().appended == 500
    assert state_of(journal, feed.url).problem is None


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(401),
        httpx.Response(404),
        httpx.Response(302),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"events": []}),
    ],
)
def test_what_only_a_setting_can_mend_is_said_at_once(journal, feed, answer):
    feed.before_answer = lambda _: answer
    clock = Clock()
    with pytest.raises(CollectorUnavailableError, match="gives no events"):
        a_follower(journal, feed, clock).run()
    assert clock.now == 0


def test_no_secret_of_the_url_is_said(journal, feed):
    feed.before_answer = lambda _: httpx.Response(500, text="you are user:hidden")
    with pytest.raises(CollectorUnavailableError) as caught:
        a_follower(journal, feed, url="http://user:hidden@marquez.test:5000").run()
    assert "hidden" not in str(caught.value)
    assert "hidden" not in str(state_of(journal, feed.url))


# Large and odd events


def test_large_events_are_read_in_small_pages_and_what_is_too_large_is_left_out(
    journal, feed, monkeypatch
):
    monkeypatch.setattr("lineage_bridge.follow.run.PAGE_BYTES", 20_000)
    monkeypatch.setattr("lineage_bridge.follow.run.EVENT_BYTES", 40_000)
    feed.post(*(theirs(n, f={"x": "x" * (300 * n)}) for n in range(20)))
    feed.post(theirs(7, "huge", f={"x": "x" * 50_000}), theirs(30))
    report = a_follower(journal, feed).run()

    assert report.appended == 21
    assert "huge" not in "".join(decode(e.body)["job"]["name"] for e in journal.read())


def test_what_no_journal_can_hold_is_counted_and_the_rest_comes(journal, feed):
    feed.post(
        theirs(0), {**theirs(1), "job": {"namespace": "ns", "name": {"no": "text"}}}, theirs(2)
    )
    report = a_follower(journal, feed).run()

    assert (report.appended, report.unreadable) == (2, 1)
    assert a_follower(journal, feed).run().unreadable == 0
    assert "1 of its events could not be taken" in next(shared_graph(journal)).what


def test_a_home_that_never_followed_has_nothing_to_say(journal):
    assert list(shared_graph(journal)) == []
    assert state_of(journal, "http://marquez:5000").audited is None
