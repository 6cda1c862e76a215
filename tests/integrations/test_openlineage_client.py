"""The official Python client, with each of its HTTP transports, against our collector."""

from __future__ import annotations

import gzip
import uuid

import httpx
import pytest
from conftest import HANG_SECONDS

from lineage_bridge.collector.server import CollectorServer
from lineage_bridge.http import Access, HttpConfig
from lineage_bridge.journal import Journal

client = pytest.importorskip("openlineage.client")
event_v2 = pytest.importorskip("openlineage.client.event_v2")
transports = pytest.importorskip("openlineage.client.transport")
facet_v2 = pytest.importorskip("openlineage.client.facet_v2")

JOBS = 8
PRODUCER = "https://example.com/pipeline"


@pytest.fixture
def server(tmp_path):
    access = Access(write_keys=frozenset({"secret"}), read_keys=frozenset({"reader"}))
    http = HttpConfig(access)
    with Journal(tmp_path) as journal, CollectorServer(journal, port=0, http=http) as running:
        yield running


@pytest.fixture
def asked(server):
    headers = {"Authorization": "Bearer reader"}
    with httpx.Client(base_url=f"{server.url}/api/v1", headers=headers) as http:
        yield lambda path: http.get(path).json()


def client_of(url: str, kind: str, compression: str | None, key: str = "secret"):
    config = {"type": kind, "url": url, "auth": {"type": "api_key", "apiKey": key}, "retry": {}}
    config["timeout"] = HANG_SECONDS
    if compression:
        config["compression"] = compression
    return client.OpenLineageClient(config={"transport": config})


def an_event(state, number: int):
    schema = facet_v2.schema_dataset.SchemaDatasetFacet(
        fields=[facet_v2.schema_dataset.SchemaDatasetFacetFields(name="id", type="INT")]
    )
    return event_v2.RunEvent(
        eventType=state,
        eventTime=f"2026-04-07T08:{number:02d}:{0 if state.name == 'START' else 30:02d}Z",
        run=event_v2.Run(runId=str(uuid.uuid5(uuid.NAMESPACE_OID, f"run {number}"))),
        job=event_v2.Job(namespace="pipelines", name=f"job {number} ☃"),
        inputs=[event_v2.InputDataset(namespace="s3://bucket", name="raw")],
        outputs=[
            event_v2.OutputDataset(
                namespace="s3://bucket", name=f"out/{number}", facets={"schema": schema}
            )
        ],
        producer=PRODUCER,
    )


@pytest.mark.parametrize("compression", [None, "gzip"])
@pytest.mark.parametrize("kind", ["http", "async_http"])
def test_events_of_either_transport_arrive_compressed_or_not(server, asked, kind, compression):
    sender = client_of(server.url, kind, compression)
    for number in range(JOBS):
        for state in (event_v2.RunState.START, event_v2.RunState.COMPLETE):
            sender.emit(an_event(state, number))
    assert sender.close(timeout=HANG_SECONDS)

    assert asked("/events/lineage")["totalCount"] == 2 * JOBS
    jobs = asked("/namespaces/pipelines/jobs")["jobs"]
    assert len(jobs) == JOBS
    for job in jobs:
        assert job["latestRun"]["state"] == "COMPLETED"
        assert job["latestRun"]["durationMs"] == 30_000
        assert [dataset["name"] for dataset in job["inputs"]] == ["raw"]
        assert len(job["outputs"]) == 1


def test_dataset_and_job_events_arrive(server, asked):
    sender = client_of(server.url, "http", "gzip")
    sender.emit(
        event_v2.DatasetEvent(
            eventTime="2026-04-07T08:00:00Z",
            dataset=event_v2.StaticDataset(namespace="s3://bucket", name="static"),
            producer=PRODUCER,
        )
    )
    sender.emit(
        event_v2.JobEvent(
            eventTime="2026-04-07T08:00:00Z",
            job=event_v2.Job(namespace="pipelines", name="static job"),
            inputs=[event_v2.InputDataset(namespace="s3://bucket", name="static")],
            producer=PRODUCER,
        )
    )
    sender.close()

    found = asked("/namespaces/pipelines/jobs/static%20job")
    assert [dataset["name"] for dataset in found["inputs"]] == ["static"]
    assert asked("/namespaces/s3:%2F%2Fbucket/datasets/static")["currentVersion"]


@pytest.mark.parametrize("key", ["reader", "nonsense"])
def test_a_key_that_may_not_write_fails_loudly(server, asked, key):
    sender = client_of(server.url, "http", None, key)

    with pytest.raises(Exception, match=r"40[13]"):
        sender.emit(an_event(event_v2.RunState.START, 0))

    assert asked("/events/lineage")["totalCount"] == 0


def test_gzip_is_really_sent(server, asked):
    body = gzip.compress(b'{"not": "an event"}')
    headers = {
        "Content-Encoding": "gzip",
        "Content-Type": "application/json",
        "Authorization": "Bearer secret",
    }

    answer = httpx.post(f"{server.url}/api/v1/lineage", content=body, headers=headers)

    assert answer.status_code == 422
