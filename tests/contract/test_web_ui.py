"""Marquez's web UI: each of its calls, with the fields that it uses, never null where it breaks.

The calls and fields are those of the UI of Marquez 0.51 (`web/src/store/requests` and what its
pages read of the answers). The city's home is served as it was backfilled.
"""

from __future__ import annotations

import json
import shutil
from itertools import pairwise
from urllib.parse import quote

import pytest
from contract.collector_world import JSON, RUN_EVENT, dataset, run_id, world

from lineage_bridge.times import parse_time

NAMESPACE = "urban"
MODEL = "models.lightgbm_default"
STATES = {"NEW", "RUNNING", "COMPLETED", "ABORTED", "FAILED"}


@pytest.fixture(scope="module")
def ui(nyc_home, tmp_path_factory):
    home = shutil.copytree(nyc_home, tmp_path_factory.mktemp("ui") / "home")
    with world(home) as collector:
        yield collector


@pytest.fixture
def changing(nyc_home, tmp_path):
    """One that a test may change."""
    with world(shutil.copytree(nyc_home, tmp_path / "home")) as collector:
        yield collector


def has(document, **kinds):
    """Every one of these members is there and of its kind; `None` among the kinds allows null."""
    for name, kind in kinds.items():
        value = document[name]
        kinds_of = kind if isinstance(kind, tuple) else (kind,)
        is_null = value is None and None in kinds_of
        assert is_null or isinstance(value, tuple(k for k in kinds_of if k is not None)), name


def segment(text):
    return quote(text, safe="")


def jobs_of(ui):
    return ui.get(f"/namespaces/{NAMESPACE}/jobs?limit=100&offset=0")["jobs"]


def datasets_of(ui):
    return ui.get(f"/namespaces/{NAMESPACE}/datasets?limit=100&offset=0")["datasets"]


def test_what_it_loads_first(ui):
    namespaces = ui.get("/namespaces")["namespaces"]
    assert {NAMESPACE, "default"} <= {n["name"] for n in namespaces if not n["isHidden"]}
    for namespace in namespaces:
        has(namespace, name=str, isHidden=bool)
    for tag in ui.get("/tags")["tags"]:
        has(tag, name=str, description=(str, None))


@pytest.mark.parametrize(
    ("period", "length"), [("period=DAY", 24), ("period=WEEK&timezone=America/New_York", 7)]
)
def test_the_dashboard_charts(ui, period, length):
    events = ui.get(f"/stats/lineage-events?{period}")
    assert len(events) == length
    for interval in events:
        has(interval, startInterval=str, endInterval=str)
        has(interval, fail=int, start=int, complete=int, abort=int)
    for things in ("jobs", "datasets", "sources"):
        counts = ui.get(f"/stats/{things}?{period}")
        assert len(counts) == length
        assert all(earlier["count"] <= later["count"] for earlier, later in pairwise(counts))


@pytest.mark.parametrize(
    "query", ["limit=10&offset=0", "limit=10&offset=10", "limit=10&offset=0&lastRunStates=RUNNING"]
)
def test_the_dashboard_jobs(ui, query):
    answer = ui.get(f"/jobs?{query}")
    has(answer, totalCount=int, jobs=list)
    assert answer["jobs"]
    for job in answer["jobs"]:
        has(job, id=dict, name=str, namespace=str, createdAt=str, updatedAt=str, tags=list)
        assert job["latestRun"]["state"] in STATES
        # The page reduces over the runs without a seed: no run must be null, not an empty list.
        assert job["latestRuns"] is None or len(job["latestRuns"]) > 0
        for run in job["latestRuns"] or ():
            has(run, id=str, state=str, durationMs=(int, None))


def test_a_job_without_a_run_has_null_as_its_runs(changing):
    event = {
        "eventTime": "2026-04-07T08:00:00Z",
        "job": {"namespace": "jobs", "name": "static"},
        "producer": "test",
        "schemaURL": RUN_EVENT.replace("RunEvent", "JobEvent"),
    }
    changing.send(event)

    job = changing.get("/namespaces/jobs/jobs/static")

    assert (job["latestRun"], job["latestRuns"]) == (None, None)
    has(job, inputs=list, outputs=list, tags=list)


def test_the_jobs_page(ui):
    answer = ui.get(f"/namespaces/{NAMESPACE}/jobs?limit=20&offset=0")
    assert answer["totalCount"] > 20 == len(answer["jobs"])
    for job in answer["jobs"]:
        has(job, name=str, namespace=str, updatedAt=str, inputs=list, outputs=list, tags=list)
        has(job["latestRun"], state=str, durationMs=(int, None))


