"""Answer, page and scrape after one more event, at 100,000 runs; `-s` prints the figures."""

from __future__ import annotations

import statistics
import time
from itertools import islice

import pytest
from benchmarks.test_bench_graph import RUNS, runs_of_many_jobs, runs_of_one_job
from builders import a_foreign_event, a_run_id, at
from platform_events import a_start
from prometheus_client import generate_latest

from lineage_bridge.answers import Snapshot, Snapshots
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


DATASETS = 20_000


def writes_of_many_datasets():
    """Anybody's datasets, each written again and again: all have a rhythm of their own."""
    for n in range(5 * DATASETS):
        dataset = f"warehouse.t{n % DATASETS}"
        run = {"runId": a_run_id(f"{dataset}/{n}")}
        yield a_foreign_event(f"etl{n % DATASETS}", n / 60, outputs=[dataset], run=run)


def test_the_freshness_of_20_000_datasets(tmp_path):
    left = writes_of_many_datasets()
    with Journal(tmp_path / "home") as journal:
        while bite := [*islice(left, 1000)]:
            journal.append(bite, "http")
        reduce(journal)
        with journal.reading() as connection:
            took = {
                "asked once": [ms(lambda: Snapshot.load(connection, Policies(), LATE).freshness)]
            }
        snapshots = Snapshots(journal, Policies())
        took["kept, first"] = [ms(lambda: snapshots.at(LATE).freshness)]
        took["kept, again"] = []
        for n in range(10):
            journal.append([a_foreign_event("etl7", 2_000 + n, outputs=["warehouse.t7"])], "http")
            reduce(journal)
            took["kept, again"].append(ms(lambda: snapshots.at(LATE).freshness))
    print(f"\n\nfreshness of {DATASETS:,} datasets with 5 writes each")
    for name, each in took.items():
        print(f"{name}: median {statistics.median(each):.0f} ms, worst {max(each):.0f} ms")
    assert statistics.median(took["kept, again"]) < took["kept, first"][0]
