"""Pruning as a user does it, on the journal of a city."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from urllib.parse import quote

import httpx
import orjson
import pytest
from builders import a_dataset_event, a_foreign_event, a_journal, a_run_id, an_event, at
from conftest import run_command
from present import without_the_gone

from lineage_bridge.care.prune import plan, prune
from lineage_bridge.collector.server import CollectorServer
from lineage_bridge.events import Event
from lineage_bridge.graph.reduce import GRAPH, reduce
from lineage_bridge.journal import Journal
from lineage_bridge.share.queue import ForwardQueue, Settled

NOW = ("--at", "2026-11-20T00:00:00Z")
OLD = ("--older-than", "1d")


@pytest.fixture
def home(nyc_home, tmp_path):
    return shutil.copytree(nyc_home, tmp_path / "home")


def answers(home, *questions):
    return answers_at(home, NOW, *questions)


def answers_at(home, at, *questions):
    return [run_command(*question, "--home", home, "--json", *at).out for question in questions]


def without_medians(health):
    """How unusual a model's metrics are is judged by the trainings that are left."""
    found = orjson.loads(health)
    for node in found["nodes"]:
        for reason in node["reasons"]:
            if reason["code"] == "metrics":
                del reason["value"], reason["threshold"]
    return found


def test_graph_health_and_freshness_for_now_are_as_before_but_for_history(home):
    before = answers(home, ["health"], ["freshness"], ["graph"])

    result = run_command("journal", "prune", *OLD, "--home", home, "--json")

    after = answers(home, ["health"], ["freshness"], ["graph"])
    assert result.json["pruned"] > 40
    assert result.json["runs"] > 40
    assert without_medians(after[0]) == without_medians(before[0])
    assert after[1] == before[1]
    graph = orjson.loads(after[2])
    assert graph == without_the_gone(orjson.loads(before[2]), graph)
    assert [node["id"] for node in graph["nodes"]] == [
        node["id"] for node in orjson.loads(before[2])["nodes"]
    ]


@pytest.mark.slow
def test_every_deployment_still_leads_up_to_its_source_table(home):
    paths = [
        ("main.raw_station_metrics_1min", deployment["deployment"])
        for deployment in orjson.loads(answers(home, ["health"])[0])["deployments"]
        if "dataset" in deployment
    ]
    names = {node["name"] for node in orjson.loads(answers(home, ["graph"])[0])["nodes"]}
    targets = [
        (source, name)
        for source, deployment in paths
        for name in names
        if name.startswith(f"predictions.{deployment}.")
    ]
    questions = [["path", source, target] for source, target in targets]
    before = answers(home, *questions)

    run_command("journal", "prune", *OLD, "--home", home)

    assert len(targets) > 3
    assert answers(home, *questions) == before


@pytest.mark.slow
def test_a_backfill_after_pruning_appends_nothing_and_the_journal_is_sound(home, nyc):
    run_command("journal", "prune", *OLD, "--home", home)

    again = run_command("backfill", "--home", home, "--json", nyc)
    dry = run_command("backfill", "--home", home, "--dry-run", "--json", nyc)

    assert again.json["events"] == 0
    assert dry.json == []
    assert run_command("journal", "verify", "--home", home).code == 0


def test_pruning_again_prunes_nothing_and_a_dry_run_changes_nothing(home):
    dry = run_command("journal", "prune", *OLD, "--dry-run", "--home", home, "--json").json
    real = run_command("journal", "prune", *OLD, "--home", home, "--json").json
    again = run_command("journal", "prune", *OLD, "--home", home, "--json").json

    assert dry["pruned"] == real["pruned"] > 0
    assert dry["dry_run"] is True
    assert (again["events"], again["pruned"]) == (real["events"] - real["pruned"], 0)


@pytest.mark.parametrize("age", ["90", "d", "1w", "-1d", "1.5d", "", "9999999d", "999999d"])
def test_a_duration_that_is_none_is_refused(home, age):
    result = run_command("journal", "prune", f"--older-than={age}", "--home", home)

    assert result.code == 2
    assert "--older-than" in result.err


def distinct(items):
    return [item for number, item in enumerate(items) if item not in items[:number]]


def shown_now(url):
    """What the collector shows of the present: each dataset and job, and the lineage around it."""
    found = {}
    with httpx.Client(base_url=f"{url}/api/v1") as client:
        for space in client.get("/namespaces").json()["namespaces"]:
            path = f"/namespaces/{quote(space['name'], safe='')}"
            for kind, one in (("datasets", "dataset"), ("jobs", "job")):
                for thing in client.get(f"{path}/{kind}", params={"limit": 1000}).json()[kind]:
                    node = f"{one}:{space['name']}:{thing['name']}"
                    name = quote(thing["name"], safe="")
                    found[node] = client.get(f"{path}/{kind}/{name}").json() | {"latestRuns": None}
                    for column in found[node].get("columnLineage") or ():
                        # Each type that a column ever had lists its inputs, those of old versions.
                        column["inputFields"] = distinct(column["inputFields"])
                    params = {"nodeId": node, "depth": 20}
                    found[f"{node} lineage"] = client.get("/lineage", params=params).json()
    return found


