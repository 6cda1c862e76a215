"""Wide events, such as a column lineage of 300 x 300: stored once, and shown bit by bit."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import sqlite3
import tracemalloc

import pytest
from cases import others_slow
from contract.collector_world import dataset, event, run_id, world

from lineage_bridge.collector.accept.validation import Limits
from lineage_bridge.collector.server import CollectorConfig
from lineage_bridge.http.responses import PIECE_BYTES

FACET = {"_producer": "tests", "_schemaURL": "https://example.org/s"}
MIB = 1024 * 1024


def a_table(name, width, source=None):
    """A table of so many columns, each of them made from all columns of another one."""
    columns = [f"c{i}" for i in range(width)]
    facets = {"schema": {**FACET, "fields": [{"name": name, "type": "INT"} for name in columns]}}
    if source is not None:
        inputs = [{"namespace": "db", "name": source, "field": column} for column in columns]
        fields = {column: {"inputFields": inputs} for column in columns}
        facets["columnLineage"] = {**FACET, "fields": fields}
    return dataset(name, facets=facets)


def a_wide_event(run, width, source="t0", target="t1"):
    wide = event("COMPLETE", f"10:00:{run:02}", run=run)
    wide["inputs"] = [a_table(source, width)]
    wide["outputs"] = [a_table(target, width, source)]
    return wide


def sent_by(app, target, **headers):
    """Ask the application for a path; return the messages that it sends."""
    path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent


def content(sent):
    return b"".join(message.get("body", b"") for message in sent[1:])


def stored_bytes(home):
    (path,) = home.glob("models*.db")
    with contextlib.closing(sqlite3.connect(path)) as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    return pages * page_bytes


@pytest.mark.slow
def test_what_is_said_again_is_not_stored_again(tmp_path):
    with world(tmp_path) as w:
        w.send(a_wide_event(1, 80))
        w.get("/namespaces/db/datasets/t1")
        before = stored_bytes(tmp_path)
        w.send(*(a_wide_event(run, 80) for run in range(2, 8)))
        versions = w.get("/namespaces/db/datasets/t1/versions")["versions"]
        after = stored_bytes(tmp_path)

    assert len(versions) == 7
    assert all(len(v["facets"]["columnLineage"]["fields"]) == 80 for v in versions)
    assert after - before < len(json.dumps(a_wide_event(1, 80))) / 4


def test_one_changed_column_costs_one_column(tmp_path):
    changed = a_wide_event(2, 100)
    made = changed["outputs"][0]["facets"].pop("columnLineage")
    made["fields"]["c7"] = {**made["fields"]["c7"], "transformationDescription": "rounded"}
    changed["outputs"][0]["facets"]["columnLineage"] = made
    with world(tmp_path) as w:
        w.send(a_wide_event(1, 100))
        w.get("/namespaces")
        query = "SELECT count(*) FROM mq_shared"
        with w.journal.reading() as connection:
            (before,) = connection.execute(query).fetchone()
        w.send(changed)
        shown = w.get("/namespaces/db/datasets/t1")
        with w.journal.reading() as connection:
            (after,) = connection.execute(query).fetchone()

    descriptions = {
        made["name"]: made["transformationDescription"] for made in shown["columnLineage"]
    }
    assert {name for name, text in descriptions.items() if text == "rounded"} == {"c7"}
    assert after - before == 3  # the facet, the column's recipe, the list of all recipes


@pytest.mark.slow
@pytest.mark.parametrize("is_packed", others_slow([True, False]))
@pytest.mark.parametrize(
    "path",
    others_slow(
        ["/column-lineage?nodeId=dataset:db:t2&withDownstream=true", "/namespaces/db/datasets/t2"]
    ),
)
def test_a_long_answer_goes_out_in_pieces_and_is_never_held_whole(path, is_packed, tmp_path):
    width = 100
    with world(tmp_path) as w:
        for place in range(3):
            w.send(a_wide_event(place, width, f"t{place}", f"t{place + 1}"))
        w.get("/namespaces")
        headers = {"accept-encoding": "gzip"} if is_packed else {}
        sent_by(w.app, "/api/v1/namespaces/db/datasets/t1", **headers)  # what is loaded once
        tracemalloc.start()
        sent = sent_by(w.app, f"/api/v1{path}", **headers)
        held = tracemalloc.get_traced_memory()[1] - sum(len(m.get("body", b"")) for m in sent)
        tracemalloc.stop()

    body = gzip.decompress(content(sent)) if is_packed else content(sent)
    answer = json.loads(body)
    edges = [len(node["data"]["inputFields"]) for node in answer.get("graph", ())]
    edges = edges or [len(made["inputFields"]) for made in answer["columnLineage"]]
    assert sum(edges) == width * width * (3 if "graph" in answer else 1)
    assert max(len(message.get("body", b"")) for message in sent) < 2 * PIECE_BYTES
    assert len(body) > 4 * PIECE_BYTES
    assert held < 12 * PIECE_BYTES  # as objects, the edges alone take more


@pytest.mark.slow
def test_the_feed_reads_large_events_one_by_one(tmp_path):
    with world(tmp_path) as w:
        w.send(*(a_wide_event(run, 60) for run in range(1, 9)))
        w.get("/namespaces")
        tracemalloc.start()
        sent = sent_by(w.app, "/api/v1/events/lineage")
        held = tracemalloc.get_traced_memory()[1] - len(content(sent))
        tracemalloc.stop()

    answer = json.loads(content(sent))
    assert [shown["run"]["runId"] for shown in answer["events"]] == [
        run_id(run) for run in range(8, 0, -1)
    ]
    assert answer["totalCount"] == 8
    assert held < 3 * len(content(sent))  # decoded, each of them takes ten times its length


def test_the_edges_of_one_event_are_bounded(tmp_path):
    with world(tmp_path, CollectorConfig(limits=Limits(column_edges=25))) as w:
        assert w.post(a_wide_event(1, 5)).status == 201
        refused = w.post(a_wide_event(2, 6))

    assert refused.status == 422
    assert refused.body == {
        "errors": ["the column lineage must not have more than 25 input fields in all"]
    }


def test_large_run_and_job_facets_are_shown_and_merged_as_small_ones(tmp_path):
    plan, sql = {**FACET, "plan": ["scan"] * 1000}, {**FACET, "query": "select " * 1000}
    with world(tmp_path) as w:
        for run in (1, 2):
            sent = event("START", "10:00:00", run=run)
            sent["run"]["facets"] = {"spark.logicalPlan": plan, "small": {**FACET, "n": run}}
            sent["job"]["facets"] = {"sql": sql}
            late = event("COMPLETE", "10:01:00", run=run)
            late["run"]["facets"] = {"spark.logicalPlan": FACET, "small": {**FACET, "n": 9}}
            w.send(sent, late)
        run = w.get(f"/jobs/runs/{run_id(2)}")
        facets = w.get(f"/jobs/runs/{run_id(2)}/facets?type=run")["facets"]
        of_job = w.get(f"/jobs/runs/{run_id(2)}/facets?type=job")["facets"]
        job = w.get("/namespaces/jobs/jobs/etl")

    assert run["facets"] == facets == {"spark.logicalPlan": plan, "small": {**FACET, "n": 9}}
    assert job["facets"] == of_job == {"sql": sql}
    assert [latest["facets"] for latest in job["latestRuns"]] == [facets, facets]