def test_the_datasets_page(ui):
    answer = ui.get(f"/namespaces/{NAMESPACE}/datasets?limit=20&offset=0")
    assert answer["totalCount"] >= 20
    for found in answer["datasets"]:
        has(found, id=dict, name=str, sourceName=str, updatedAt=str, deleted=bool, facets=dict)
        has(found, columnLineage=(list, None), fields=list, tags=list)


def test_every_job_and_dataset_says_what_it_is_in_words_that_no_run_changes(ui):
    things = [*jobs_of(ui), *datasets_of(ui)]
    said = {thing["name"]: thing["description"] for thing in things}
    assert said["train.lightgbm_small"] == "Trains the model lightgbm_small."
    assert said[MODEL].startswith("The model lightgbm_default;")
    assert all(said.values())

    events = ui.get("/events/lineage?limit=1000")["events"]
    named = [d for e in events for d in (e["job"], *e["inputs"], *e["outputs"])]
    told = {(d["namespace"], d["name"], d["facets"]["documentation"]["description"]) for d in named}
    assert len(told) == len({(namespace, name) for namespace, name, _ in told})


def test_the_last_training_tells_when_it_started_also_within_one_second(ui):
    for name in ("train.lightgbm_default", "train.lightgbm_small", "train.logistic_regression"):
        run = ui.get(f"/namespaces/{NAMESPACE}/jobs/{name}")["latestRun"]
        assert (run["state"], bool(run["startedAt"])) == ("COMPLETED", True)


def test_every_dataset_has_a_source(ui):
    sources = {source["name"]: source["connectionUrl"] for source in ui.get("/sources")["sources"]}
    assert sources == {name: name for name in ("duckdb://mobility", f"lineage-bridge:{NAMESPACE}")}
    for namespace in (NAMESPACE, "duckdb:%2F%2Fmobility"):
        for found in ui.get(f"/namespaces/{namespace}/datasets?limit=100")["datasets"]:
            assert found["sourceName"] in sources


def assertions_of(ui, name):
    found = ui.get(f"/namespaces/{NAMESPACE}/datasets/{segment(name)}")["facets"]
    asserted = found["dataQualityAssertions"]["assertions"]
    return {one["assertion"]: one["success"] for one in asserted}


def test_what_was_found_shows_as_quality(ui):
    deployment = "predictions.dep-nyc-{}.production.mobility-serving-layer"
    well = assertions_of(ui, deployment.format("prod-001"))
    failing = assertions_of(ui, deployment.format("prod-errors"))

    assert all(well.values())
    assert well.keys() == failing.keys() >= {"failure_ratio", "latency_p99_ms", "windows_missing"}
    assert {code for code, success in failing.items() if not success} == {"failure_ratio"}
    assert assertions_of(ui, "features.mobility.training_dataset") == {"freshness": False}


def test_the_quality_column_of_the_datasets_page(changing):
    assertion = {"assertion": "not_null", "column": "id", "success": False}
    changing.send(
        {
            "eventType": "COMPLETE",
            "eventTime": "2026-04-07T08:00:00Z",
            "run": {"runId": run_id(1)},
            "job": {"namespace": "jobs", "name": "check"},
            "inputs": [
                dataset("a", inputFacets={"dataQualityAssertions": {"assertions": [assertion]}})
            ],
            "producer": "test",
            "schemaURL": RUN_EVENT,
        }
    )

    (found,) = changing.get("/namespaces/db/datasets?limit=20&offset=0")["datasets"]

    assert found["facets"]["dataQualityAssertions"]["assertions"] == [assertion]


@pytest.mark.slow
def test_the_lineage_page_of_every_node(ui):
    for kind, name in [
        *(("job", job["name"]) for job in jobs_of(ui)),
        *(("dataset", found["name"]) for found in datasets_of(ui)),
    ]:
        # The page looks for this very text among the nodes.
        node_id = f"{kind}:{NAMESPACE}:{name}"
        graph = ui.get(f"/lineage?nodeId={segment(node_id)}&depth=2")["graph"]
        ids = {node["id"] for node in graph}
        assert node_id in ids
        for node in graph:
            lineage_node(node, ids)


def lineage_node(node, ids):
    has(node, id=str, type=str, data=dict, inEdges=list, outEdges=list)
    data = node["data"]
    has(data, name=str, namespace=str, description=(str, None), updatedAt=str)
    if node["type"] == "DATASET":
        assert all(isinstance(field["name"], str) for field in data["fields"])
    else:
        has(data, inputs=list, outputs=list)
        assert data["latestRun"]["state"] in STATES
    for edge in node["inEdges"]:
        assert edge["destination"] == node["id"]
        assert isinstance(edge["origin"], str)
    for edge in node["outEdges"]:
        assert edge["origin"] == node["id"]
        assert isinstance(edge["destination"], str)
    assert node["id"] in ids


