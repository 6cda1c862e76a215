"""`up` as a user runs it, and a Marquez beside it: the same lineage in both."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import httpx
import pytest
from cases import others_slow
from conftest import HANG_SECONDS, run_command
from prometheus_client.parser import text_string_to_metric_families

from lineage_bridge.collector.server import CollectorServer
from lineage_bridge.journal import Journal

EVENT = {
    "eventType": "COMPLETE",
    "eventTime": "2026-04-07T10:00:00Z",
    "run": {"runId": "42be0bc8-ba90-4c23-97e4-2b3fedf01fe7"},
    "job": {"namespace": "airflow", "name": "dag.task"},
    "inputs": [{"namespace": "pg", "name": "a"}],
    "outputs": [{"namespace": "pg", "name": "b"}],
    "producer": "https://example.com/airflow",
}


@contextmanager
def running(home, *args):
    """A process that serves; gives the URLs that it printed."""
    command = [sys.executable, "-m", "lineage_bridge.cli.main", *args, "--home", str(home)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    urls = {}
    try:
        for line in process.stdout:
            if match := re.match(r"(\w[\w ]*):\s+(http\S+)", line):
                urls[match[1]] = match[2]
            if "Ctrl-C" in line:
                break
        yield urls, process
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(HANG_SECONDS)
        process.stdout.close()


@pytest.mark.slow
def test_signals_in_a_row_end_it_as_one_does(tmp_path):
    with running(tmp_path / "home", "up", "--port", "0", "--exporter-port", "0") as (_, process):
        for _ in range(200):
            process.send_signal(signal.SIGTERM)
            process.send_signal(signal.SIGINT)

    assert process.returncode in {0, -signal.SIGTERM, -signal.SIGINT}


@pytest.mark.parametrize("ports", others_slow([1, 2]))
def test_up_serves_page_collector_and_metrics_and_ends_cleanly(tmp_path, ports):
    home = tmp_path / "home"
    options = ("--exporter-port", "0")[: 2 * (ports - 1)]
    with running(home, "up", "--port", "0", "--compat", "sentinelml", *options) as (urls, process):
        base = urls["Collector"].removesuffix("/api/v1/lineage")
        assert len({url.split("/")[2] for url in urls.values()}) == ports
        assert httpx.post(urls["Collector"], json=EVENT).status_code == 201
        lineage = httpx.get(f"{base}/api/v1/lineage?nodeId=job:airflow:dag.task").json()
        page = httpx.get(urls["Index page"])
        metrics = httpx.get(urls["Metrics"]).text

    assert process.returncode == 0
    assert [node["id"] for node in lineage["graph"]] == [
        "dataset:pg:a",
        "dataset:pg:b",
        "job:airflow:dag.task",
    ]
    assert page.headers["content-type"].startswith("text/html")
    names = {family.name for family in text_string_to_metric_families(metrics)}
    assert "lineage_bridge_journal_events" in names
    assert 'lineage_bridge_scrape_part_success{part="sentinelml"} 1.0' in metrics
    assert ("lineage_bridge_collector_requests" in names) == (ports == 1)
    assert urls["Metrics"].removeprefix(base if ports == 1 else "") in page.text
    assert run_command("graph", "--home", home, "--json").json["edges"]


@pytest.mark.slow
def test_keys_from_the_environment_guard_the_collector(tmp_path, monkeypatch):
    monkeypatch.setenv("LINEAGE_BRIDGE_READ_KEYS", "reader")
    monkeypatch.setenv("LINEAGE_BRIDGE_WRITE_KEYS", "writer")
    with running(tmp_path / "home", "collector", "--port", "0") as (urls, _):
        answers = {
            key: httpx.post(
                urls["Collector"], json=EVENT, headers={"Authorization": f"Bearer {key}"}
            ).status_code
            for key in ("nobody", "reader", "writer")
        }
    assert answers == {"nobody": 401, "reader": 403, "writer": 201}


@pytest.mark.slow
def test_a_port_that_was_asked_for_and_is_taken_is_an_error(tmp_path):
    with running(tmp_path / "one", "collector", "--port", "0") as (urls, _):
        port = urls["Collector"].split(":")[2].split("/")[0]
        second = run_command("collector", "--port", port, "--home", tmp_path / "two")
    assert second.code == 2
    assert f"Port {port}" in second.err


@pytest.fixture(scope="module")
def marquez(tmp_path_factory):
    """A collector that stands for a Marquez elsewhere."""
    with (
        Journal(tmp_path_factory.mktemp("marquez") / "home") as journal,
        CollectorServer(journal, port=0) as server,
    ):
        yield server.url


@pytest.mark.slow
def test_marquez_answers_the_lineage_of_the_graph(nyc, marquez, lb, monkeypatch):
    monkeypatch.setenv("MARQUEZ_URL", marquez)
    assert lb("backfill", "--namespace", "urban", nyc).code == 0

    answer = httpx.get(
        f"{marquez}/api/v1/lineage",
        params={"nodeId": "dataset:urban:features.mobility.training_dataset", "depth": 20},
    ).json()
    theirs = {
        (edge["origin"], edge["destination"])
        for node in answer["graph"]
        for edge in node["inEdges"] + node["outEdges"]
    }
    ours = {
        (edge["from"].split("@")[0], edge["to"].split("@")[0])
        for edge in lb("graph", "--json").json["edges"]
    }
    assert theirs == ours

    status = lb("journal", "status", "--json").json
    states = status["forward"][0]["states"]
    assert states["pending"] == states["dead"] == 0
    assert lb("backfill", nyc).code == 0
    count = httpx.get(f"{marquez}/api/v1/events/lineage?limit=0").json()["totalCount"]
    assert count == states["sent"]


@contextmanager
def collecting(home):
    """A collector that stands for a Marquez which others send to."""
    with Journal(home) as journal, CollectorServer(journal, port=0) as server:
        assert httpx.post(f"{server.url}/api/v1/lineage", json=EVENT).status_code == 201
        yield server.url


def origins(home):
    with Journal(home, readonly=True) as journal:
        return [stored.origin for stored in journal.read() if stored.kind == "run"]


@pytest.mark.slow
def test_up_follows_a_marquez_unless_it_is_told_not_to(tmp_path, monkeypatch):
    with collecting(tmp_path / "theirs") as marquez:
        monkeypatch.setenv("MARQUEZ_URL", marquez)
        with running(tmp_path / "home", "up", "--port", "0") as (urls, process):
            deadline = time.monotonic() + HANG_SECONDS
            while not origins(tmp_path / "home") and time.monotonic() < deadline:
                time.sleep(0.02)
        with running(tmp_path / "alone", "up", "--port", "0", "--no-follow") as (others, _):
            pass

    assert process.returncode == 0
    assert urls["Following"] == urls["Forwarding"] == marquez
    assert origins(tmp_path / "home") == ["follow"]
    assert ("Following" in others, "Forwarding" in others) == (False, True)
