"""Homes of released versions: they open, answer the same, and take a backfill."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import httpx
import pytest
from conftest import run_command, unpack

from lineage_bridge.collector.server import CollectorServer
from lineage_bridge.errors import JournalError
from lineage_bridge.facets.serving_health import ServingHealthFacet
from lineage_bridge.journal import Journal
from lineage_bridge.naming import former_name

EXAMPLES = Path(__file__).parents[2] / "examples"
NOW = "2026-04-07T10:30:00Z"
QUESTIONS = {
    "graph": ("graph",),
    "health": ("health", "--at", NOW),
    "freshness": ("freshness", "--at", NOW),
    "doctor": ("doctor",),
    "dead": ("journal", "dead"),
}


@pytest.fixture
def kept(tmp_path) -> Path:
    """A home as 0.1 wrote it, in `home`, and what 0.1 said of it, in `answers`."""
    return unpack("home-0.1.tar.gz", tmp_path)


def told(kept, name):
    return json.loads((kept / "answers" / f"{name}.json").read_text())


def ask(kept, name):
    return run_command(*QUESTIONS[name], "--home", kept / "home", "--json").json


def of_today(node_id):
    """A node's id under the names of today, without the run of a deployment: its id is another."""
    node, _, mark = node_id.partition("@")
    kind, namespace, name = node.split(":", 2)
    renamed = former_name(name)
    if renamed is None:
        return node_id
    return f"{kind}:{namespace}:{renamed}" + (f"@{mark}" if mark and kind == "dataset" else "")


def without_what_names_change(answer, *, is_old):
    """An answer without what goes with the names of deployments: run ids, and words in findings."""
    if "deployments" in answer:
        answer.pop("nodes", None)  # what `health` lists of others since then
    for deployment in answer.get("deployments", ()):
        deployment["activation"]["runs"] = len(deployment["activation"]["runs"])
    again = of_today if is_old else lambda node_id: of_today(of_today(node_id))
    for edge in answer.get("edges", ()):
        edge |= {side: again(edge[side]) for side in ("from", "to")}
    for node in answer.get("nodes", ()):
        node["id"] = again(node["id"])
        if former_name(node["name"]) is not None:
            node["name"] = node["id"].split(":", 2)[2]
            node["runs"] = [{**run, "id": ""} for run in node["runs"]]
            node["versions"] = [{**v, "run": ""} for v in node["versions"]]
            health = node["facets"].get(ServingHealthFacet.key, {})
            for word in ("_schemaURL", "service", "deployment"):
                health.pop(word, None)
    for members in (answer.get("nodes"), answer.get("edges")):
        if members:
            members.sort(key=lambda member: json.dumps(member, sort_keys=True))
    return answer


@pytest.mark.parametrize("name", ["graph", "health"])
def test_deployments_of_an_old_home_have_the_names_of_today(name, kept):
    answer = ask(kept, name)
    if name == "health":
        assert answer.pop("nodes")  # 0.1 said nothing of them
    now = without_what_names_change(answer, is_old=False)
    then = without_what_names_change(told(kept, name), is_old=True)
    assert now == then


@pytest.mark.parametrize("name", QUESTIONS.keys() - {"graph", "health"})
def test_an_old_home_answers_as_the_version_that_wrote_it(name, kept):
    now, then = ask(kept, name), told(kept, name)
    if name == "doctor":
        assert then.pop("rejected")
        assert now.pop("rejected") == []  # these files are gone
        now, then = gaps_in(now), gaps_in(then)
    if name == "freshness":
        now, then = ages_in(now), ages_in(then)
        now = {dataset: now[dataset] for dataset in then}  # others' datasets are judged today too
    assert now == then


def ages_in(answer):
    """What the clocks show; by which limits they are judged is learned from all builds today."""
    judged = ("status", "warn_seconds", "error_seconds", "next_build", "policy")
    return {
        dataset["name"]: {key: value for key, value in dataset.items() if key not in judged}
        for dataset in answer["datasets"]
    }


