from __future__ import annotations

import json

import pytest
from contract.collector_world import dataset, event, run_id, world

from lineage_bridge.collector.rows.refused import list_refused

LISTS = ("/namespaces", "/jobs", "/search?q=e", "/namespaces/db/datasets", "/events/lineage")
FACET = {"_producer": "p", "_schemaURL": "s"}


def with_output(**members):
    found = event("START", "10:00:00")
    found["outputs"] = [dataset("out") | members]
    return found


def with_parent(name):
    parent = {**FACET, "run": {"runId": run_id(9)}, "job": {"namespace": "jobs", "name": name}}
    run = {"runId": run_id(1), "facets": {"parent": parent}}
    return event("START", "10:00:00", run=1) | {"run": run}


POISON = {
    "blank job name": event("START", "10:00:00", job=" "),
    "empty job namespace": event("START", "10:00:00") | {"job": {"namespace": "", "name": "x"}},
    "blank parent name": with_parent(""),
    "output namespace with a blank": with_output(namespace="a b"),
    "output namespace that is empty": with_output(namespace=""),
    "output without a name": with_output(name=""),
    "source without a name": with_output(
        facets={"dataSource": {**FACET, "name": "", "uri": "a://b"}}
    ),
    "symlink in an illegal namespace": with_output(
        facets={"symlinks": {**FACET, "identifiers": [{"namespace": "é", "name": "x"}]}}
    ),
}


@pytest.mark.parametrize("poison", list(POISON.values()), ids=list(POISON))
def test_an_event_that_would_poison_marquez_is_refused_and_shown_nowhere(poison, tmp_path):
    with world(tmp_path) as w:
        w.send(event("COMPLETE", "09:00:00", inputs=["a"], outputs=["b"]))
        before = [w.get(path) for path in LISTS]
        assert w.post(poison).status == 400
        assert [w.get(path) for path in LISTS] == before
        with w.journal.reading() as connection:
            (refused,) = list_refused(connection)
    assert refused.status == 400
    assert "must" in refused.reason
    assert json.loads(refused.body) == poison


def test_an_input_that_marquez_refuses_is_refused_as_there(tmp_path):
    bad = event("START", "10:00:00") | {"inputs": [dataset("x", namespace="a b")]}
    with world(tmp_path) as w:
        assert w.post(bad).status == 400
        assert w.get("/jobs")["totalCount"] == 0
        assert w.get("/events/lineage")["totalCount"] == 1
