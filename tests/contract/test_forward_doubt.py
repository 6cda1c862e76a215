"""Sent means stored: what a lost answer left half done is found and completed, in order.

The stub writes the raw event and its model apart, statement by statement, as Marquez does.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from cases import others_slow
from hypothesis import given
from hypothesis import strategies as st
from marquez_stub import StubMarquez

from lineage_bridge.events import Dataset, Event, Job, run_event
from lineage_bridge.journal import Journal
from lineage_bridge.share.dead_letters import dismiss, list_dead
from lineage_bridge.share.forward import Forwarder
from lineage_bridge.share.targets import list_targets

NOON = datetime(2026, 4, 7, 12, tzinfo=UTC)
STATEMENTS = 12  # no event here makes Marquez write more


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def a_forwarder(journal, stub, **more):
    clock = Clock()
    options = {"clock": clock, "sleep": clock.sleep, "jitter": lambda: 1.0} | more
    return Forwarder(journal, "http://m.test", transport=httpx.MockTransport(stub), **options)


def event(kind, minute, *, job="build", run=1, inputs=("table",), outputs=("d",)):
    return run_event(
        kind,
        NOON + timedelta(minutes=minute),
        Job("ns", job),
        f"00000000-0000-4000-8000-{run:012d}",
        inputs=[Dataset("ns", name) for name in inputs],
        outputs=[Dataset("ns", name) for name in outputs],
    )


def history():
    """Two builds of one dataset by one job, and a job that reads it."""
    return [
        event("START", 0),
        event("COMPLETE", 1),
        event("START", 2, job="train", run=9, inputs=["d"], outputs=["m"]),
        event("COMPLETE", 3, job="train", run=9, inputs=["d"], outputs=["m"]),
        event("START", 4, run=2),
        event("COMPLETE", 5, run=2),
    ]


def world(stub):
    """Return what a Marquez shows of runs, edges and current versions."""
    return {
        "runs": {
            run_id: (run["state"], sorted(run["inputs"]), sorted(run["outputs"]), run["hasVersion"])
            for run_id, run in stub.runs.items()
        },
        "edges": {
            job: {side: sorted(names) for side, names in kept["edges"].items()}
            for job, kept in stub.jobs.items()
        },
        "current": {
            name: None
            if kept["current"] is None
            else kept["versions"][kept["current"]]["createdBy"]
            for name, kept in stub.datasets.items()
        },
    }


def undisturbed(tmp_path):
    stub = StubMarquez()
    with Journal(tmp_path / "undisturbed") as journal:
        journal.append(history(), "artifact")
        a_forwarder(journal, stub).run()
    return world(stub)


def posts(stub):
    return sum(method == "POST" for method, _ in stub.log)


def verified(forwarder):
    return forwarder.verify(lambda *_: None)


@pytest.mark.parametrize("number", range(6))
@pytest.mark.parametrize("statements", others_slow([2, 8, 0, 4, 6, 10], fast=2))
def test_an_answer_that_was_lost_leaves_nothing_half_done(tmp_path, number, statements):
    wanted = undisturbed(tmp_path)
    stub = StubMarquez()
    for _ in range(number):
        stub.faults.append((None, True, 201))
    stub.fail_next(statements=statements)
    with Journal(tmp_path) as journal:
        journal.append(history(), "artifact")
        report = a_forwarder(journal, stub).run()

    assert world(stub) == wanted
    assert (report.sent, report.status.pending, report.dead) == (6, 0, 0)
    assert {e["eventTime"] for e in stub.feed} == {
        e.body and json.loads(e.body)["eventTime"] for e in history()
    }


def test_what_arrived_whole_is_not_sent_twice(tmp_path):
    stub = StubMarquez()
    for _ in history():
        stub.fail_next()
    with Journal(tmp_path) as journal:
        journal.append(history(), "artifact")
        assert a_forwarder(journal, stub).run().sent == 6

    assert len(stub.feed) == posts(stub) == 6


def test_the_model_without_the_raw_event_is_sent_again_for_the_feed(tmp_path):
    stub = StubMarquez()
    stub.fail_next(is_kept=False)
    with Journal(tmp_path) as journal:
        journal.append(history(), "artifact")
        a_forwarder(journal, stub).run()

    assert len(stub.feed) == 6


def test_an_event_of_another_producer_is_found_by_its_run_and_job(tmp_path):
    document = json.loads(event("COMPLETE", 0).body)
    del document["run"]["facets"]
    stub = StubMarquez()
    stub.fail_next()
    with Journal(tmp_path) as journal:
        own = event("COMPLETE", 0)
        journal.append([Event(json.dumps(document).encode(), "run", own.time_us)], "transport")
        a_forwarder(journal, stub).run()

    assert len(stub.feed) == 1


def test_a_process_that_died_while_sending_leaves_a_doubt(tmp_path):
    stub = StubMarquez()

    def die(request):
        if request.method == "POST":
            stub(request)
            raise KeyboardInterrupt
        return stub(request)

    with Journal(tmp_path) as journal:
        journal.append([event("COMPLETE", 0)], "artifact")
        with pytest.raises(KeyboardInterrupt):
            a_forwarder(journal, die).run()
        assert a_forwarder(journal, stub).run().sent == 1

    assert len(stub.feed) == 1, "it had arrived"


def test_while_marquez_cannot_be_asked_nothing_is_sent_again(tmp_path):
    stub = StubMarquez()
    stub.fail_next()
    refused = [httpx.Response(503), httpx.Response(500), httpx.ConnectError("refused")]

    def unsure(request):
        if request.method == "GET" and refused:
            answer = refused[0] if len(refused) == 2 and "default" not in str(request.url) else None
            answer = answer or refused.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        return stub(request)

    with Journal(tmp_path) as journal:
        journal.append([event("COMPLETE", 0)], "artifact")
        assert a_forwarder(journal, unsure).run().sent == 1

    assert (posts(stub), refused) == (1, [])


@pytest.mark.slow
@given(st.lists(st.tuples(st.integers(0, STATEMENTS), st.booleans(), st.booleans()), max_size=12))
def test_whatever_is_lost_the_model_is_as_if_nothing_were(tmp_path_factory, faults):
    tmp_path = tmp_path_factory.mktemp("home")
    wanted = undisturbed(tmp_path)
    stub = StubMarquez()
    for statements, is_kept, is_lost in faults:
        stub.faults.append((statements, is_kept, None) if is_lost else (None, True, 201))
    with Journal(tmp_path) as journal:
        journal.append(history(), "artifact")
        a_forwarder(journal, stub, give_up_seconds=None).run()

    assert world(stub) == wanted


# Verification


def a_stub_of_before(tmp_path, damage):
    """Send the history to a Marquez, which then loses something; return it, and what is right."""
    stub = StubMarquez()
    journal = Journal(tmp_path)
    journal.append(history(), "artifact")
    a_forwarder(journal, stub).run()
    right = world(stub)
    damage(stub)
    return stub, journal, right


RUN = "00000000-0000-4000-8000-{:012d}".format
DAMAGE = {
    "a run": lambda stub: stub.runs.pop(RUN(1)),
    "a run's input": lambda stub: stub.runs[RUN(9)]["inputs"].clear(),
    "a run's end": lambda stub: stub.runs[RUN(1)].update(state="RUNNING"),
    "a run's version": lambda stub: stub.runs[RUN(2)].update(hasVersion=False),
    "an edge": lambda stub: stub.jobs["ns", "train"]["edges"]["inputs"].clear(),
    "a current version": lambda stub: stub.datasets["ns", "d"].update(current=0),
    "a dataset": lambda stub: stub.datasets.pop(("ns", "m")),
    "everything": lambda stub: stub.__init__(),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_verify_finds_what_is_missing_and_what_is_sent_again_mends_it(tmp_path, damage):
    stub, journal, right = a_stub_of_before(tmp_path, DAMAGE[damage])
    with journal:
        forwarder = a_forwarder(journal, stub)
        found = verified(forwarder)
        assert found.incomplete
        assert all(event.missing for event in found.incomplete)
        forwarder.send_again(found.incomplete)
        forwarder.run()

        assert world(stub) == right
        assert verified(forwarder).incomplete == ()


def test_an_edge_of_a_running_service_is_missed(tmp_path):
    job_type = {"processingType": "STREAMING", "integration": "x", "jobType": "SERVING"}
    start = run_event(
        "START",
        NOON,
        Job("ns", "serve", facets={"jobType": job_type}),
        RUN(7),
        inputs=[Dataset("ns", "m")],
        outputs=[Dataset("ns", "p")],
    )
    stub = StubMarquez()
    with Journal(tmp_path) as journal:
        journal.append([start], "artifact")
        forwarder = a_forwarder(journal, stub)
        forwarder.run()
        assert verified(forwarder).incomplete == ()
        stub.jobs["ns", "serve"]["edges"]["inputs"].clear()
        (event,) = verified(forwarder).incomplete
        assert event.missing == ("the edge of input ns m",)


def test_a_raw_event_that_is_gone_from_the_middle_of_the_feed_is_sent_again(tmp_path):
    stub, journal, right = a_stub_of_before(tmp_path, lambda stub: stub.feed.pop(2))
    with journal:
        forwarder = a_forwarder(journal, stub)
        (gone,) = verified(forwarder).incomplete
        assert (gone.time, gone.missing) == ("2026-04-07T12:02:00Z", ("the raw event",))
        forwarder.send_again([gone])
        forwarder.run()

        assert world(stub) == right
        assert verified(forwarder).incomplete == ()


def test_what_is_older_than_the_oldest_kept_event_is_not_missed(tmp_path):
    def retain(stub):
        del stub.feed[:3], stub.runs[RUN(1)]

    stub, journal, _ = a_stub_of_before(tmp_path, retain)
    with journal:
        found = verified(a_forwarder(journal, stub))

    assert (found.since, found.checked, found.incomplete) == ("2026-04-07T12:03:00Z", 3, ())


def test_a_feed_without_events_tells_nothing_if_the_jobs_are_known(tmp_path):
    stub, journal, _ = a_stub_of_before(tmp_path, lambda stub: stub.feed.clear())
    with journal:
        found = verified(a_forwarder(journal, stub))

    assert (found.since, found.checked, found.incomplete) == (None, 0, ())


@pytest.mark.slow
def test_thousands_at_one_instant_are_compared(tmp_path):
    stub = StubMarquez()
    events = [event("COMPLETE", 0, job=f"j{n}", run=n, outputs=[f"d{n}"]) for n in range(1200)]
    with Journal(tmp_path) as journal:
        journal.append([*events, event("COMPLETE", 1, run=5000)], "artifact")
        forwarder = a_forwarder(journal, stub)
        forwarder.run()
        assert verified(forwarder).incomplete == ()
        del stub.feed[700]
        assert len(verified(forwarder).incomplete) == 1


# Outages


def test_an_outage_of_its_database_makes_no_dead_letters(tmp_path):
    stub = StubMarquez()
    clock = Clock()

    def sleep(seconds):
        clock.sleep(seconds)
        stub.is_down = clock.now < 1030

    stub.is_down = True
    with Journal(tmp_path) as journal:
        journal.append(history(), "artifact")
        report = a_forwarder(journal, stub, clock=clock, sleep=sleep).run()

    assert (report.sent, report.dead, len(stub.feed)) == (6, 0, 6)


def test_a_bad_event_is_a_dead_letter_until_somebody_deals_with_it(tmp_path):
    stub = StubMarquez()
    for _ in range(3):
        stub.fail_next(statements=2, answer=500)
    with Journal(tmp_path) as journal:
        journal.append([event("COMPLETE", 0)], "artifact")
        report = a_forwarder(journal, stub).run()
        assert (report.dead, a_forwarder(journal, stub).run().status.dead) == (1, 1)

        assert dismiss(journal, None) == 1
        assert list_dead(journal) == []
        assert a_forwarder(journal, stub).run().status.dead == 0
        assert list_targets(journal)[0].states["dismissed"] == 1


def test_an_old_bundle_is_shown_and_takes_no_edges_away(tmp_path):
    stub = StubMarquez()
    with Journal(tmp_path) as journal:
        journal.append([event("COMPLETE", 0), event("COMPLETE", 1, run=2, inputs=[])], "artifact")
        forwarder = a_forwarder(journal, stub)
        forwarder.run()

        assert set(stub.runs) == {RUN(1), RUN(2)}
        assert stub.jobs["ns", "build"]["edges"]["inputs"] == [("ns", "table")]
        assert verified(forwarder).incomplete == ()
