"""The collector's metrics as a Prometheus reads them: names, kinds and what is said of each."""

from __future__ import annotations

import httpx
import pytest
from contract.collector_world import event
from prometheus_client.parser import text_string_to_metric_families

from lineage_bridge.collector.server import CollectorServer
from lineage_bridge.journal import Journal

OURS = "lineage_bridge_collector"
EXPECTED = {
    f"{OURS}_requests": ("counter", "Requests answered."),
    f"{OURS}_journal_seq": ("gauge", "Last record."),
    f"{OURS}_folded_seq": ("gauge", "Last record in the tables."),
    f"{OURS}_fold_lag_seconds": (
        "gauge",
        "How long the oldest record has waited that is not in the tables yet.",
    ),
    f"{OURS}_slowed_events": ("counter", "Events that had to wait because folding was behind."),
    f"{OURS}_refused_events": ("gauge", "Events refused so far."),
    "marquez_namespace": ("counter", "Rows of mq_namespaces."),
    "marquez_source": ("counter", "Rows of mq_sources."),
    "marquez_dataset": ("counter", "Rows of mq_datasets."),
    "marquez_dataset_versions": ("counter", "Rows of mq_dataset_versions."),
    "marquez_job": ("counter", "Rows of mq_jobs."),
    "marquez_job_versions": ("counter", "Rows of mq_job_versions."),
}


@pytest.fixture
def server(tmp_path):
    with Journal(tmp_path) as journal, CollectorServer(journal, port=0, admin_port=0) as started:
        yield started


def samples(answer):
    families = text_string_to_metric_families(answer.text)
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for f in families for s in f.samples}


def test_every_metric_is_there_with_its_kind_and_its_meaning(server):
    for url in (f"{server.url}/metrics", f"{server.admin_url}/metrics"):
        answer = httpx.get(url)
        assert answer.headers["content-type"].startswith("text/plain; version=")
        found = {
            f.name: (f.type, f.documentation) for f in text_string_to_metric_families(answer.text)
        }
        assert found == EXPECTED


def test_what_happened_is_counted(server):
    with httpx.Client(base_url=server.url) as client:
        sent = event("COMPLETE", "10:00:00", inputs=["a"], outputs=["b"])
        assert client.post("/api/v1/lineage", json=sent).status_code == 201
        assert client.get("/api/v1/namespaces/jobs/jobs/etl").status_code == 200
        assert client.get("/api/v1/namespaces/jobs/jobs/none").status_code == 404
        found = samples(client.get("/metrics"))
    of = f"{OURS}_requests_total"
    assert found[of, (("method", "POST"), ("status", "201"))] == 1
    assert found[of, (("method", "GET"), ("status", "200"))] == 1
    assert found[of, (("method", "GET"), ("status", "404"))] == 1
    assert found["marquez_dataset_total", ()] == 2
    assert found["marquez_job_total", ()] == 1
    assert found[f"{OURS}_folded_seq", ()] == found[f"{OURS}_journal_seq", ()]
    assert found[f"{OURS}_refused_events", ()] == 0