def test_the_side_panel_of_every_dataset(ui):
    for found in datasets_of(ui):
        path = f"/namespaces/{NAMESPACE}/datasets/{segment(found['name'])}"
        one = ui.get(path)
        has(one, name=str, namespace=str, createdAt=str, type=str, description=(str, None))
        has(one, tags=list, fields=list, facets=dict, columnLineage=(list, None))
        for field in one["fields"]:
            has(field, name=str, type=(str, None), description=(str, None), tags=list)
        history = ui.get(f"{path}/versions?limit=10&offset=0")
        assert history["totalCount"] >= len(history["versions"]) > 0
        for version in history["versions"]:
            has(version, version=str, createdAt=str, fields=list, facets=dict)
            has(version, createdByRun=(dict, None), lifecycleState=(str, None))


def test_the_side_panel_of_every_job(ui):
    for found in jobs_of(ui):
        path = f"/namespaces/{NAMESPACE}/jobs/{segment(found['name'])}"
        job = ui.get(path)
        has(job, name=str, namespace=str, type=str, createdAt=str, updatedAt=str, tags=list)
        has(job, description=(str, None), location=(str, None), parentJobName=(str, None))
        has(job, inputs=list, outputs=list, latestRun=dict, latestRuns=list)
        for limit in (14, 10):
            runs = ui.get(f"{path}/runs?limit={limit}&offset=0")
            assert runs["totalCount"] >= len(runs["runs"]) > 0
            for run in runs["runs"]:
                has(run, id=str, state=str, createdAt=str, facets=dict, args=dict)
                has(run, startedAt=(str, None), endedAt=(str, None), durationMs=(int, None))
        answer = ui.ask(
            "GET", f"/api/v1/jobs/runs/{job['latestRun']['id']}/facets?type=job", {}, b""
        )
        assert answer.status == 200
        assert answer.is_empty or isinstance(answer.body["facets"], dict)


def test_the_column_page(changing):
    read = {"namespace": "db", "name": "a", "field": "id"}
    base = {"_producer": "https://example.com", "_schemaURL": "https://example.com"}
    fields = {"schema": {"fields": [{"name": "id", "type": "INT"}], **base}}
    columns = {"columnLineage": {"fields": {"id": {"inputFields": [read]}}, **base}}
    changing.send(
        {
            "eventType": "COMPLETE",
            "eventTime": "2026-04-07T08:00:00Z",
            "run": {"runId": run_id(1)},
            "job": {"namespace": "jobs", "name": "copy"},
            "inputs": [dataset("a", facets=fields)],
            "outputs": [dataset("b", facets=fields | columns)],
            "producer": "test",
            "schemaURL": RUN_EVENT,
        }
    )

    path = "/column-lineage?nodeId=dataset:db:{}&depth=2&withDownstream=true"
    graph = changing.get(path.format("b"))["graph"]
    assert {node["id"] for node in graph} == {"datasetField:db:a:id", "datasetField:db:b:id"}
    for node in graph:
        has(node["data"], namespace=str, dataset=str, field=str)
        # The page draws an edge from what it calls the destination of an incoming one.
        assert all(isinstance(edge["destination"], str) for edge in node["inEdges"])
        assert isinstance(node["outEdges"], list)
    # As in Marquez, what is never written has no column lineage of its own.
    assert changing.get(path.format("a"))["graph"] == []
    copied = changing.get("/namespaces/db/datasets/b")["columnLineage"]
    assert [column["name"] for column in copied] == ["id"]


def test_the_column_page_leads_features_back_to_the_source_table(ui):
    features = ("features.mobility.training_dataset", "duckdb://mobility")
    shown = ui.get(f"/namespaces/{NAMESPACE}/datasets/{features[0]}")["columnLineage"]
    read = {
        one["name"]: {(i["namespace"], i["field"]) for i in one["inputFields"]} for one in shown
    }
    assert read["ft_avg_bikes_24h"] == {(features[1], "avg_bikes_available")}
    assert len(read["ft_low_avail_freq_24h"]) == 2
    assert len(read) == 27

    table = "main.raw_station_metrics_1min"
    node = f"datasetField:{NAMESPACE}:{features[0]}:ft_pct_docks_of_capacity"
    graph = ui.get(f"/column-lineage?nodeId={segment(node)}&depth=2&withDownstream=true")["graph"]
    origin = f"datasetField:{features[1]}:{table}"
    both = {f"{origin}:avg_docks_available", f"{origin}:avg_capacity"}
    assert {found["id"] for found in graph} == {node, *both}