def gaps_in(answer):
    """What is missing, and where; events of then do not say of which field it is."""
    return {(gap["kind"], gap["what"], gap["path"], gap["edge"]) for gap in answer["gaps"]}


def test_over_http_too(kept):
    with Journal(kept / "home") as journal, CollectorServer(journal, port=0) as server:
        for path, answer in told(kept, "http").items():
            now = httpx.get(f"{server.url}{path}").json()
            assert without_row_ids(now) == without_row_ids(answer)


def without_row_ids(answer):
    """An answer without the ids of jobs' versions, which each version of the tables makes anew."""
    jobs = [{**job, "currentVersion": None} for job in answer.get("jobs", ())]
    return {**answer, "jobs": jobs}


@pytest.mark.slow
def test_it_takes_a_backfill_that_has_little_new_and_one_that_has_more(kept, nyc):
    folders = [f"--{family}={EXAMPLES / family}" for family in ("p2", "p4", "p5", "p6")]
    home = ("--home", kept / "home", "--namespace", "city")

    assert ask(kept, "graph")  # brings all names to those of today
    with Journal(kept / "home") as journal:
        before = journal.last_seq()
        first = run_command("backfill", *folders, *home, "--json")
        said = [json.loads(stored.body) for stored in journal.read(after=before)]
    again = run_command("backfill", *folders, *home, "--json")
    more = run_command("backfill", f"--p5={nyc / 'p5'}", *home, "--json")

    # The START of a training within a second, with its end again; and the ends by a shutdown.
    words = [(event["eventType"], event["job"]["name"].partition(".")[0]) for event in said]
    assert [kind for kind, job in words if job == "train"] == ["START", "COMPLETE"]
    # And what is in the datasets, into which no earlier version looked.
    others = {word for word in words if word[1] != "train"}
    assert others == {("COMPLETE", "serve"), ("COMPLETE", "observe")}
    assert first.json["events"] + first.json["observed"]["events"]["validation"] == len(said)
    assert again.json["events"] == 0
    assert more.json["events"] > 0
    assert told(kept, "dead") == ask(kept, "dead")


@pytest.mark.slow
def test_it_is_taken_over_once_and_what_is_derived_stands_in_a_file_of_its_own(kept):
    home = kept / "home"
    assert run_command("journal", "rebuild", "--home", home).code == 0
    size = (home / "journal.db").stat().st_size

    for path in (home / "journal.db", *home.glob("models*.db")):
        with sqlite3.connect(path) as connection:
            names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
        assert ("events" in names) is (path.name == "journal.db")
        assert ("mq_jobs" in names) is (path.name != "journal.db")
    assert size < 1_700_000  # the room of what moved was given back


@pytest.mark.slow
def test_a_pipeline_appends_to_an_old_home_and_leaves_it_as_it_is(kept, a_run):
    from openlineage.client import OpenLineageClient

    path = "lineage_bridge.transport.LineageBridgeTransport"
    config = {"type": path, "home": str(kept / "home"), "raise_on_error": True}
    OpenLineageClient(config={"transport": config}).emit(a_run)

    assert not (kept / "home" / "models.db").exists()
    nodes = {node["id"] for node in ask(kept, "graph")["nodes"]}
    before = {of_today(node["id"]) for node in told(kept, "graph")["nodes"]}
    assert nodes == before | {"job:pipelines:late"}


@pytest.fixture
def a_run():
    from openlineage.client.event_v2 import Job, Run, RunEvent, RunState

    return RunEvent(
        eventType=RunState.COMPLETE,
        eventTime="2026-04-07T09:40:00Z",
        run=Run(runId="00000000-0000-4000-8000-00000000000a"),
        job=Job("pipelines", "late"),
        producer="https://pipeline",
    )


def test_a_home_of_a_newer_version_is_refused_by_name(kept):
    with Journal(kept / "home") as journal, journal.transaction() as tx:
        tx.connection.execute("INSERT INTO migrations VALUES ('journal', 'of tomorrow', 0)")

    with pytest.raises(JournalError, match="of tomorrow"):
        Journal(kept / "home")