@pytest.mark.slow
def test_a_running_collector_shows_the_same_and_takes_more(home):
    with Journal(home) as journal, CollectorServer(journal, port=0) as server:
        before = shown_now(server.url)
        pruned = run_command("journal", "prune", *OLD, "--home", home, "--json").json

        after = shown_now(server.url)
        told = httpx.post(
            f"{server.url}/api/v1/lineage",
            content=an_event("late", 0, outputs=["late@1"]).body,
            headers={"Content-Type": "application/json"},
        )
        late = shown_now(server.url)

    assert told.status_code == 201
    assert late.keys() - after.keys() == {
        f"{kind}:ns:late{more}" for kind in ("job", "dataset") for more in ("", " lineage")
    }
    assert {node: shown for node, shown in late.items() if node in after} == after
    assert pruned["pruned"] > 40
    assert len(before) > 80
    assert after == before


def prune_of(journal, minute=60.0):
    return prune(journal, before=at(minute), now=at(120), models=[GRAPH])


def bodies(journal):
    return [orjson.loads(stored.body) for stored in journal.read()]


def test_a_run_that_still_runs_is_kept_however_old_with_what_it_read(tmp_path):
    events = [
        an_event("build", 0, run="1", outputs=["models.a@1"]),
        an_event("train", 1, run="1", state="START", inputs=["models.a@1"], outputs=["models@1"]),
        an_event("build", 2, run="2", outputs=["models.a@2"]),
        an_event("build", 3, run="3", outputs=["models.a@3"]),
        an_event("build", 4, run="4", outputs=["models.a@4"]),
        an_event("build", 5, run="5", outputs=["models.a@5"]),
    ]
    with a_journal(tmp_path, events) as journal:
        assert prune_of(journal).pruned == 3
        kept = [(e["job"]["name"], e["outputs"]) for e in bodies(journal)]

    assert [job for job, _ in kept] == ["build", "train", "build"]


def test_the_builds_stay_that_a_rhythm_is_learned_from(tmp_path):
    # Written by runs without versions, and stated by dataset events; every second one far off.
    builds = [
        a_foreign_event("load", 60 * n + n % 2, outputs=["t"], run={"runId": a_run_id(f"load/{n}")})
        for n in range(30)
    ]
    stated = [a_dataset_event(f"s@{n}", 90 * n) for n in range(30)]
    now = ("--at", "2026-04-10T00:00:00Z")
    with a_journal(tmp_path / "home", [*builds, *stated]):
        pass
    home = tmp_path / "home"
    (before,) = answers_at(home, now, ["freshness"])

    pruned = run_command("journal", "prune", *OLD, "--home", home, "--json").json["pruned"]

    assert answers_at(home, now, ["freshness"]) == [before]
    assert [d["policy"]["builds"] for d in orjson.loads(before)["datasets"]] == [20, 20]
    assert pruned == 18  # but for the first of each, which says since when it is there


def test_superseded_heartbeats_of_an_observer_go(tmp_path):
    beats = [an_event("observe.models", n, run=str(n), inputs=["models@1"]) for n in range(50)]
    with a_journal(tmp_path, beats) as journal:
        assert prune_of(journal).pruned == 48
        assert [e["eventTime"][14:16] for e in bodies(journal)] == ["00", "49"]


def test_an_event_that_was_not_forwarded_yet_is_kept(tmp_path):
    events = [an_event("build", n, run=str(n), outputs=[f"models.a@{n}"]) for n in range(9)]
    with a_journal(tmp_path, events) as journal:
        queue = ForwardQueue(journal, "http://127.0.0.1:1")
        queue.take_in()
        assert prune_of(journal).pruned == 0

        queue.settle([Settled(seq, "sent") for seq in range(1, 6)])
        assert prune_of(journal).pruned == 4
        assert queue.counts() == {"pending": 4, "sent": 1}


def test_commands_of_the_api_stay_and_refused_events_go(tmp_path):
    command = Event(b'{"op": "put_tag", "name": "PII", "description": null}', "command", 0)
    refused = Event(a_foreign_event("").body, "refused", 0)
    with a_journal(tmp_path, [command, refused, an_event("build", 0)]) as journal:
        reduce(journal)
        assert prune_of(journal).pruned == 1
        assert [stored.kind for stored in journal.read()] == ["command", "run"]


def test_what_replaces_a_kept_event_is_kept(tmp_path):
    first = an_event("train", 61, inputs=["features@1"], outputs=["models@1"])
    second = an_event(
        "train", 3, run="2", inputs=["features@2"], outputs=["models@1"], supersedes=first
    )
    third = an_event("train", 4, run="3", outputs=["models@2"])
    events = [an_event("train", 0, run="0"), first, second, third]
    with a_journal(tmp_path, [*events, an_event("train", 5, run="4")]) as journal:
        reduce(journal)
        with journal.reading() as connection:
            planned = plan(connection, before=at(60), now=datetime.now(UTC))
        assert set(planned.doomed).isdisjoint({2, 3})