def test_the_events_page(ui):
    query = "before=2026-12-31T00:00:00.000Z&after=2026-01-01T00:00:00.000Z&sortDirection=desc"
    answer = ui.get(f"/events/lineage?limit=50&{query}&offset=0")
    assert answer["totalCount"] > 50 == len(answer["events"])
    times = [parse_time(event["eventTime"])[0] for event in answer["events"]]
    assert times == sorted(times, reverse=True)
    for event in answer["events"]:
        has(event, eventType=str, eventTime=str)
        has(event["run"], runId=str)
        has(event["job"], name=str, namespace=str)
    rest = ui.get(f"/events/lineage?limit=50&{query}&offset=50")["events"]
    assert json.dumps(rest[0]) not in {json.dumps(event) for event in answer["events"]}


@pytest.mark.parametrize("narrowed", ["", "&filter=JOB", "&filter=DATASET"])
@pytest.mark.parametrize("sort", ["UPDATE_AT", "NAME"])
def test_the_search_box(ui, narrowed, sort):
    results = ui.get(f"/search?q=lightgbm&sort={sort}&limit=100{narrowed}")["results"]
    assert results
    for result in results:
        has(result, name=str, namespace=str, type=str, updatedAt=str)
    kinds = {result["type"] for result in results}
    assert kinds == ({narrowed.removeprefix("&filter=")} if narrowed else {"JOB", "DATASET"})


@pytest.mark.parametrize("kind", ["jobs", "datasets"])
def test_the_search_box_of_an_advanced_build_is_told_that_there_is_none(ui, kind):
    assert ui.ask("GET", f"/api/v2beta/search/{kind}?q=a", {}, b"").status == 503


@pytest.mark.parametrize(
    ("kind", "name"), [("datasets", MODEL), ("jobs", "train.lightgbm_default")]
)
def test_the_delete_button(changing, kind, name):
    path = f"/api/v1/namespaces/{NAMESPACE}/{kind}/{name}"

    answer = changing.ask("DELETE", path, {}, b"")

    assert (answer.status, answer.body["name"]) == (200, name)
    assert changing.ask("GET", path, {}, b"").status == 404
    assert name not in {entry["name"] for entry in changing.get(path[7:].rpartition("/")[0])[kind]}


@pytest.mark.parametrize(
    ("thing", "tag"),
    [(f"datasets/{MODEL}", "PII"), ("jobs/train.lightgbm_default", "my tag")],
)
def test_the_tag_buttons_send_no_body_and_no_content_type(changing, thing, tag):
    path = f"/api/v1/namespaces/{NAMESPACE}/{thing}"

    added = changing.ask("POST", f"{path}/tags/{segment(tag)}", {}, b"")
    removed = changing.ask("DELETE", f"{path}/tags/{segment(tag)}", {}, b"")

    assert (added.status, added.body["tags"]) == (200, [tag])
    assert (removed.status, removed.body["tags"]) == (200, [])
    assert tag in {found["name"] for found in changing.get("/tags")["tags"]}


def test_the_tag_button_of_a_column(changing):
    name, field = next(
        (found["name"], found["fields"][0]["name"])
        for found in datasets_of(changing)
        if found["fields"]
    )
    path = f"/api/v1/namespaces/{NAMESPACE}/datasets/{segment(name)}/fields/{segment(field)}"

    added = changing.ask("POST", f"{path}/tags/SENSITIVE", {}, b"")
    removed = changing.ask("DELETE", f"{path}/tags/SENSITIVE", {}, b"")

    assert [f["tags"] for f in added.body["fields"] if f["name"] == field] == [["SENSITIVE"]]
    assert [f["tags"] for f in removed.body["fields"] if f["name"] == field] == [[]]


def test_the_tag_dialog(changing):
    body = json.dumps({"description": "what is paid"}).encode()

    answer = changing.ask("PUT", "/api/v1/tags/MONEY", JSON, body)

    assert (answer.status, answer.body["name"]) == (200, "MONEY")
    assert {"name": "MONEY", "description": "what is paid"} in changing.get("/tags")["tags"]


def test_an_error_has_what_the_page_shows_of_it(ui):
    answer = ui.ask("GET", "/api/v1/namespaces/nowhere/datasets?limit=20&offset=0", {}, b"")

    assert answer.status == 404
    has(answer.body, code=int, message=str)
