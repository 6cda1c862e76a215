"""Answer, page and scrape after one more event, at 100,000 runs; `-s` prints the figures."""

from __future__ import annotations

import statistics
import time
from itertools import islice

import pytest
from benchmarks.test_bench_graph import RUNS, runs_of_many_jobs, runs_of_one_job
from builders import at
from platform_events import a_start
from prometheus_client import generate_latest

from lineage_bridge.answers import Snapshots
from lineage_bridge.assess.policies import Policies
from lineage_bridge.exporter.metrics_collector import MetricsCollector, registry_of
from lineage_bridge.graph.reduce import reduce
from lineage_bridge.journal import Journal
from lineage_bridge.naming import Slot
from lineage_bridge.page.content import read_content
from lineage_bridge.page.html import page_html
from lineage_bridge.settings import Settings

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]

LATE = at(1_000_000)


def starts_of_deployments():
    """Each of 200 deployments starts again and again, with one of seven versions."""
    for n in range(2 * RUNS):
        slot = Slot("svc", "production", f"dep{n % 200}")
        yield a_start(n / 60, slot=slot, version=f"v{n % 7}")


def ms(ask):
    began = time.perf_counter()
    ask()
    return (time.perf_counter() - began) * 1000


@pytest.mark.parametrize(
    "events",
    [runs_of_one_job, runs_of_many_jobs, starts_of_deployments],
    ids=["one job", "20,000 jobs", "200 deployments"],
)
def test_an_answer_after_one_more_event(tmp_path, events, request):
    left = events()
    with Journal(tmp_path / "home") as journal:
        for _ in range(0, RUNS, 1000):
            journal.append(islice(left, 1000), "artifact")
        reduce(journal)
        snapshots = Snapshots(journal, Policies())
        metrics = registry_of(
            MetricsCollector(journal, Settings(), now=lambda: LATE, snapshots=snapshots)
        )

        def judge():
            snapshot = snapshots.at(LATE)
            return snapshot.health, snapshot.freshness

        def page():
            return page_html(read_content(snapshots.at(LATE), 1), metrics_url=None)

        surfaces = {"answer": judge, "page": page, "scrape": lambda: generate_latest(metrics)}
        first = {name: ms(ask) for name, ask in surfaces.items()}
        again = {name: [] for name in surfaces}
        for name, ask in surfaces.items():
            for _ in range(20):
                journal.append(islice(left, 1), "http")
                reduce(journal)
                again[name].append(ms(ask))
    print(f"\n\n{request.node.callspec.id}, {RUNS:,} runs")
    for name, took in again.items():
        figures = f"median {statistics.median(took):.1f} ms, worst {max(took):.1f} ms"
        print(f"{name}: first {first[name]:.0f} ms, after one more event {figures}")
    assert statistics.median(again["answer"]) < first["answer"] / 10
