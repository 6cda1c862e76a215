"""Marquez's own Python client: each of its methods that Marquez answers, against our collector."""

from __future__ import annotations

import httpx
import pytest
from conftest import HANG_SECONDS

from lineage_bridge.collector.server import CollectorServer
from lineage_bridge.journal import Journal

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

marquez_client = pytest.importorskip("marquez_client", reason="install the group `integrations`")
models = pytest.importorskip("marquez_client.models")
errors = pytest.importorskip("marquez_client.errors")

NAMESPACE = "wedata"
SOURCE = "s3://bucket"
RUN = "870492da-ecfb-4be0-91b9-9a89ddd3db90"


@pytest.fixture
def client(tmp_path):
    with Journal(tmp_path) as journal, CollectorServer(journal, port=0) as server:
        found = marquez_client.MarquezClient(server.url, HANG_SECONDS * 1000)
        found.create_namespace(NAMESPACE, "data", "what we use")
        found.create_source("store", "postgresql", "jdbc:postgresql://db/food", "the store")
        yield found


@pytest.fixture
def job(client):
    """A job that copies one table into another."""
    for name in ("orders", "totals"):
        client.create_dataset(
            NAMESPACE,
            name,
            models.DatasetType.DB_TABLE,
            f"public.{name}",
            "store",
            description=f"the {name}",
            fields=[{"name": "id", "type": "INTEGER", "description": "which one"}],
            tags=["PII"],
        )
    client.create_job(
        NAMESPACE,
        "sum",
        models.JobType.BATCH,
        location="https://github.com/example/jobs/blob/124f6089ad4c5fcbb1d7b33cbb5d3a9521c5d32c",
        inputs=[models.DatasetId(NAMESPACE, "orders")],
        outputs=[models.DatasetId(NAMESPACE, "totals")],
        description="adds up",
    )
    return "sum"


def test_namespaces_and_sources(client):
    assert client.get_namespace(NAMESPACE)["ownerName"] == "data"
    assert [n["name"] for n in client.list_namespaces()["namespaces"]] == ["default", NAMESPACE]
    assert client.get_source("store")["connectionUrl"] == "jdbc:postgresql://db/food"
    assert [s["name"] for s in client.list_sources(limit=5)["sources"]] == ["store"]


def test_datasets_their_versions_and_tags(client, job):
    orders = client.get_dataset(NAMESPACE, "orders")
    assert orders["physicalName"] == "public.orders"
    assert [d["name"] for d in client.list_datasets(NAMESPACE)["datasets"]] == ["orders", "totals"]

    (version,) = client.list_dataset_versions(NAMESPACE, "orders")["versions"]
    one = client.get_dataset_version(NAMESPACE, "orders", version["version"])
    assert one["version"] == orders["currentVersion"]

    assert "SENSITIVE" in client.tag_dataset(NAMESPACE, "orders", "SENSITIVE")["tags"]
    (field,) = client.tag_dataset_field(NAMESPACE, "orders", "id", "PII")["fields"]
    assert field["tags"] == ["PII"]


def test_streams(client):
    client.create_dataset(
        NAMESPACE,
        "clicks",
        models.DatasetType.STREAM,
        "clicks",
        "store",
        schema_location="https://schemas.example.com/clicks.json",
    )

    assert client.get_dataset(NAMESPACE, "clicks")["type"] == "STREAM"


def test_jobs(client, job):
    found = client.get_job(NAMESPACE, job)

    assert found["description"] == "adds up"
    assert [d["name"] for d in found["inputs"]] == ["orders"]
    assert [j["name"] for j in client.list_jobs(NAMESPACE, limit=3, offset=0)["jobs"]] == [job]


@pytest.mark.parametrize(
    ("mark", "state"),
    [("completed", "COMPLETED"), ("failed", "FAILED"), ("aborted", "ABORTED")],
)
def test_runs(client, job, mark, state):
    client.create_job_run(
        NAMESPACE,
        job,
        run_id=RUN,
        nominal_start_time="2026-04-07T08:00:00Z",
        nominal_end_time="2026-04-07T09:00:00Z",
        run_args={"day": "tuesday"},
        mark_as_running=True,
    )
    assert client.get_job_run(RUN)["state"] == "RUNNING"

    getattr(client, f"mark_job_run_as_{mark}")(RUN, at="2026-04-07T09:00:00Z")

    found = client.get_job_run(RUN)
    assert found["state"] == state
    assert found["args"] == {"day": "tuesday"}
    assert found["nominalStartTime"] == "2026-04-07T08:00:00Z"
    assert [run["id"] for run in client.list_job_runs(NAMESPACE, job)["runs"]] == [RUN]


def test_tags(client):
    client.create_tag("MONEY", "what is paid")

    assert {"name": "MONEY", "description": "what is paid"} in client.list_tags()["tags"]


def test_column_lineage(client, job):
    event = {
        "eventType": "COMPLETE",
        "eventTime": "2026-04-07T08:00:00Z",
        "run": {"runId": RUN},
        "job": {"namespace": NAMESPACE, "name": "columns"},
        "inputs": [{"namespace": NAMESPACE, "name": "orders"}],
        "outputs": [a_derived_dataset()],
        "producer": "https://example.com",
    }
    assert httpx.post(client._url("/lineage"), json=event).status_code == 201

    by_field = client.get_column_lineage_by_dataset_field(
        NAMESPACE, "derived", "twice", depth=3, with_downstream=False
    )
    by_dataset = client.get_column_lineage_by_dataset(NAMESPACE, "derived")
    by_job = client.get_column_lineage_by_job(NAMESPACE, "columns", with_downstream=True)

    ids = {f"datasetField:{NAMESPACE}:derived:twice", f"datasetField:{NAMESPACE}:orders:id"}
    for found in (by_field, by_dataset, by_job):
        assert ids <= {node["id"] for node in found["graph"]}


def a_derived_dataset():
    base = {"_producer": "https://example.com", "_schemaURL": "https://example.com/facet.json"}
    read = {"namespace": NAMESPACE, "name": "orders", "field": "id"}
    return {
        "namespace": NAMESPACE,
        "name": "derived",
        "facets": {
            "schema": {"fields": [{"name": "twice", "type": "INT"}], **base},
            "columnLineage": {"fields": {"twice": {"inputFields": [read]}}, **base},
        },
    }


def test_what_marquez_does_not_answer_is_not_answered_here(client):
    """The client asks for `/events`, which no Marquez has."""
    with pytest.raises(errors.APIError) as caught:
        client.list_events()
    assert "404" in str(caught.value.__context__)
