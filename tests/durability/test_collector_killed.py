from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from conftest import HANG_SECONDS
from contract.collector_world import event, run_id, world

PROCESS = Path(__file__).with_name("collector_process.py")
PRODUCERS = 4


@contextmanager
def collector(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, str(PROCESS), *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as started:
        yield started
        started.kill()


@pytest.fixture
def process(tmp_path):
    with collector(str(tmp_path)) as started:
        yield started


def post_until_killed(url: str, producer: int) -> list[str]:
    """Post runs until the server is gone; return those that were answered 201."""
    taken = []
    with httpx.Client(base_url=url) as client:
        for number in range(10_000):
            run = producer * 10_000 + number
            sent = event("COMPLETE", "10:00:00", run=run, inputs=["a"], outputs=[f"b{producer}"])
            try:
                answer = client.post("/api/v1/lineage", json=sent)
            except httpx.TransportError:
                return taken
            assert answer.status_code == 201
            taken.append(run_id(run))
    return taken


sample = pytest.mark.sample


@pytest.mark.parametrize("kill_after", [1, 7, pytest.param(40, marks=sample), 150])
def test_what_was_answered_201_is_there_after_a_kill(kill_after, process, tmp_path):
    url = process.stdout.readline().strip()
    with ThreadPoolExecutor(PRODUCERS) as pool:
        posting = [pool.submit(post_until_killed, url, n) for n in range(PRODUCERS)]
        with httpx.Client(base_url=url) as client:
            while client.get("/api/v1/events/lineage?limit=0").json()["totalCount"] < kill_after:
                pass
        process.kill()
        taken = {run for found in posting for run in found.result()}
    check(tmp_path, taken)


@pytest.mark.parametrize(
    "point", [*range(1, 31, 3), pytest.param(40, marks=sample), *range(80, 400, 40), 1000]
)
def test_it_may_die_at_any_statement(point, tmp_path):
    with collector(str(tmp_path), str(point)) as started:
        taken = post_until_killed(started.stdout.readline().strip(), 0)
        assert started.wait(HANG_SECONDS) == 9
    check(tmp_path, set(taken))


LAST = {
    "journal.db": "SELECT coalesce(max(seq), 0) FROM events",
    "models.db": "SELECT seq FROM models WHERE name = 'collector'",
}


def in_file(path: Path, query: str) -> int:
    """What a query of one file gives, once the file is seen to be whole."""
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        (found,) = connection.execute(query).fetchone()
    connection.close()
    return int(found)


def check(home: Path, taken: set[str]) -> None:
    """Both files are whole, in order, and every run that was answered 201 is there and over."""
    reached = [in_file(home / name, query) for name, query in LAST.items()]
    assert reached[0] >= reached[1]
    with world(home) as w:
        total = w.get("/events/lineage?limit=0")["totalCount"]
        if total:
            listed = w.get("/namespaces/jobs/jobs/etl/runs?limit=100000")["runs"]
            assert {run["state"] for run in listed} == {"COMPLETED"}
            assert taken <= {run["id"] for run in listed}
            assert len(listed) == total
        assert len(taken) <= total


@sample
def test_a_clean_end_writes_what_was_begun(process, tmp_path):
    url = process.stdout.readline().strip()
    httpx.post(f"{url}/api/v1/lineage", json=event("START", "10:00:00"))
    process.stdin.close()
    assert process.wait(HANG_SECONDS) == 0
    with world(tmp_path) as w:
        assert w.get("/jobs")["totalCount"] == 1
