"""What real producers sent, replayed: it appears as it would in Marquez.

The recordings are made by `record_dbt.py` and `record_airflow.py`. Spark's producer is a Java agent
and leaves nothing that could be installed from a Python index, so there is none of Spark.
"""

from __future__ import annotations

import gzip

import pytest
from contract.collector_world import world
from integrations.recording import RECORDINGS


@pytest.fixture
def replayed(request, tmp_path):
    with world(tmp_path) as collector:
        with gzip.open(RECORDINGS / f"{request.param}.ndjson.gz") as lines:
            statuses = [collector.post(line).status for line in lines]
        assert set(statuses) == {201}
        yield collector


dbt = pytest.mark.parametrize("replayed", ["dbt"], indirect=True)
airflow = pytest.mark.parametrize("replayed", ["airflow"], indirect=True)
either = pytest.mark.parametrize("replayed", ["dbt", "airflow"], indirect=True)

STORE = "duckdb:%2F%2Fstations.duckdb"
FILLED = "stations.main.filled_readings"
MEANS = "stations.main.station_means"


def names(entries):
    return sorted(entry["name"] for entry in entries)


def edges_of(graph):
    return {(e["origin"], e["destination"]) for node in graph for e in node["outEdges"]}


@dbt
def test_dbt_models_are_jobs_under_their_invocation(replayed):
    jobs = {j["name"]: j for j in replayed.get("/namespaces/analytics/jobs")["jobs"]}

    model = jobs["dbt-run-stations.stations.main.stations.filled_readings"]
    assert model["parentJobName"] == "dbt-run-stations"
    assert model["simpleName"] == "stations.main.stations.filled_readings"
    assert model["latestRun"]["state"] == "COMPLETED"
    assert model["labels"] == ["MODEL", "DBT"]
    assert names(model["inputs"]) == ["stations.main.readings"]
    assert names(model["outputs"]) == [FILLED]
    assert len(jobs) == 4
    assert len(jobs["dbt-run-stations"]["latestRuns"]) == 3


@dbt
def test_dbt_datasets_have_their_fields_and_documentation(replayed):
    found = replayed.get(f"/namespaces/{STORE}/datasets/{FILLED}")

    assert found["sourceName"] == "duckdb://stations.duckdb"
    assert names(found["fields"]) == ["bikes", "minute", "station"]
    assert found["facets"]["documentation"]["description"] == "Readings without gaps."
    assert found["currentVersion"] is not None
    versions = replayed.get(f"/namespaces/{STORE}/datasets/{FILLED}/versions")["versions"]
    # dbt says what the second model reads before it says that the first one has written it.
    assert [v["createdByRun"] and v["createdByRun"]["state"] for v in versions] in (
        ["COMPLETED", None],
        [None, "COMPLETED"],
    )


@dbt
def test_dbt_tests_are_assertions_on_the_dataset_that_they_read(replayed):
    found = replayed.get(f"/namespaces/{STORE}/datasets/{FILLED}")

    (assertion,) = found["facets"]["dataQualityAssertions"]["assertions"]
    assert assertion["assertion"] == "not_null"
    assert assertion["column"] == "bikes"
    assert assertion["success"] is True


@dbt
@pytest.mark.sample
def test_dbt_lineage_leads_from_the_source_to_the_last_model(replayed):
    node = f"dataset:duckdb:%2F%2Fstations.duckdb:{MEANS}"
    graph = replayed.get(f"/lineage?nodeId={node}&depth=5")["graph"]

    prefix = "job:analytics:dbt-run-stations.stations.main.stations"
    store = "dataset:duckdb://stations.duckdb:"
    assert {
        (f"{store}stations.main.readings", f"{prefix}.filled_readings"),
        (f"{prefix}.filled_readings", f"{store}{FILLED}"),
        (f"{store}{FILLED}", f"{prefix}.station_means"),
        (f"{prefix}.station_means", f"{store}{MEANS}"),
        (f"{store}{FILLED}", f"{prefix}.filled_readings.test"),
    } == edges_of(graph)


@dbt
def test_dbt_column_lineage_leads_up_to_the_source(replayed):
    node = f"datasetField:duckdb:%2F%2Fstations.duckdb:{MEANS}:mean_bikes"
    graph = replayed.get(f"/column-lineage?nodeId={node}&depth=5")["graph"]

    fields = {(n["data"]["dataset"], n["data"]["field"]) for n in graph if n["data"]}
    assert (MEANS, "mean_bikes") in fields
    assert (FILLED, "bikes") in fields
    found = replayed.get(f"/namespaces/{STORE}/datasets/{MEANS}")
    columns = {c["name"]: c["inputFields"] for c in found["columnLineage"]}
    assert [(c["dataset"], c["field"]) for c in columns["mean_bikes"]] == [(FILLED, "bikes")]


@airflow
def test_airflow_tasks_are_jobs_under_their_dag(replayed):
    jobs = {j["name"]: j for j in replayed.get("/namespaces/airflow/jobs")["jobs"]}

    assert sorted(jobs) == ["stations", "stations.average", "stations.clean"]
    task = jobs["stations.clean"]
    assert task["labels"] == ["TASK", "AIRFLOW"]
    assert jobs["stations"]["labels"] == ["DAG", "AIRFLOW"]
    # As in Marquez, a run's own nominal time is found in its arguments alone.
    assert task["latestRun"]["nominalStartTime"] is None
    assert task["latestRun"]["args"]["nominal_start_time"] == "2026-01-05T00:00Z[UTC]"
    assert {job["latestRun"]["state"] for job in jobs.values()} == {"COMPLETED"}


@airflow
@pytest.mark.sample
def test_airflow_inlets_and_outlets_are_one_graph(replayed):
    graph = replayed.get("/lineage?nodeId=dataset:file:%2Fdata%2Fmeans.csv&depth=5")["graph"]

    assert edges_of(graph) == {
        ("dataset:file:/data/readings.csv", "job:airflow:stations.clean"),
        ("job:airflow:stations.clean", "dataset:file:/data/clean.csv"),
        ("dataset:file:/data/clean.csv", "job:airflow:stations.average"),
        ("job:airflow:stations.average", "dataset:file:/data/means.csv"),
    }


@either
def test_every_event_is_in_the_feed_and_every_run_has_its_facets(replayed):
    events = replayed.get("/events/lineage?limit=100")

    assert events["totalCount"] == len(events["events"]) >= 5
    for event in events["events"]:
        run = replayed.get(f"/jobs/runs/{event['run']['runId']}")
        assert set(run["facets"]) & {"processing_engine", "tags"}
        assert run["state"] == "COMPLETED"
