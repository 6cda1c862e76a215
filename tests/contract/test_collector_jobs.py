"""What a job lists, and which jobs are listed, one by one and in lists."""

from __future__ import annotations

import pytest
from contract.collector_world import dataset, event, world

SCHEMA = {
    "_producer": "tests",
    "_schemaURL": "https://example.org/s",
    "fields": [{"name": "a", "type": "INT"}],
}
BARE, TYPED = dataset("t"), dataset("t", facets={"schema": SCHEMA})


@pytest.fixture
def collector(tmp_path):
    with world(tmp_path) as found:
        yield found


def shown(collector):
    """The job, as each path shows it."""
    one = collector.get("/namespaces/jobs/jobs/etl")
    return [one, *collector.get("/jobs")["jobs"], *collector.get("/namespaces/jobs/jobs")["jobs"]]


@pytest.mark.parametrize("last", ["RUNNING", "COMPLETE", "FAIL"])
@pytest.mark.parametrize("order", [(BARE, TYPED), (TYPED, BARE)], ids=["bare first", "bare last"])
def test_an_output_that_came_twice_in_one_run_is_listed_once(collector, last, order):
    first, second = order
    collector.send(
        {**event("START", "10:00:00"), "outputs": [first]},
        {**event(last, "10:01:00"), "outputs": [second, first]},
    )
    for job in shown(collector):
        assert job["outputs"] == [{"namespace": "db", "name": "t"}]


def test_an_input_that_an_event_names_twice_is_listed_once(collector):
    collector.send(event("START", "10:00:00", inputs=["t", "t"]))
    tagged = collector.ask("POST", "/api/v1/namespaces/jobs/jobs/etl/tags/gold", {}, b"").body
    assert tagged["inputs"] == [{"namespace": "db", "name": "t"}]


def test_a_job_that_is_counted_is_listed(collector):
    collector.send(
        event(None, "10:00:00", job="untold", outputs=["t"]),
        event("OTHER", "10:01:00", run=2, job="other"),
        event("COMPLETE", "10:02:00", run=3, job="done"),
    )
    for path in ("/jobs", "/namespaces/jobs/jobs"):
        answer = collector.get(path)
        assert answer["totalCount"] == len(answer["jobs"]) == 3
        (untold,) = collector.get(f"{path}?lastRunStates=NEW")["jobs"]
        assert (untold["name"], untold["latestRun"]["state"]) == ("untold", "NEW")
