"""The stub of Marquez is kept honest: it answers what a real one was recorded to answer.

Compared is what forwarding goes by: states and times of runs, their inputs, outputs and whether
they have a version, the edges of jobs, who made a dataset's current version, and the feed.
"""

from __future__ import annotations

import json
from urllib.parse import parse_qs

import httpx
import pytest
from conformance.replaying import HERE
from marquez_stub import StubMarquez

from lineage_bridge.events.event_time import parse_micros

RUN = "/api/v1/jobs/runs/"
SCENARIOS = [
    "batch-io-switch",
    "event-out-of-order",
    "event-run-lifecycle",
    "event-run-fail-abort",
    "event-types-other-and-unknown",
    "graph-chain",
    "graph-job-changed-io",
    "ml-retraining",
    "ml-path",
    "observer-inputs-only",
    "runs-order",
]


def instant(text):
    return text and parse_micros(text)


def seen_run(body):
    return {
        "state": body["state"],
        "times": [instant(body[key]) for key in ("startedAt", "endedAt")],
        "version": body["jobVersion"] is not None,
        **{
            side: {
                (one["datasetVersionId"]["namespace"], one["datasetVersionId"]["name"])
                for one in body[f"{side}DatasetVersions"]
            }
            for side in ("input", "output")
        },
    }


def seen_job(body):
    return {
        side: sorted((one["namespace"], one["name"]) for one in body[side])
        for side in ("inputs", "outputs")
    }


def seen_feed(body):
    events = body["events"]
    return [(e["run"]["runId"], e["eventType"], instant(e["eventTime"])) for e in events]


def seen_graph(path, body):
    """Return the edges of the job that was asked for; the stub draws no others."""
    node_id = parse_qs(path.partition("?")[2])["nodeId"][0]
    node = next((one for one in body["graph"] if one["id"] == node_id), None)
    if node is None or not node_id.startswith("job:"):
        return None
    return {edge["origin"] for edge in node["inEdges"]}, {
        edge["destination"] for edge in node["outEdges"]
    }


def seen(path, body):
    """Return the part of an answer that the stub has, None where it has none."""
    parts = path.partition("?")[0].removeprefix("/api/v1/").split("/")
    if path.startswith(RUN) and len(parts) == 3:
        return seen_run(body)
    if parts[0] == "namespaces" and len(parts) == 4:
        if parts[2] == "jobs":
            return seen_job(body)
        return {"known": body["currentVersion"] is not None}
    if parts == ["lineage"]:
        return seen_graph(path, body)
    if parts == ["events", "lineage"] and "offset" not in path:
        return seen_feed(body)
    return None


@pytest.mark.parametrize("name", SCENARIOS)
def test_it_answers_as_a_real_one_does(name):
    scenario = json.loads((HERE / "scenarios" / f"{name}.json").read_text())
    compared = 0
    with httpx.Client(base_url="http://m.test", transport=httpx.MockTransport(StubMarquez())) as c:
        for step in scenario["steps"]:
            asked, recorded = step["request"], step["response"]
            if asked["method"] == "POST":
                answer = c.post(asked["path"], json=asked["body"])
                assert answer.status_code == recorded["status"]
            elif recorded["status"] == 200 and "{" not in asked["path"]:
                wanted = seen(asked["path"], recorded["body"])
                if wanted is not None:
                    assert seen(asked["path"], c.get(asked["path"]).json()) == wanted, asked["path"]
                    compared += 1
    assert compared
