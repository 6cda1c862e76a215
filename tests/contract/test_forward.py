"""Forwarding against stubs of Marquez that fail in each way."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import respx
from builders import a_facet
from conftest import HANG_SECONDS

from lineage_bridge.errors import CollectorUnavailableError
from lineage_bridge.events import Dataset, Job, decode, run_event, view_event, withdrawal
from lineage_bridge.facets.serving_health import ServingHealthFacet
from lineage_bridge.journal import Journal
from lineage_bridge.share.dead_letters import list_dead, retry
from lineage_bridge.share.forward import Forwarder
from lineage_bridge.share.targets import list_targets
from lineage_bridge.times import format_time, from_micros

URL = "http://marquez.test:5000"
NOON = datetime(2026, 4, 7, 12, tzinfo=UTC)


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self):
        self.now = 1000.0
        self.slept = []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path) as opened:
        yield opened


@pytest.fixture
def marquez():
    with respx.mock(base_url=URL, assert_all_called=False) as mock:
        mock.post("/api/v1/lineage", name="post").respond(201)
        mock.get("/api/v1/events/lineage", name="feed").respond(
            json={"events": [], "totalCount": 0}
        )
        mock.get("/api/v1/namespaces/default", name="alive").respond(json={"name": "default"})
        mock.delete(path__startswith="/api/v1/namespaces/", name="hide").respond(200, json={})
        yield mock


def a_forwarder(journal, clock, **more):
    return Forwarder(
        journal,
        more.pop("url", URL),
        **{"clock": clock, "sleep": clock.sleep, "jitter": lambda: 1.0, **more},
    )


def dataset(name, **own):
    return Dataset("ns", name, facets=own)


def train(minute=0, *, model="m", inputs=("features.d",), supersedes=None):
    return run_event(
        "COMPLETE",
        NOON + timedelta(minutes=minute),
        Job("ns", f"train.{model}"),
        f"00000000-0000-4000-8000-{minute:012d}",
        inputs=[dataset(name) for name in inputs],
        outputs=[dataset(f"models.{model}")],
        supersedes=supersedes,
    )


def take_back(event):
    return withdrawal(view_event(decode(event.body)), from_micros(event.time_us))


def observe(minute, status="healthy", slot="s"):
    at = format_time(NOON + timedelta(minutes=minute))
    health = {"status": status, "reasons": [], "evaluatedAt": at}
    predictions = dataset(
        f"predictions.{slot}",
        **{ServingHealthFacet.key: a_facet(ServingHealthFacet.key, health)},
    )
    return run_event(
        "COMPLETE",
        NOON + timedelta(minutes=minute),
        Job("ns", f"observe.predictions.{slot}"),
        f"00000000-0000-4000-8000-{minute:012d}",
        inputs=[predictions],
    )


def sent(marquez):
    return [json.loads(call.request.content) for call in marquez["post"].calls]


def minutes(marquez):
    return [event["eventTime"][14:16] for event in sent(marquez)]


def states(journal):
    (target,) = list_targets(journal)
    return {state: count for state, count in target.states.items() if count}


# What goes, and in which order


def test_what_is_ours_goes_once_in_the_order_of_its_time(journal, clock, marquez):
    journal.append([train(2), train(1), train(3)], "artifact")
    report = a_forwarder(journal, clock).run()
    again = a_forwarder(journal, clock).run()

    assert minutes(marquez) == ["01", "02", "03"]
    assert (report.sent, report.status.pending, again.sent) == (3, 0, 0)


@pytest.mark.parametrize(
    ("origin", "goes"),
    [("artifact", 1), ("transport", 1), ("import", 1), ("http", 0), ("follow", 0)],
)
def test_only_what_is_ours_goes(journal, clock, marquez, origin, goes):
    journal.append([train()], origin)

    assert a_forwarder(journal, clock).run().sent == goes
    assert len(sent(marquez)) == goes


def test_a_second_marquez_gets_everything_as_well(journal, clock, marquez):
    journal.append([train()], "artifact")
    a_forwarder(journal, clock).run()
    with respx.mock(base_url="http://other.test") as other:
        other.post("/api/v1/lineage").respond(201)
        assert a_forwarder(journal, clock, url="http://user:secret@other.test").run().sent == 1

    assert [t.url for t in list_targets(journal)] == [
        "http://marquez.test:5000",
        "http://other.test",
    ]


def test_the_key_is_sent_as_a_bearer_token(journal, clock, marquez):
    journal.append([train()], "artifact")
    a_forwarder(journal, clock, api_key="k").run()

    assert marquez["post"].calls[0].request.headers["Authorization"] == "Bearer k"


def test_of_heartbeats_only_the_latest_of_a_deployment_goes_and_changes_all(
    journal, clock, marquez
):
    journal.append(
        [
            observe(1, "unhealthy"),
            observe(2, "unhealthy"),
            observe(3, "unhealthy"),
            observe(4),
            observe(5),
            observe(6),
            observe(7, "idle"),
            observe(8, slot="t"),
        ],
        "artifact",
    )
    a_forwarder(journal, clock).run()

    assert sorted(minutes(marquez)) == ["01", "04", "06", "07", "08"]
    assert states(journal) == {"sent": 5, "collapsed": 3}


def test_a_later_heartbeat_goes_when_it_comes(journal, clock, marquez):
    for minute in (1, 2):
        journal.append([observe(minute)], "artifact")
        a_forwarder(journal, clock).run()

    assert minutes(marquez) == ["01", "02"]


def test_a_heartbeat_is_what_finds_nothing_new(journal, clock, marquez):
    found = ["healthy", "healthy", "degraded", "degraded", "degraded"]
    journal.append([observe(n, status=s) for n, s in enumerate(found)], "artifact")
    a_forwarder(journal, clock).run()

    assert minutes(marquez) == ["00", "02", "04"]


def test_an_old_bundle_goes_before_the_jobs_newer_event_with_inputs(journal, clock, marquez):
    journal.append([train(2), train(1, inputs=())], "artifact")
    a_forwarder(journal, clock).run()

    assert minutes(marquez) == ["01", "02"]


def test_after_an_old_bundle_the_jobs_newest_end_with_inputs_goes_once_more(
    journal, clock, marquez
):
    journal.append([train(1), train(2), train(3, inputs=()), train(4, inputs=())], "artifact")
    report = a_forwarder(journal, clock).run()
    assert (minutes(marquez), states(journal)) == (["01", "02", "03", "04", "02"], {"sent": 4})

    assert report.sent == 4
    journal.append([train(5)], "artifact")
    a_forwarder(journal, clock).run()
    assert minutes(marquez)[5:] == ["05"]


def test_an_old_bundle_of_a_job_without_any_inputs_goes(journal, clock, marquez):
    journal.append([train(1, inputs=())], "artifact")

    assert a_forwarder(journal, clock).run().sent == 1


# What another event took the place of


def test_a_superseded_event_is_never_sent_whichever_came_first(journal, clock, marquez):
    old = train(1, inputs=["features.guess"])
    new = train(1, supersedes=old.id)
    journal.append([old, new], "artifact")
    a_forwarder(journal, clock).run()

    (only,) = sent(marquez)
    assert only["inputs"][0]["name"] == "features.d"
    assert states(journal) == {"sent": 1, "superseded": 1}
    assert not marquez["hide"].called


def test_what_arrives_after_its_successor_is_not_sent(journal, clock, marquez):
    old = train(1, inputs=["features.guess"])
    journal.append([train(1, supersedes=old.id), old], "import")

    assert a_forwarder(journal, clock).run().sent == 1


def test_a_dataset_that_only_a_superseded_event_named_is_hidden(journal, clock, marquez):
    old = train(1, inputs=["features.gu/ess"])
    journal.append([old], "artifact")
    a_forwarder(journal, clock).run()
    journal.append([train(1, supersedes=old.id)], "artifact")
    a_forwarder(journal, clock).run()

    (hidden,) = [call.request for call in marquez["hide"].calls]
    assert hidden.url.raw_path == b"/api/v1/namespaces/ns/datasets/features.gu%2Fess"
    assert states(journal) == {"sent": 1, "superseded": 1}


def test_a_job_that_only_superseded_events_name_is_hidden_too_once_and_counted(
    journal, clock, marquez
):
    old = train(1, model="former")
    journal.append([old], "artifact")
    a_forwarder(journal, clock).run()
    journal.append([train(1, model="m", supersedes=old.id)], "artifact")
    report = a_forwarder(journal, clock).run()
    again = a_forwarder(journal, clock).run()

    order = [call.request.method for call in marquez.calls]
    assert order == ["POST", "POST", "DELETE", "DELETE"]
    hidden = [call.request.url.path for call in marquez["hide"].calls]
    assert hidden == [
        "/api/v1/namespaces/ns/datasets/models.former",
        "/api/v1/namespaces/ns/jobs/train.former",
    ]
    assert report.status.hidden == again.status.hidden == list_targets(journal)[0].hidden == 2


def test_the_withdrawal_of_an_event_that_was_never_sent_is_not_sent_either(journal, clock, marquez):
    old = train(1, model="former")
    journal.append([old, take_back(old)], "artifact")
    a_forwarder(journal, clock).run()

    assert not marquez.calls
    assert states(journal) == {"superseded": 2}


def test_a_withdrawal_of_what_was_sent_is_sent_and_hides_what_only_the_two_name(
    journal, clock, marquez
):
    old = train(1, model="former")
    journal.append([train(0), old], "artifact")
    a_forwarder(journal, clock).run()
    journal.append([take_back(old)], "artifact")
    a_forwarder(journal, clock).run()
    again = a_forwarder(journal, clock).run()

    order = [call.request.method for call in marquez.calls]
    assert order == ["POST", "POST", "POST", "DELETE", "DELETE"]
    assert sent(marquez)[-1]["run"]["runId"] == json.loads(old.body)["run"]["runId"]
    hidden = [call.request.url.path for call in marquez["hide"].calls]
    assert hidden == [
        "/api/v1/namespaces/ns/datasets/models.former",
        "/api/v1/namespaces/ns/jobs/train.former",
    ], "and not features.d, which another event names"
    assert again.status.hidden == 2


def test_a_withdrawal_that_marquez_takes_late_hides_once_more_what_it_showed(
    journal, clock, marquez
):
    marquez["post"].side_effect = [httpx.Response(201), httpx.Response(422), httpx.Response(201)]
    old = train(1, model="former")
    withdrawn = take_back(old)
    journal.append([old], "artifact")
    a_forwarder(journal, clock).run()
    journal.append([withdrawn], "artifact")
    a_forwarder(journal, clock).run()
    assert retry(journal, [withdrawn.id]) == (1, [])
    report = a_forwarder(journal, clock).run()

    order = [call.request.method for call in marquez.calls]
    assert order == ["POST", "POST", "DELETE", "DELETE", "DELETE", "POST", *["DELETE"] * 3]
    assert report.status.hidden == 3, "the job, its input and its output"


def test_what_is_said_again_after_its_withdrawal_is_sent_and_shown(journal, clock, marquez):
    old = train(1, model="former")
    withdrawn = take_back(old)
    for event in (old, withdrawn, train(1, model="former", supersedes=withdrawn.id)):
        journal.append([event], "artifact")
        report = a_forwarder(journal, clock).run()

    assert [call.request.method for call in marquez.calls][-1] == "POST"
    assert report.status.hidden == 0


def test_what_is_named_again_is_shown_again_and_may_be_hidden_once_more(journal, clock, marquez):
    old = train(1, model="former")
    more = train(2, model="former")
    for event in (old, train(1, supersedes=old.id), more):
        journal.append([event], "artifact")
        shown = a_forwarder(journal, clock).run().status.hidden
    journal.append([train(2, supersedes=more.id)], "artifact")
    hidden = a_forwarder(journal, clock).run().status.hidden

    assert (shown, hidden) == (0, 2)
    assert len(marquez["hide"].calls) == 4


@pytest.mark.parametrize(("status", "tries", "hidden"), [(500, 3, 0), (400, 1, 0), (404, 1, 2)])
def test_hiding_is_tried_as_often_as_sending(journal, clock, marquez, status, tries, hidden):
    old = train(1, model="former")
    journal.append([old], "artifact")
    a_forwarder(journal, clock).run()
    journal.append([train(1, supersedes=old.id)], "artifact")
    marquez["hide"].respond(status)
    report = a_forwarder(journal, clock).run()

    assert len(marquez["hide"].calls) == 2 * tries
    assert report.status.hidden == hidden
    assert states(journal) == {"sent": 1, "superseded": 1}


def test_a_dataset_of_another_namespace_or_one_that_is_needed_stays(journal, clock, marquez):
    old = run_event(
        "COMPLETE",
        NOON,
        Job("ns", "train.m"),
        "00000000-0000-4000-8000-000000000000",
        inputs=[Dataset("postgres://db", "t"), dataset("features.other")],
    )
    journal.append([old, train(5, model="other", inputs=["features.other"])], "artifact")
    a_forwarder(journal, clock).run()
    journal.append([train(0, supersedes=old.id)], "artifact")
    a_forwarder(journal, clock).run()

    assert not marquez["hide"].called


def test_hiding_waits_for_a_marquez_that_is_away(journal, clock, marquez):
    old = train(1, inputs=["features.guess"])
    journal.append([old], "artifact")
    a_forwarder(journal, clock).run()
    journal.append([train(1, supersedes=old.id)], "artifact")
    marquez["hide"].side_effect = [httpx.Response(503), httpx.Response(404)]
    a_forwarder(journal, clock).run()

    assert len(marquez["hide"].calls) == 2
    assert states(journal) == {"sent": 1, "superseded": 1}


# What fails


@pytest.mark.parametrize("status", [408, 425, 429, 502, 503, 504])
def test_an_answer_that_asks_for_patience_is_tried_until_it_is_another(
    journal, clock, marquez, status
):
    journal.append([train()], "artifact")
    marquez["post"].side_effect = [httpx.Response(status)] * 6 + [httpx.Response(201)]
    report = a_forwarder(journal, clock).run()

    assert (report.sent, len(sent(marquez))) == (1, 7)
    assert 0.5 + 1 + 2 + 4 + 8 + 16 <= sum(clock.slept) < 33


def test_retry_after_is_kept(journal, clock, marquez):
    journal.append([train()], "artifact")
    marquez["post"].side_effect = [
        httpx.Response(429, headers={"Retry-After": "40"}),
        httpx.Response(201),
    ]
    a_forwarder(journal, clock).run()

    assert 40 <= sum(clock.slept) < 42


@pytest.mark.parametrize("status", [400, 404, 409, 413, 422])
def test_a_refusal_is_a_dead_letter_after_one_try_and_the_rest_goes_on(
    journal, clock, marquez, status
):
    journal.append([train(1), train(2), train(3)], "artifact")
    marquez["post"].side_effect = [
        httpx.Response(201),
        httpx.Response(status, text="no\n  such thing" + "x" * 10_000),
        httpx.Response(201),
    ]
    report = a_forwarder(journal, clock).run()

    assert (report.sent, report.dead) == (2, 1)
    (letter,) = list_dead(journal)
    assert (letter.status, letter.tries) == (status, 1)
    assert letter.answer.startswith("no such thingxxx")
    assert len(letter.answer) <= 500


def test_a_500_is_tried_three_times_then_it_is_a_dead_letter(journal, clock, marquez):
    journal.append([train(1), train(2)], "artifact")
    marquez["post"].side_effect = [httpx.Response(500)] * 3 + [httpx.Response(201)]
    report = a_forwarder(journal, clock).run()

    assert (report.sent, report.dead, minutes(marquez)) == (1, 1, ["01"] * 3 + ["02"])
    assert list_dead(journal)[0].tries == 3


def test_a_500_that_was_a_race_is_made_good_by_a_second_try(journal, clock, marquez):
    journal.append([train()], "artifact")
    marquez["post"].side_effect = [httpx.Response(500), httpx.Response(201)]

    assert a_forwarder(journal, clock).run().sent == 1


def test_a_dead_letter_can_be_sent_again(journal, clock, marquez):
    event = train()
    journal.append([event], "artifact")
    marquez["post"].side_effect = [httpx.Response(422), httpx.Response(201)]
    a_forwarder(journal, clock).run()

    assert retry(journal, [event.id]) == (1, [])
    assert a_forwarder(journal, clock).run().sent == 1
    assert list_dead(journal) == []


@pytest.mark.parametrize("status", [401, 403, 301])
def test_a_wrong_key_or_address_stops_at_once_says_what_to_do_and_keeps_all(
    journal, clock, marquez, status
):
    journal.append([train()], "artifact")
    marquez["post"].respond(status)
    with pytest.raises(CollectorUnavailableError, match="MARQUEZ_API_KEY"):
        a_forwarder(journal, clock).run(until_idle=False)

    (target,) = list_targets(journal)
    assert f"answered {status}" in target.parked
    assert states(journal) == {"pending": 1}

    marquez["post"].respond(201)
    assert a_forwarder(journal, clock).run().sent == 1
    assert list_targets(journal)[0].parked is None


def test_a_thread_says_why_it_ended_instead_of_raising(journal, clock, marquez):
    journal.append([train()], "artifact")
    marquez["post"].respond(401)
    said = []
    a_forwarder(journal, clock).run_forever(threading.Event(), said.append)

    assert ["answered 401" in line for line in said] == [True]


def test_nothing_reached_for_a_minute_gives_up_and_keeps_all(journal, clock, marquez):
    journal.append([train(1), train(2)], "artifact")
    marquez["post"].side_effect = httpx.ConnectError("refused")
    with pytest.raises(CollectorUnavailableError, match="ConnectError: refused"):
        a_forwarder(journal, clock).run()

    assert 60 <= sum(clock.slept) < 62
    assert states(journal) == {"pending": 2}


@pytest.mark.slow
def test_for_ever_does_not_give_up(journal, clock, marquez):
    stop = threading.Event()
    journal.append([train()], "artifact")
    marquez["post"].side_effect = [httpx.ConnectError("refused")] * 20 + [httpx.Response(201)]

    def stop_when_sent(status):
        if status.sent:
            stop.set()

    a_forwarder(journal, clock).run(until_idle=False, stop=stop, progress=stop_when_sent)

    assert len(sent(marquez)) == 21
    assert max(clock.slept) <= 0.5, "a stop is heard within half a second"


# After a doubtful try


def test_after_a_lost_request_the_event_is_sent_again(journal, clock, marquez):
    journal.append([train()], "artifact")
    marquez["post"].side_effect = [httpx.RemoteProtocolError("gone"), httpx.Response(201)]
    a_forwarder(journal, clock).run()

    assert len(sent(marquez)) == 2
    assert len(marquez["feed"].calls) == 1


def test_a_connection_that_was_refused_leaves_no_doubt(journal, clock, marquez):
    journal.append([train()], "artifact")
    marquez["post"].side_effect = [httpx.ConnectError("refused"), httpx.Response(201)]
    a_forwarder(journal, clock).run()

    assert not marquez["feed"].called


# Several at once


def test_four_connections_send_side_by_side_and_the_events_of_a_job_one_by_one(journal, clock):
    lock, now, most, by_job = threading.Lock(), set(), [0], []
    together = threading.Barrier(4, timeout=HANG_SECONDS)

    def answer(request):
        job = json.loads(request.content)["job"]["name"]
        with lock:
            assert job not in now
            now.add(job)
            most[0] = max(most[0], len(now))
            by_job.append(job)
        together.wait()
        with lock:
            now.remove(job)
        return httpx.Response(201)

    journal.append([train(m, model=f"m{m % 4}", inputs=()) for m in range(8)], "artifact")
    a_forwarder(journal, clock, transport=httpx.MockTransport(answer)).run()

    assert most == [4]
    assert sorted(by_job) == sorted(f"train.m{n % 4}" for n in range(8))


def test_what_is_appended_while_it_runs_goes_too(journal, clock, marquez):
    journal.append([train(1)], "artifact")

    def one_more(request):
        if len(marquez["post"].calls) == 0:
            journal.append([train(2)], "artifact")
        return httpx.Response(201)

    marquez["post"].side_effect = one_more
    assert a_forwarder(journal, clock).run().sent == 2


def test_a_second_process_waits_for_the_first_one(journal, clock, marquez):
    from lineage_bridge.journal.lease import lease
    from lineage_bridge.share.forward import _lease_name

    journal.append([train()], "artifact")
    other = Forwarder(journal, URL)
    with lease(journal.home, _lease_name(URL)) as is_alone:
        assert is_alone

        def finish_the_other(_):
            other._queue.take_in()
            with journal.transaction() as tx:
                tx.connection.execute("UPDATE forward_events SET state = 'sent'")

        report = a_forwarder(journal, clock).run(progress=finish_the_other)

    assert report.sent == 1
    assert not sent(marquez)


def test_a_second_process_gives_up_when_the_first_one_gets_nowhere(journal, clock, marquez):
    from lineage_bridge.journal.lease import lease
    from lineage_bridge.share.forward import _lease_name

    journal.append([train()], "artifact")
    with (
        lease(journal.home, _lease_name(URL)),
        pytest.raises(CollectorUnavailableError, match="Another process"),
    ):
        a_forwarder(journal, clock).run()


def test_what_marquez_cannot_hold_is_a_dead_letter_that_was_never_sent(journal, clock, marquez):
    event = run_event(
        "COMPLETE",
        NOON,
        Job("ns", "j"),
        "00000000-0000-4000-8000-000000000000",
        outputs=[Dataset("a b", "d")],
    )
    journal.append([event], "artifact")
    report = a_forwarder(journal, clock).run()

    assert (report.sent, report.dead) == (0, 1)
    (letter,) = list_dead(journal)
    assert "outputs[0].namespace" in letter.answer
    assert letter.tries == 0
    again, hopeless = retry(journal, None)
    assert (again, len(hopeless)) == (0, 1)
    assert not sent(marquez)


def test_while_there_is_nothing_to_do_nothing_is_written(journal, clock, marquez):
    stop, changes = threading.Event(), []
    journal.append([train()], "artifact")

    def look(_):
        changes.append(journal._database._connection.total_changes)
        if len(changes) > 20:
            stop.set()

    a_forwarder(journal, clock).run(until_idle=False, stop=stop, progress=look)

    assert len(sent(marquez)) == 1
    assert len(set(changes[5:])) == 1


def test_a_dead_letter_that_is_sent_again_is_noticed_by_a_run_that_waits(journal, clock, marquez):
    stop = threading.Event()
    journal.append([train()], "artifact")
    marquez["post"].side_effect = [httpx.Response(422), httpx.Response(201)]

    def mend(status):
        if status.dead:
            retry(journal, None)
        if status.sent:
            stop.set()

    a_forwarder(journal, clock).run(until_idle=False, stop=stop, progress=mend)

    assert len(sent(marquez)) == 2
