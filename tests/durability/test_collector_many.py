from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest
from conftest import HANG_SECONDS
from contract.collector_world import event, run_id

from lineage_bridge.collector.api import Api
from lineage_bridge.collector.server import CollectorConfig, CollectorServer
from lineage_bridge.http import HttpConfig, HttpLimits
from lineage_bridge.journal import Journal

PRODUCERS = 64
RUNS_EACH = 3


@pytest.fixture
def url(tmp_path):
    config = HttpConfig(limits=HttpLimits(request_seconds=HANG_SECONDS))
    with Journal(tmp_path) as journal, CollectorServer(journal, port=0, http=config) as server:
        yield f"{server.url}/api/v1"


def post(url: str, sent: dict) -> int:
    return httpx.post(f"{url}/lineage", json=sent).status_code


def test_64_producers_at_once_lose_nothing(url):
    def produce(producer: int) -> list[int]:
        job = f"job.{producer % 8}"
        statuses = []
        with httpx.Client() as client:
            for number in range(RUNS_EACH):
                names = {"job": job, "run": producer * 100 + number}
                names |= {"inputs": ["shared"], "outputs": [f"t{producer % 16}"]}
                for kind, time in (("START", "10:00:00"), ("COMPLETE", "10:05:00")):
                    answer = client.post(f"{url}/lineage", json=event(kind, time, **names))
                    statuses.append(answer.status_code)
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


@pytest.mark.sample
def test_slow_readers_do_not_hold_up_a_writer(url, monkeypatch):
    reading, begun, over = Api.reading, threading.Semaphore(0), threading.Event()

    @contextmanager
    def slowly(api: Api) -> Iterator[object]:
        with reading(api) as connection:
            begun.release()
            over.wait()
            yield connection

    monkeypatch.setattr(Api, "reading", slowly)
    readers = CollectorConfig().readers
    with ThreadPoolExecutor(2 * readers) as pool:
        reads = [pool.submit(httpx.get, f"{url}/jobs") for _ in range(2 * readers)]
        try:
            assert all(begun.acquire(timeout=HANG_SECONDS) for _ in range(readers))
            assert post(url, event("START", "11:00:00")) == 201
            assert not any(read.done() for read in reads)
        finally:
            over.set()
        assert {read.result().status_code for read in reads} == {200}
