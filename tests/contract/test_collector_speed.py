"""How fast the collector is: `pytest tests/contract/test_collector_speed.py -m bench -s`.

The server runs in a process of its own, with fsync; this process is its only client.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from contract.collector_load import JOBS, get_many, post_all

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]

PROCESS = Path(__file__).parents[1] / "durability" / "collector_process.py"
EVENTS = 20_000
READS = {
    "100 jobs": "/jobs?limit=100",
    "100 datasets": "/namespaces/db/datasets?limit=100",
    "100 events": "/events/lineage?limit=100",
    "a job": "/namespaces/jobs/jobs/job.7",
    "a dataset": "/namespaces/db/datasets/t7",
    "a search": "/search?q=job.12",
    "lineage of depth 2": f"/lineage?nodeId=job:jobs:job.{JOBS // 2}&depth=2",
    "lineage of 1,000 nodes": f"/lineage?nodeId=job:jobs:job.{JOBS // 2}&depth={JOBS}",
}


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    command = [sys.executable, str(PROCESS), str(tmp_path_factory.mktemp("home"))]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        yield process.stdout.readline().strip()
        process.kill()


def test_ingest_and_reads(url):
    post_all(url, 0, 1_000, 4)
    one = post_all(url, 1_000, 2_000, 1)
    many = post_all(url, 3_000, EVENTS - 3_000, 16)
    print(f"\none connection: {one.per_second:.0f} events/s, p99 {one.at(0.99) * 1e3:.1f} ms")
    print(f"16 connections: {many.per_second:.0f} events/s, p99 {many.at(0.99) * 1e3:.1f} ms")
    for name, path in READS.items():
        timing = get_many(url, path, 40)
        print(f"{name:24} median {timing.at(0.5) * 1e3:6.1f} ms, p95 {timing.at(0.95) * 1e3:6.1f}")
        assert timing.at(0.5) < 0.5
