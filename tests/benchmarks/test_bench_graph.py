"""Speed of the graph on a home of 10,000 nodes and 54,000 events.

The limits leave room for a busy machine; `-s` prints the figures.
"""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from builders import a_dataset, an_event, at

from lineage_bridge.facets import facet
from lineage_bridge.graph.find import find
from lineage_bridge.graph.load import add_facets, load
from lineage_bridge.graph.paths import find_path
from lineage_bridge.graph.reduce import reduce
from lineage_bridge.graph.walk import walk
from lineage_bridge.journal import Journal

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]

SLOTS, VERSIONS, LOOKS = 1430, 3, 20
FIELDS = {"fields": [{"name": f"ft_{i}", "type": "double"} for i in range(22)]}
ENDPOINT = {"endpoint": "/predict", "status": "healthy", "requests": 540, "failures": 0, "p95": 0.1}


def events_of_slot(slot):
    schema = {"schema": facet("schema", FIELDS)}
    for v in range(VERSIONS):
        features, model = f"features.s.f{slot}@v{v}", f"models.m{slot}@v{v}"
        predictions = f"predictions.svc.production.dep{slot}@m{slot}/v{v}"
        build = [a_dataset(features, schema)]
        trained = [a_dataset(model, schema)]
        for state in ("START", "COMPLETE"):
            run = {"state": state, "run": str(v)}
            yield an_event(f"build.s.f{slot}", v * 9, inputs=["table"], outputs=build, **run)
            yield an_event(f"train.m{slot}", v * 9 + 1, inputs=[features], outputs=trained, **run)
            yield an_event(
                f"serve.svc.production.dep{slot}",
                v * 9 + 2,
                inputs=[model],
                outputs=[predictions],
                streaming=True,
                **run,
            )
    for look in range(LOOKS):
        health = facet("lineageBridge_servingHealth", {"evaluatedAt": at(look).isoformat()})
        health["endpoints"] = [ENDPOINT] * 8
        seen = a_dataset(
            f"predictions.svc.production.dep{slot}", {"lineageBridge_servingHealth": health}
        )
        job = f"observe.predictions.svc.production.dep{slot}"
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
    source, target = find(graph, "table"), find(graph, "predictions.svc.production.dep700")
    path = timed("path", lambda: find_path(graph, source, target), 0.4)
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
