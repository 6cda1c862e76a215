"""Whatever scalar stands for a name, the graph and the collector know the same nodes."""

from __future__ import annotations

import tempfile
from pathlib import Path

from contract.collector_world import event, world
from hypothesis import given, settings
from hypothesis import strategies as st

from lineage_bridge.graph.load import load
from lineage_bridge.graph.reduce import reduce

scalars = (
    st.sampled_from(["a", "5", "true", "é", "a.b"])
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
)
namespaces = st.sampled_from(["db", "5"]) | st.booleans() | st.integers(0, 9)
named = st.fixed_dictionaries({"namespace": namespaces, "name": scalars})
events = st.fixed_dictionaries(
    {
        "eventType": st.sampled_from(["START", "COMPLETE", 5, False]),
        "run": st.fixed_dictionaries({"runId": scalars}),
        "job": named,
        "inputs": st.lists(named, max_size=2),
        "outputs": st.lists(named, max_size=2),
        "producer": scalars,
    }
)


@settings(max_examples=settings().max_examples // 2)
@given(st.lists(events, max_size=4))
def test_the_graph_and_the_collector_know_the_same_nodes(sent):
    with tempfile.TemporaryDirectory() as folder, world(Path(folder)) as w:
        w.send(*(event(None, "10:00:00") | each for each in sent))
        listed = w.get("/jobs?limit=99")["jobs"]
        by_collector = {("job", job["namespace"], job["name"]) for job in listed}
        for namespace in w.get("/namespaces")["namespaces"]:
            listed = w.get(f"/namespaces/{namespace['name']}/datasets")["datasets"]
            by_collector |= {("dataset", each["namespace"], each["name"]) for each in listed}
        reduce(w.journal)
        with w.journal.reading() as connection:
            nodes = load(connection).nodes.values()

    assert {(node.kind, node.namespace, node.name) for node in nodes} == by_collector
