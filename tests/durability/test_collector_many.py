from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from contract.collector_world import event, run_id

from lineage_bridge.collector.server import CollectorServer
from lineage_bridge.journal import Journal

PRODUCERS = 64
RUNS_EACH = 3


@pytest.fixture
def url(tmp_path):
    with Journal(tmp_path) as journal, CollectorServer(journal, port=0) as server:
        yield f"{server.url}/api/v1"


def post(url: str, sent: dict) -> int:
    return httpx.post(f"{url}/lineage", json=sent, timeout=60).status_code


def test_64_producers_at_once_lose_nothing(url):
    def produce(producer: int) -> list[int]:
        job = f"job.{producer % 8}"
        statuses = []
        for number in range(RUNS_EACH):
            names = {"job": job, "run": producer * 100 + number, "outputs": [f"t{producer % 16}"]}
            for kind, time in (("START", "10:00:00"), ("COMPLETE", "10:05:00")):
                statuses.append(post(url, event(kind, time, inputs=["shared"], **names)))
        return statuses

    with ThreadPoolExecutor(PRODUCERS) as pool:
        statuses = [status for found in pool.map(produce, range(PRODUCERS)) for status in found]
    assert statuses == [201] * PRODUCERS * RUNS_EACH * 2
    assert httpx.get(f"{url}/events/lineage?limit=0").json()["totalCount"] == len(statuses)
    runs = [
        run
        for job in range(8)
        for run in httpx.get(f"{url}/namespaces/jobs/jobs/job.{job}/runs?limit=1000").json()["runs"]
    ]
    assert len(runs) == PRODUCERS * RUNS_EACH
    assert {run["state"] for run in runs} == {"COMPLETED"}


def test_start_and_complete_that_race_end_completed(url):
    with ThreadPoolExecutor(2) as pool:
        for number in range(25):
            sent = [
                event("START", "10:00:00", run=number, inputs=["a"], outputs=["b"]),
                event("COMPLETE", "10:00:00", run=number, inputs=["a"], outputs=["b"]),
            ]
            assert list(pool.map(lambda item: post(url, item), sent)) == [201, 201]
    ended = [httpx.get(f"{url}/jobs/runs/{run_id(n)}").json() for n in range(25)]
    assert {(run["state"], run["durationMs"]) for run in ended} == {("COMPLETED", 0)}
    graph = httpx.get(f"{url}/lineage?nodeId=job:jobs:etl").json()["graph"]
    assert len(graph) == 3


def test_a_slow_reader_does_not_hold_up_a_writer(url):
    for number in range(40):
        post(url, event("COMPLETE", "10:00:00", run=number, job=f"j{number}", outputs=["t"]))
    with ThreadPoolExecutor(8) as pool:
        reads = [pool.submit(httpx.get, f"{url}/jobs?limit=100", timeout=60) for _ in range(24)]
        assert post(url, event("START", "11:00:00", run=999)) == 201
        assert {read.result().status_code for read in reads} == {200}
