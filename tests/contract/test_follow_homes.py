"""Bridges that share a Marquez: each has what the others sent, and says the same."""

from __future__ import annotations

from contextlib import ExitStack

import httpx
import pytest
from conftest import run_command
from marquez_feed import AFeed

from lineage_bridge.collector.server import CollectorServer
from lineage_bridge.follow.follower import Follower
from lineage_bridge.journal import Journal
from lineage_bridge.share.forward import Forwarder

AT = ("--at", "2026-04-07T12:00:00Z")  # heartbeats before the newest are not sent to Marquez
FOREIGN = {
    "eventType": "COMPLETE",
    "eventTime": "2026-04-07T10:00:00+02:00",
    "run": {
        "runId": "42be0bc8-ba90-4c23-97e4-2b3fedf01fe7",
        "facets": {"x": {"n": None, "f": 1e3}},
    },
    "job": {"namespace": "airflow", "name": "dag.task"},
    "inputs": [{"namespace": "pg", "name": "a"}],
    "outputs": [{"namespace": "pg", "name": "b"}],
    "producer": "https://example.com/airflow",
}


class AMarquez(AFeed):
    """The stub, which also takes events."""

    def __call__(self, request):
        if request.method == "POST":
            self.post(request.content)
            return httpx.Response(201)
        if request.method == "DELETE":
            return httpx.Response(200, json={})
        return super().__call__(request)


@pytest.fixture
def homes(nyc, tmp_path):
    """Two bridges: one reads what is built and trained, the other what is served."""
    parts = {"builds": ("p2", "p4", "p6"), "serves": ("p5",)}
    for name, families in parts.items():
        folders = [f"--{family}={nyc / family}" for family in families]
        backfill = run_command(
            "backfill", "--home", tmp_path / name, "--namespace", "urban", *folders
        )
        assert backfill.code == 0, backfill.err
    return {name: tmp_path / name for name in parts}


def share(home, url, transport=None, rounds=1):
    """Send what is ours, and take in what others sent; return how many events came."""
    with Journal(home) as journal:
        Forwarder(journal, url, transport=transport).run()
        return Follower(journal, url, transport=transport).run().appended


def read_again(nyc, home, *families):
    folders = [f"--{family}={nyc / family}" for family in families]
    done = run_command("backfill", "--home", home, "--namespace", "urban", "--json", *folders)
    return done.json["events"]


def answers(home):
    return [
        run_command(*command, "--home", home, "--json", *AT).json
        for command in (["graph"], ["health"], ["freshness", "--all"])
    ]


def settle(nyc, homes, url, transport=None):
    """Share and read again until nobody has anything new to say."""
    for _ in range(4):
        said = read_again(nyc, homes["builds"], "p2", "p4", "p6")
        said += read_again(nyc, homes["serves"], "p5")
        came = sum(share(home, url, transport) for home in homes.values())
        if not said + came:
            return
    pytest.fail("they go on and on")


@pytest.mark.slow
def test_two_bridges_on_one_marquez_show_the_same(nyc, homes):
    marquez = AMarquez()
    marquez.post(FOREIGN)
    settle(nyc, homes, marquez.url, marquez.transport)

    builds, serves = (answers(home) for home in homes.values())
    assert builds == serves
    assert builds[1]["deployments"]
    assert any(node["id"] == "job:airflow:dag.task" for node in builds[0]["nodes"])


@pytest.mark.slow
def test_a_collector_of_ours_is_a_marquez_that_bridges_share(nyc, homes, tmp_path):
    with ExitStack() as stack:
        hub = stack.enter_context(Journal(tmp_path / "hub"))
        server = stack.enter_context(CollectorServer(hub, port=0))
        assert httpx.post(f"{server.url}/api/v1/lineage", json=FOREIGN).status_code == 201
        settle(nyc, homes, server.url)
        # A hub that follows itself finds nothing but its own events.
        report = Follower(hub, server.url).run()
        assert (report.appended, report.recognised > 100) == (0, True)

    builds, serves = (answers(home) for home in homes.values())
    assert builds == serves
    assert answers(tmp_path / "hub") == serves


def test_the_command_says_what_came_and_how_complete_it_is(tmp_path, monkeypatch):
    with Journal(tmp_path / "hub") as hub, CollectorServer(hub, port=0) as server:
        httpx.post(f"{server.url}/api/v1/lineage", json=FOREIGN)
        home = ("--home", tmp_path / "home")
        first = run_command("follow", "--once", "--url", server.url, *home)
        again = run_command("follow", "--once", "--json", "--url", server.url, *home)
        status = run_command("journal", "status", *home)
        shape = run_command("journal", "status", "--json", *home).json
        metrics = run_command("exporter", "--once", *home).out
    gone = run_command("follow", "--once", "--url", server.url, "--timeout", "0", *home)
    nowhere = run_command("follow", "--once", *home)
    aimless = run_command("follow", "--json", "--url", server.url, *home)

    assert (first.code, again.code, gone.code, nowhere.code, aimless.code) == (0, 0, 3, 2, 2)
    assert f"1 event of others came from {server.url}" in first.out
    assert (again.json["appended"], again.json["state"]["counted"]) == (0, 1)
    assert f"Followed {server.url}: 1 events of others came in" in status.out
    assert shape["follow"][0]["audited"] == again.json["state"]["audited"]
    series = f'lineage_bridge_follow_events{{source="{server.url}",state="appended"}} 1.0'
    assert series in metrics
    assert "gives no events" in gone.err
    assert "MARQUEZ_URL" in nowhere.err
    assert "Traceback" not in gone.err + nowhere.err
