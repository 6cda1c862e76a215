"""How fast the collector is, and whether it stays so: `pytest tests/benchmarks -m bench -s`.

The server runs in a process of its own, with fsync; this process is its only client. The limits
leave room for a busy machine; the printed figures are those of docs/benchmarks.md. The stores are
of 10,000 and 100,000 events; BENCH_EVENTS names other numbers. BENCH_NEW is how many events with
new jobs, datasets and columns come over sixteen connections.
"""

from __future__ import annotations

import os

import pytest
from benchmarks.collector_load import (
    MODELS,
    ROW,
    Collector,
    ask_all,
    columns,
    dataset,
    fill,
    post_all,
    post_loaded,
    post_new,
    run_event,
)

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]

SIZES = [int(size) for size in os.environ.get("BENCH_EVENTS", "10000,100000").split(",")]
NEW = int(os.environ.get("BENCH_NEW", "60000"))
JOBS_OF_SCALE = 5_000  # which make a graph of 10,000 nodes
MIDDLE = JOBS_OF_SCALE // 2 // ROW * ROW + 4
READS = {
    "100 jobs": "/jobs?limit=100",
    "100 datasets": "/namespaces/db/datasets?limit=100",
    "100 events": "/events/lineage?limit=100",
    "1,000 events": "/events/lineage?limit=1000",
    "a job": f"/namespaces/jobs/jobs/job.{MIDDLE}",
    "its runs": f"/namespaces/jobs/jobs/job.{MIDDLE}/runs",
    "a dataset": f"/namespaces/db/datasets/t{MIDDLE}",
    "its versions": f"/namespaces/db/datasets/t{MIDDLE}/versions",
    "a search": "/search?q=job.12",
    "statistics of a week": "/stats/lineage-events?period=WEEK&timezone=UTC",
    "lineage of depth 2": f"/lineage?nodeId=job:jobs:job.{MIDDLE}&depth=2",
    "lineage of depth 20": f"/lineage?nodeId=job:jobs:job.{MIDDLE}&depth=20",
}
RUNNING = 5_000
RUNNING_READS = {
    "its job": "/namespaces/jobs/jobs/stream",
    "its run": "/jobs/runs/00000000-0000-4000-8000-000000000007",
    "its input": "/namespaces/db/datasets/in",
    "its output": "/namespaces/db/datasets/out",
}


def test_ingest(tmp_path):
    with Collector(tmp_path) as collector:
        print()
        post_loaded(collector, 0, 1_000, 4)
        post_loaded(collector, 1_000, 2_000, 1)
        many = post_loaded(collector, 3_000, 20_000, 16)
        assert many.per_second > 500


def test_new_jobs_datasets_and_columns(tmp_path):
    with Collector(tmp_path, MODELS) as collector:
        print()
        post_new(collector, tmp_path, 0, 400, 4)
        post_new(collector, tmp_path, 400, 3_600, 1)
        many, lag = post_new(collector, tmp_path, 4_000, NEW, 16)
        assert many.per_second > 200
        assert lag.end_seconds < 15


@pytest.mark.parametrize("events", SIZES)
def test_a_store_of(tmp_path, events):
    fill(tmp_path, events, JOBS_OF_SCALE)
    with Collector(tmp_path) as collector:
        print(f"\n{events} events: {collector.started:.2f} s from start to first answer")
        timings = ask_all(collector, READS)
        post_loaded(collector, events, 4_000, 16, JOBS_OF_SCALE)
        print(f"at most {collector.memory()} MB resident")
        assert collector.started < 2
        assert collector.memory() < 200
        assert max(timing.at(0.5) for timing in timings.values()) < 0.3


def test_a_run_of_many_events(tmp_path):
    events = [
        run_event(
            number,
            "RUNNING",
            7,
            "stream",
            inputs=[dataset("in", facets=columns())],
            output="out",
        )
        for number in range(RUNNING)
    ]
    with Collector(tmp_path) as collector:
        print()
        for first in range(0, RUNNING, 1_000):
            before = collector.cpu()
            timing = post_all(collector.url, events[first : first + 1_000], 1)
            micros = (collector.cpu() - before) * 1e3
            print(
                f"from {first:4}: {timing.per_second:5.0f} events/s, {micros:4.0f} µs of CPU each"
            )
        timings = ask_all(collector, RUNNING_READS)
        assert max(timing.at(0.5) for timing in timings.values()) < 0.05
