"""Speed of the graph on a home of 10,000 nodes and 54,000 events.

The limits leave room for a busy machine; `-s` prints the figures.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from itertools import islice

import pytest
from builders import a_dataset, an_event, at

from lineage_bridge.facets import standard_facet
from lineage_bridge.facets.serving_health import ServingHealthFacet
from lineage_bridge.graph.deployments import deployments
from lineage_bridge.graph.find import find
from lineage_bridge.graph.kept import KeptGraph
from lineage_bridge.graph.load import add_facets, load
from lineage_bridge.graph.paths import find_path
from lineage_bridge.graph.reduce import reduce
from lineage_bridge.graph.walk import walk
from lineage_bridge.journal import Journal

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]

SLOTS, VERSIONS, LOOKS = 1430, 3, 20
FIELDS = {"fields": [{"name": f"ft_{i}", "type": "double"} for i in range(22)]}
ENDPOINT = {
    "endpoint": "/predict",
    "status": "healthy",
    "reasons": [],
    "windows": 15,
    "requests": 540,
    "newestWindowEnd": "2026-04-07T10:00:00Z",
    "latencyP95Ms": 100.0,
}


def events_of_slot(slot):
    schema = {"schema": standard_facet("schema", FIELDS)}
    for v in range(VERSIONS):
        features, model = f"features.s.f{slot}@v{v}", f"models.m{slot}@v{v}"
        predictions = f"predictions.dep{slot}.production.svc@m{slot}/v{v}"
        build = [a_dataset(features, schema)]
        trained = [a_dataset(model, schema)]
        for state in ("START", "COMPLETE"):
            run = {"state": state, "run": str(v)}
            yield an_event(f"build.s.f{slot}", v * 9, inputs=["table"], outputs=build, **run)
            yield an_event(f"train.m{slot}", v * 9 + 1, inputs=[features], outputs=trained, **run)
            yield an_event(
                f"serve.dep{slot}.production.svc",
                v * 9 + 2,
                inputs=[model],
                outputs=[predictions],
                streaming=True,
                **run,
            )
    for look in range(LOOKS):
        health = ServingHealthFacet(status="healthy", evaluated_at=at(look)).as_json()
        health["endpoints"] = [ENDPOINT] * 8
        seen = a_dataset(
            f"predictions.dep{slot}.production.svc", {"lineageBridge_servingHealth": health}
        )
        job = f"observe.predictions.dep{slot}.production.svc"
        yield an_event(job, look + 60, run=str(look), inputs=[seen])


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    journal = Journal(tmp_path_factory.mktemp("bench") / "home")
    for slot in range(SLOTS):
        journal.append(events_of_slot(slot), "artifact")
    began = time.perf_counter()
    count = reduce(journal)
    each_us = (time.perf_counter() - began) / count * 1e6
    print(f"\nfold: {count} events, {each_us:.0f} us each")
    assert each_us < 200
    yield journal
    journal.close()


def timed(label, call, limit_seconds):
    began = time.perf_counter()
    result = call()
    took = time.perf_counter() - began
    print(f"\n{label}: {took:.3f} s")
    assert took < limit_seconds
    return result


def load_of(journal, keys=()):
    with journal.reading() as connection:
        return load(connection, keys=keys)


def part_of(journal, text):
    with journal.reading() as connection:
        graph = load(connection, keys=())
        return add_facets(connection, walk(graph, find(graph, text), 4))


def test_loading_and_asking(filled):
    graph = timed("load without facets", lambda: load_of(filled), 0.8)
    assert len(graph.nodes) > 10_000
    timed("load with all facets", lambda: load_of(filled, keys=None), 1.5)
    timed("load, walk, facets of the part", lambda: part_of(filled, "models.m700"), 1.0)
    source, target = find(graph, "table"), find(graph, "predictions.dep700.production.svc")
    path = timed("path", lambda: find_path(graph, source, target), 0.8)
    assert len(path.hops) == 6
    timed("walk", lambda: walk(graph, find(graph, "models.m700"), 4), 0.4)


ASK = """
import gc
import sys
from pathlib import Path
from lineage_bridge.graph.find import find
from lineage_bridge.graph.load import load
from lineage_bridge.graph.paths import find_path
from lineage_bridge.journal import Journal
with Journal(Path(sys.argv[1]), readonly=True) as journal, journal.reading() as connection:
    graph = load(connection, keys=())
    gc.freeze()  # as a command does that ends with its answer
    assert find_path(graph, find(graph, "table"), find(graph, "models.m700"))
