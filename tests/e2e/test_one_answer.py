"""The graph, our collector and a shared Marquez answer the same lineage, whatever a city is like.

One city has its old bundles, which name no dataset, before the newer ones; in the other one they
are the newest of their jobs, so that they come last.
"""

from __future__ import annotations

import json
import shutil
from urllib.parse import quote

import httpx
import pytest
from marquez_stub import StubMarquez

from lineage_bridge.collector.server import CollectorServer
from lineage_bridge.journal import Journal
from lineage_bridge.share.forward import Forwarder

LATER = "2026-04-07T23:00:00+00:00"


def old_bundles_last(city):
    """Make the bundles without a dataset the newest of their jobs."""
    for path in city.glob("p4/**/metadata.json"):
        bundle = json.loads(path.read_text())
        if "input_dataset_name" not in bundle:
            path.write_text(json.dumps(bundle | {"created_at": LATER}))
    return city


@pytest.fixture(scope="module", params=["first", "last"])
def home(request, nyc, nyc_home, tmp_path_factory, run_in):
    if request.param == "first":
        return nyc_home
    folder = tmp_path_factory.mktemp("one-answer")
    city = old_bundles_last(shutil.copytree(nyc, folder / "nyc", symlinks=True))
    assert run_in(folder / "home", "backfill", "--namespace", "urban", city).code == 0
    return folder / "home"


@pytest.fixture(scope="module")
def run_in():
    from conftest import run_command

    return lambda home, command, *args: run_command(command, "--home", home, *args)


@pytest.fixture
def edges(home, run_in):
    """The logical edges of the graph."""
    shape = run_in(home, "graph", "--json").json
    return {(e["from"].split("@")[0], e["to"].split("@")[0]) for e in shape["edges"]}


def jobs_of(edges):
    return {end for edge in edges for end in edge if end.startswith("job:")}


def asked(client, jobs):
    """Return the edges that `GET /lineage` shows of each job."""
    found = set()
    for job in jobs:
        graph = client.get(f"/api/v1/lineage?nodeId={quote(job, safe='')}&depth=1").json()["graph"]
        (node,) = [node for node in graph if node["id"] == job]
        found |= {(e["origin"], job) for e in node["inEdges"]}
        found |= {(job, e["destination"]) for e in node["outEdges"]}
    return found


@pytest.mark.slow
def test_the_collector_shows_the_edges_of_the_graph(home, edges, tmp_path):
    copy = shutil.copytree(home, tmp_path / "home")
    with (
        Journal(copy) as journal,
        CollectorServer(journal, port=0) as server,
        httpx.Client(base_url=server.url) as client,
    ):
        runs = client.get("/api/v1/namespaces/urban/jobs/train.lightgbm_default/runs").json()
        assert asked(client, jobs_of(edges)) == edges
    assert runs["totalCount"] == 7  # the old ones among them


@pytest.mark.slow
def test_a_marquez_shows_the_edges_of_the_graph(home, edges, tmp_path):
    stub = StubMarquez()
    transport = httpx.MockTransport(stub)
    with Journal(shutil.copytree(home, tmp_path / "home")) as journal:
        forwarder = Forwarder(journal, "http://m.test", transport=transport)
        report = forwarder.run()
        assert report.status.dead == report.status.pending == 0
        assert forwarder.verify(lambda *_: None).incomplete == ()

    with httpx.Client(base_url="http://m.test", transport=transport) as client:
        assert asked(client, jobs_of(edges)) == edges
    trainings = [run for run in stub.runs.values() if run["job"][1] == "train.lightgbm_default"]
    assert len(trainings) == 7
