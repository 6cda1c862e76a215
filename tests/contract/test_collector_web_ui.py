"""The calls of Marquez's web UI, with the members that it uses: it breaks where one is null."""

from __future__ import annotations

import pytest
from contract.collector_world import dataset, event, run_id, world

MINIMAL = {
    "eventTime": "2026-01-05T08:00:00Z",
    "run": {"runId": "none"},
    "job": {"namespace": "jobs", "name": "bare"},
    "producer": "p",
}
DATASET_EVENT = {
    "eventTime": "2026-01-05T08:30:00Z",
    "dataset": dataset("static"),
    "producer": "p",
    "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/DatasetEvent",
}


@pytest.fixture
def w(tmp_path):
    with world(tmp_path) as found:
        found.send(
            MINIMAL,
            DATASET_EVENT,
            event("START", "09:00:00", run=1, job="started"),
            event("START", "10:00:00", run=2, inputs=["a"], outputs=["b"]),
            event("COMPLETE", "10:05:00", run=2, inputs=["a"], outputs=["b"]),
        )
        yield found


def test_the_header_has_a_namespace_to_choose(w):
    found = w.get("/namespaces")["namespaces"]
    assert [item["name"] for item in found if not item["isHidden"]] == ["db", "default", "jobs"]
    assert {tag["name"] for tag in w.get("/tags")["tags"]} == {"PII", "SENSITIVE"}


def test_the_dashboard(w):
    for kind in ("lineage-events", "jobs", "datasets", "sources"):
        assert len(w.get(f"/stats/{kind}?period=DAY")) == 24
        assert len(w.get(f"/stats/{kind}?period=WEEK&timezone=Europe/Berlin")) == 7
    for job in w.get("/jobs?limit=10&offset=0")["jobs"]:
        assert isinstance(job["tags"], list)
        assert isinstance(job["inputs"], list)
        assert job["latestRuns"] != []
        assert job["latestRun"] is None or job["latestRun"]["state"]
        assert job["updatedAt"]


def test_the_lists(w):
    jobs = w.get("/namespaces/jobs/jobs?limit=20&offset=0")
    assert jobs["totalCount"] == 3
    found = w.get("/namespaces/db/datasets?limit=20&offset=0")
    assert [(item["name"], item["deleted"]) for item in found["datasets"]] == [
        ("a", False),
        ("b", False),
        ("static", False),
    ]
    assert all(isinstance(item["fields"], list) for item in found["datasets"])


@pytest.mark.parametrize(
    "node", ["job:jobs:etl", "job:jobs:bare", "dataset:db:a", "dataset:db:static"]
)
def test_the_graph_has_the_node_that_was_asked_for(node, w):
    graph = w.get(f"/lineage?nodeId={node}&depth=2")["graph"]
    assert node in {found["id"] for found in graph}
    for found in graph:
        kind, namespace, name = found["id"].split(":")
        assert (found["data"]["namespace"], found["data"]["name"]) == (namespace, name)
        assert found["type"] == kind.upper()
        if kind == "dataset":
            assert isinstance(found["data"]["fields"], list)


def test_the_panels(w):
    job = w.get("/namespaces/jobs/jobs/etl")
    runs = w.get("/namespaces/jobs/jobs/etl/runs?limit=14")
    assert job["latestRun"]["durationMs"] == runs["runs"][0]["durationMs"] == 300_000
    assert w.get("/namespaces/db/datasets/b")["facets"] == {}
    versions = w.get("/namespaces/db/datasets/b/versions?limit=10")["versions"]
    assert all(isinstance(item["version"], str) for item in versions)
    assert versions[0]["createdByRun"]["id"] == run_id(2)


def test_the_events_page(w):
    span = "before=2026-01-06T00:00:00.000Z&after=2026-01-05T00:00:00.000Z"
    page = w.get(f"/events/lineage?limit=50&{span}&offset=0&sortDirection=desc")
    assert page["totalCount"] == 5
    assert [found["eventType"] for found in page["events"]] == ["COMPLETE", "START", "START", None]


def test_the_search_box(w):
    found = w.get("/search?q=t&sort=UPDATE_AT&limit=100")["results"]
    assert {(item["type"], item["name"]) for item in found} == {
        ("DATASET", "static"),
        ("JOB", "started"),
        ("JOB", "etl"),
    }