"""


def test_a_path_from_a_cold_python_takes_less_than_a_second(filled):
    command = [sys.executable, "-c", ASK, str(filled.home)]
    timed("cold path", lambda: subprocess.run(command, check=True), 1.0)


def test_the_thousandth_event_of_a_run_costs_as_much_as_the_first(tmp_path):
    times = []
    with Journal(tmp_path / "home") as journal:
        for part in range(5):
            running = [
                an_event("stream", part + n / 1e5, state="RUNNING", inputs=["a"], outputs=["b"])
                for n in range(1000)
            ]
            journal.append(running, "http")
            began = time.perf_counter()
            reduce(journal)
            times.append(time.perf_counter() - began)
    print("\n1,000 RUNNING events each:", [f"{t:.3f} s" for t in times])
    assert times[-1] < 3 * times[0] + 0.1


RUNS, JOBS = 100_000, 20_000
LATE = at(1_000_000)


def runs_of_one_job():
    """Each run writes a version of one dataset."""
    schema = {"schema": {"fields": FIELDS["fields"][:6]}}
    for n in range(2 * RUNS):
        written = [a_dataset(f"features@v{n}", schema)]
        yield an_event("build", n / 60, run=str(n), inputs=["table"], outputs=written)


def runs_of_many_jobs():
    """Each job has five runs, and a dataset of its own."""
    schema = {"schema": {"fields": FIELDS["fields"][:6]}}
    for n in range(2 * RUNS):
        job, run = n % JOBS, n // JOBS
        written = [a_dataset(f"features.f{job}@v{run}", schema)]
        yield an_event(f"build.f{job}", n / 60, run=str(run), inputs=["table"], outputs=written)


@pytest.fixture(params=[runs_of_one_job, runs_of_many_jobs], ids=["one job", "20,000 jobs"])
def crowded(request, tmp_path):
    """A journal with 100,000 runs, and the events after them."""
    events = request.param()
    with Journal(tmp_path / "home") as journal:
        for _ in range(0, RUNS, 1000):
            journal.append(islice(events, 1000), "artifact")
        began, cpu = time.perf_counter(), time.process_time()
        reduce(journal)
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
        print(f"\n\n{request.node.callspec.id}: folded in {took:.1f} s, CPU {cpu:.1f} s")
        yield journal, events


def answers_ms(kept, journal, events, count):
    """How long each of 20 answers takes after so many more events, folding aside."""
    took = []
    for _ in range(20):
        journal.append(islice(events, count), "http")
        reduce(journal)
        began = time.perf_counter()
        kept.at(LATE)
        took.append((time.perf_counter() - began) * 1000)
    figures = f"median {statistics.median(took):.1f} ms, worst {max(took):.1f} ms"
    print(f"answer after {count} more: {figures}")
    return statistics.median(took)


MEMORY = """
import sys
from datetime import datetime
from pathlib import Path
from lineage_bridge.graph.kept import KeptGraph
from lineage_bridge.graph.load import load
from lineage_bridge.journal import Journal
LATE = datetime.fromisoformat(sys.argv[2])
with Journal(Path(sys.argv[1])) as journal, journal.reading() as connection:
    found = load(connection, at=LATE) if sys.argv[3] == "load" else KeptGraph(journal).at(LATE)
    status = Path("/proc/self/status").read_text()
    print(*(int(line.split()[1]) // 1024 for line in status.splitlines() if line[:5] == "VmRSS"))
"""


def memory_mb(journal, how):
    command = [sys.executable, "-c", MEMORY, str(journal.home), LATE.isoformat(), how]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def test_a_kept_graph_of_many_runs(crowded):
    journal, events = crowded
    print(f"memory, MB: load {memory_mb(journal, 'load')}, kept {memory_mb(journal, 'kept')}")
    kept = KeptGraph(journal)
    timed("first answer", lambda: kept.at(LATE), 30)
    timed("count edges and deployments", lambda: count(kept), 5)
    one = answers_ms(kept, journal, events, 1)
    timed("count edges and deployments again", lambda: count(kept), 0.5)
    hundred = answers_ms(kept, journal, events, 100)
    timed("answer after 2,000 more", lambda: after(kept, journal, events, 2000), 10)
    assert one < 40
    assert hundred < 400


def count(kept):
    graph, _ = kept.at(LATE)
    return graph.count_edges(), deployments(graph)


def after(kept, journal, events, count):
    journal.append(islice(events, count), "http")
    return kept.at(LATE)
