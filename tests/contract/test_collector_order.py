from __future__ import annotations

import pytest
from cases import others_slow
from contract.collector_world import event, orders, run_id, world

from lineage_bridge.care.rebuild import rebuild
from lineage_bridge.collector.fold.model import CollectorModel
from lineage_bridge.events import Event

START = event("START", "10:00:00", inputs=["a"])
RUNNING = event("RUNNING", "10:03:00", inputs=["a", "b"], outputs=["c"])
COMPLETE = event("COMPLETE", "10:10:00", inputs=["a"], outputs=["c"])
READS = (
    "/namespaces",
    "/jobs",
    "/namespaces/jobs/jobs/etl",
    "/namespaces/jobs/jobs/etl/runs",
    "/namespaces/jobs/jobs/etl/versions",
    "/namespaces/db/datasets",
    "/namespaces/db/datasets/c/versions",
    f"/jobs/runs/{run_id(1)}",
    "/lineage?nodeId=job:jobs:etl",
    "/events/lineage",
    "/tags",
    "/search?q=t",
)


@pytest.mark.parametrize("order", orders([START, RUNNING, COMPLETE]))
def test_a_run_ends_alike_in_whatever_order_its_events_arrive(order, tmp_path):
    with world(tmp_path) as w:
        w.send(*order)
        run = w.get(f"/jobs/runs/{run_id(1)}")
        job = w.get("/namespaces/jobs/jobs/etl")
        nodes = {node["id"] for node in w.get("/lineage?nodeId=job:jobs:etl")["graph"]}
    assert (run["state"], run["startedAt"], run["endedAt"]) == (
        "COMPLETED",
        "2026-01-05T10:00:00Z",
        "2026-01-05T10:10:00Z",
    )
    assert {item["name"] for item in job["inputs"]} == {"a", "b"}
    assert run["jobVersion"] == job["latestRun"]["jobVersion"] is not None
    assert nodes == {"dataset:db:a", "dataset:db:b", "dataset:db:c", "job:jobs:etl"}


@pytest.mark.slow
@pytest.mark.parametrize("kind", others_slow(["OTHER", "PAUSED"]))
@pytest.mark.parametrize("before", [[START, COMPLETE], [COMPLETE]], ids=["a start", "no start"])
def test_what_decides_nothing_changes_nothing_of_a_run_that_is_over(before, kind, tmp_path):
    times = ("state", "startedAt", "endedAt", "durationMs")
    afterwards = event(kind, "10:20:00", inputs=["d"])
    with world(tmp_path / "without") as w:
        w.send(*before)
        expected = [w.get(f"/jobs/runs/{run_id(1)}")[name] for name in times]
    for number, order in enumerate(orders([*before, afterwards])):
        with world(tmp_path / str(number)) as w:
            w.send(*order)
            run = w.get(f"/jobs/runs/{run_id(1)}")
            job = w.get("/namespaces/jobs/jobs/etl")
            edges = w.get("/lineage?nodeId=dataset:db:c")["graph"]
        assert [run[name] for name in times] == expected
        assert {item["name"] for item in job["inputs"]} == {"a", "d"}
        assert {node["id"] for node in edges} >= {"dataset:db:c", "dataset:db:a", "job:jobs:etl"}


@pytest.mark.parametrize("order", orders([event("START", "10:00:00"), event("FAIL", "10:00:00")]))
def test_a_terminal_event_wins_a_tie(order, tmp_path):
    with world(tmp_path) as w:
        w.send(*order)
        assert w.get(f"/jobs/runs/{run_id(1)}")["state"] == "FAILED"


@pytest.mark.parametrize(
    "order",
    orders(
        [
            event("COMPLETE", "10:00:00", run=1),
            event("START", "11:00:00", run=2),
            event("RUNNING", "09:00:00", run=1),
        ]
    ),
)
def test_the_latest_run_of_a_job_is_the_one_with_the_newest_event(order, tmp_path):
    with world(tmp_path) as w:
        w.send(*order)
        assert w.get("/namespaces/jobs/jobs/etl")["latestRun"]["id"] == run_id(2)
        (node,) = w.get("/lineage?nodeId=job:jobs:etl")["graph"]
        assert node["data"]["currentRunUuid"] == run_id(2)


def test_a_rebuild_answers_the_same(tmp_path):
    with world(tmp_path) as w:
        w.send(COMPLETE, START)
        w.ask("POST", "/api/v1/namespaces/db/datasets/c/tags/gold", {}, b"")
        w.ask("DELETE", "/api/v1/namespaces/db/datasets/a", {}, b"")
        w.send(RUNNING)
        w.ask("DELETE", "/api/v1/namespaces/jobs/jobs/etl", {}, b"")
        w.send(event("START", "12:00:00", run=2, outputs=["c"]))
        before = [w.get(path) for path in READS]
        rebuild(w.journal, [CollectorModel()])
        assert [w.get(path) for path in READS] == before


def test_what_others_append_to_the_journal_is_seen_at_once(tmp_path):
    with world(tmp_path) as w:
        body = (
            b'{"eventType":"START","eventTime":"2026-01-05T10:00:00Z","run":{"runId":"x"},'
            b'"job":{"namespace":"jobs","name":"other"},"producer":"p"}'
        )
        w.journal.append([Event(body, "run", 1_767_607_200_000_000)], "artifact")
        assert [job["name"] for job in w.get("/jobs")["jobs"]] == ["other"]


def test_a_record_that_breaks_the_reducer_stops_nothing(tmp_path):
    with world(tmp_path) as w:
        w.journal.append([Event(b'{"job": 5}', "run", 0)], "import")
        w.send(COMPLETE)
        assert w.get("/jobs")["totalCount"] == 1
        feed = w.get("/events/lineage")
        assert (feed["totalCount"], feed["events"][1]) == (2, {"job": 5})
        with w.journal.reading() as connection:
            assert connection.execute("SELECT status FROM mq_refused").fetchall() == [(500,)]
