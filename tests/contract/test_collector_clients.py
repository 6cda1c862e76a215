from __future__ import annotations

from contextlib import closing

import httpx
import pytest
from conftest import HANG_SECONDS
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import job_type_job, nominal_time_run, parent_run, schema_dataset
from openlineage.client.transport.http import HttpCompression, HttpConfig, HttpTransport

from lineage_bridge.collector.server import CollectorServer
from lineage_bridge.journal import Journal

RUN = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def url(tmp_path):
    with Journal(tmp_path) as journal, CollectorServer(journal, port=0) as server:
        yield server.url


def run_event(state: RunState) -> RunEvent:
    schema = schema_dataset.SchemaDatasetFacet(
        fields=[schema_dataset.SchemaDatasetFacetFields(name="id", type="BIGINT")]
    )
    return RunEvent(
        eventType=state,
        eventTime="2026-01-05T10:00:00.123456Z",
        run=Run(
            runId=RUN,
            facets={
                "nominalTime": nominal_time_run.NominalTimeRunFacet("2026-01-05T10:00:00Z"),
                "parent": parent_run.ParentRunFacet(
                    run=parent_run.Run(runId="00000000-0000-4000-8000-000000000002"),
                    job=parent_run.Job(namespace="jobs", name="dag"),
                ),
            },
        ),
        job=Job(
            namespace="jobs",
            name="dag.task",
            facets={"jobType": job_type_job.JobTypeJobFacet("BATCH", "TESTS", "TASK")},
        ),
        inputs=[InputDataset(namespace="db", name="a", facets={"schema": schema})],
        outputs=[OutputDataset(namespace="db", name="b", facets={"schema": schema})],
    )


@pytest.mark.parametrize("compression", [None, HttpCompression.GZIP])
def test_events_of_the_openlineage_client_appear(compression, url):
    config = HttpConfig(url=url, timeout=HANG_SECONDS, compression=compression)
    with closing(HttpTransport(config)) as transport:
        client = OpenLineageClient(transport=transport)
        for state in (RunState.START, RunState.COMPLETE):
            client.emit(run_event(state))
    api = f"{url}/api/v1"
    job = httpx.get(f"{api}/namespaces/jobs/jobs/dag.task").json()
    assert (job["parentJobName"], job["simpleName"]) == ("dag", "task")
    assert job["latestRun"]["state"] == "COMPLETED"
    dataset = httpx.get(f"{api}/namespaces/db/datasets/b").json()
    assert [field["name"] for field in dataset["fields"]] == ["id"]
    graph = httpx.get(f"{api}/lineage", params={"nodeId": "job:jobs:dag.task"}).json()["graph"]
    assert [node["id"] for node in graph] == ["dataset:db:a", "dataset:db:b", "job:jobs:dag.task"]
