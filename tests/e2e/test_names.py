"""Homes in which deployments have their former names: they get those of today, from the journal."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from conftest import DATA, run_command, unpack

from lineage_bridge.care.rename import is_due, rename
from lineage_bridge.errors import JournalError
from lineage_bridge.events import compute_id, decode, own_facet
from lineage_bridge.facets.deployment import DeploymentFacet
from lineage_bridge.journal import Journal
from lineage_bridge.naming import Slot
from lineage_bridge.times import format_time, from_micros, parse_time

sys.path.insert(0, str(DATA))
from make_former import CONFIG, EXAMPLES, FAMILIES, without_newest_hour
from make_ids import all_ids

NOW = "2026-04-07T10:30:00Z"
ORPHAN = Slot("mobility-serving-layer", "shadow", "dep-nyc-shadow-orphan")
SLOW = Slot("mobility-serving-layer", "production", "dep-nyc-prod-slow")
# What events of that time did not say, and no event says anew for its sake.
UNHEARD_OF = {"documentation", "dataSource", "dataQualityAssertions", "columnLineage"}
DEPLOYMENTS = ("serve.", "predictions.", "observe.predictions.")


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory) -> Path:
    """The artifacts that the former home was filled from."""
    folder = tmp_path_factory.mktemp("read") / "artifacts"
    without_newest_hour(folder)
    return folder


@pytest.fixture
def home(tmp_path) -> Path:
    return unpack("home-former.tar.gz", tmp_path) / "home"


@pytest.fixture(scope="module")
def whole(artifacts, tmp_path_factory) -> Path:
    """A home into which this version read the same artifacts; tests must not change it."""
    home = tmp_path_factory.mktemp("whole") / "home"
    assert backfill(home, artifacts) > 0
    assert run_command("graph", "--home", home).code == 0
    return home


@pytest.fixture(scope="module")
def fresh(whole, tmp_path_factory) -> Path:
    """The same without the events that no version of that time made of these artifacts."""
    folder = tmp_path_factory.mktemp("fresh")
    events = bodies_of(whole)
    then = folder / "then.jsonl"
    of_then = [json.dumps(body) for body in events if not is_unheard_of(body, events)]
    then.write_text("\n".join(of_then))
    assert run_command("journal", "import", then, "--home", folder / "home").code == 0
    assert run_command("graph", "--home", folder / "home").code == 0
    return folder / "home"


def bodies_of(home):
    with Journal(home, readonly=True) as journal:
        return [decode(stored.body) for stored in journal.read(limit=sys.maxsize)]


def is_unheard_of(body, events):
    """Whether the event is a START at the instant of its run's end, or the end by a shutdown."""
    if body["eventType"] == "COMPLETE" and body["job"]["name"].startswith("serve."):
        next_start = format_time(parse_time(body["eventTime"]).instant + timedelta(milliseconds=1))
        starts = ((e["job"]["name"], e["eventTime"]) for e in events if e["eventType"] == "START")
        return (body["job"]["name"], next_start) not in starts
    ends = (body["run"]["runId"], body["eventTime"])
    return body["eventType"] == "START" and any(
        (other["run"]["runId"], other["eventTime"]) == ends and other["eventType"] == "COMPLETE"
        for other in events
    )


def backfill(home, artifacts):
    folders = [f"--{family}={artifacts / family}" for family in FAMILIES]
    config = ("--config", artifacts / CONFIG, "--namespace", "city")
    command = ("backfill", "--no-observe", "--home", home, *config, *folders, "--json")
    return run_command(*command).json["events"]


def graph(home, *more):
    answer = run_command("graph", "--home", home, "--json", *more).json
    for node in answer["nodes"]:
        unheard_of = UNHEARD_OF if node["namespace"] == "city" else UNHEARD_OF | {"schema"}
        node["facets"] = {k: v for k, v in node["facets"].items() if k not in unheard_of}
    return answer


def standing(home):
    """What the events say that no other supersedes, by id without what each supersedes."""
    bodies = bodies_of(home)
    superseded = {own_facet(body).supersedes for body in bodies}
    return sorted(compute_id(body, None) for body in bodies if own_facet(body).id not in superseded)


def events_of(home):
    return run_command("journal", "status", "--home", home, "--json").json["events"]


@pytest.mark.slow
def test_the_ids_of_everything_but_deployments_never_change(nyc):
    kept = json.loads((DATA / "ids.json").read_text())
    for city, now in all_ids(nyc).items():
        for kind, found in now.items():
            then = kept[city][kind]
            of_others = {node: ids for node, ids in then.items() if not is_of_a_deployment(node)}
            assert of_others
            assert of_others.keys() == {n for n in found if not is_of_a_deployment(n)}
            lost = [i for n, ids in of_others.items() for i in ids if i not in found[n]]
            assert not lost  # there may be more than there was


def is_of_a_deployment(node):
    return node.rsplit(":", 1)[-1].startswith(DEPLOYMENTS)


def test_a_former_home_answers_as_a_fresh_one(home, fresh):
    assert graph(home) == graph(fresh)
    health = ("health", "--at", NOW, "--json", "--home")
    assert run_command(*health, home).json == run_command(*health, fresh).json
    assert standing(home) == standing(fresh)


@pytest.mark.slow
@pytest.mark.parametrize("asks_first", [True, False])
def test_after_that_a_backfill_says_only_what_was_unheard_of(home, whole, artifacts, asks_first):
    if asks_first:
        assert graph(home)
    events = bodies_of(whole)
    unheard_of = [body for body in events if is_unheard_of(body, events)]
    late = [body for body in unheard_of if body["eventType"] == "START"]
    assert 0 < len(late) < len(unheard_of)

    # A START that comes late is followed by the end once more.
    assert backfill(home, artifacts) == len(unheard_of) + len(late)
    count = events_of(home)
    assert backfill(home, artifacts) == 0
    assert events_of(home) == count
    assert graph(home) == graph(whole)
    assert standing(home) == standing(whole)


@pytest.mark.slow
def test_reading_goes_on_as_if_names_had_never_changed(home, artifacts, tmp_path):
    other = tmp_path / "other"
    folder = tmp_path / "all"
    shutil.copytree(EXAMPLES, folder)
    assert backfill(other, artifacts) > 0
    assert backfill(home, artifacts) > 0
    assert backfill(other, folder) == backfill(home, folder) > 0
    assert graph(home) == graph(other)
    assert standing(home) == standing(other)


def test_it_is_done_once_and_costs_nothing_afterwards(home):
    with Journal(home) as journal:
        assert is_due(journal)
        assert rename(journal) == 50
        assert not is_due(journal)
        assert rename(journal) == 0
        assert journal.last_seq() == 113 + 50


def test_killed_after_any_event_it_is_finished_by_the_next(home, fresh):
    class KilledError(Exception):
        pass

    def kill(done, total):
        assert done <= total
        raise KilledError

    with Journal(home) as journal:
        with pytest.raises(KilledError):
            rename(journal, kill)
        assert is_due(journal)
        rename(journal)
        assert journal.last_seq() == 113 + 50
    assert graph(home) == graph(fresh)


def test_what_is_imported_later_gets_the_names_of_today_too(home, fresh, tmp_path):
    exported = tmp_path / "former.jsonl.gz"
    assert run_command("journal", "export", exported, "--home", home).code == 0
    elsewhere = tmp_path / "elsewhere"
    assert run_command("journal", "import", exported, "--home", elsewhere).code == 0

    assert graph(elsewhere) == graph(fresh)
    assert run_command("journal", "import", exported, "--home", elsewhere, "--json").json == {
        "appended": 0,
        "known": 113,
    }
    assert graph(elsewhere) == graph(fresh)


@pytest.mark.slow
@pytest.mark.parametrize("part", [1, 40, 70, 100, 112])
def test_an_import_in_parts_ends_with_the_same_events_standing(home, fresh, tmp_path, part):
    exported = tmp_path / "former.jsonl"
    assert run_command("journal", "export", exported, "--home", home).code == 0
    lines = exported.read_text().splitlines()
    elsewhere = tmp_path / "elsewhere"
    for some in (lines[:part], lines):
        exported.write_text("\n".join(some))
        assert run_command("journal", "import", exported, "--home", elsewhere).code == 0

    assert set(standing(elsewhere)) == set(standing(fresh))
    assert graph(elsewhere) == graph(fresh)


@pytest.mark.slow
def test_former_names_are_aliases(home):
    for slot in (ORPHAN, SLOW):
        for former, of_today in (
            (slot.former_predictions, slot.predictions),
            (slot.former_job, slot.job),
            (f"city:{slot.former_job}", slot.job),
            (f"job:city:{slot.former_job}", slot.job),
            (f"dataset:city:{slot.former_predictions}", slot.predictions),
        ):
            assert graph(home, "--node", former) == graph(home, "--node", of_today)
    path = ("path", "models.lightgbm_slow", SLOW.former_predictions, "--home", home, "--json")
    assert run_command(*path).json["to"].startswith(f"dataset:city:{SLOW.predictions}@")
    why = run_command("alias", "why", SLOW.former_predictions, "--home", home, "--json").json
    assert {decision["node"] for decision in why} == {f"dataset:city:{SLOW.predictions}"}


def test_a_name_means_the_node_that_has_it_before_one_that_had_it(tmp_path):
    from builders import an_event

    one, other = Slot("a", "e", "b"), Slot("b", "e", "a")
    with Journal(tmp_path) as journal:
        events = [
            an_event(slot.job, minute, outputs=[slot.predictions])
            for minute, slot in enumerate((one, other), start=1)
        ]
        journal.append(events, "http")
    assert one.former_job == other.job
    shown = graph(tmp_path, "--node", other.job, "--depth", "0")
    assert [node["name"] for node in shown["nodes"]] == [other.job]


def test_what_is_not_ours_or_not_what_its_id_says_is_left_alone(home, tmp_path):
    with Journal(home) as journal:
        bodies = [decode(stored.body) for stored in journal.read(limit=sys.maxsize)]
    start = next(b for b in bodies if DeploymentFacet.key in b["run"]["facets"])
    forged = json.loads(json.dumps(start))
    forged["run"]["facets"]["lineageBridge_event"]["id"] = "0" * 32
    file = tmp_path / "forged.jsonl"
    file.write_text(json.dumps(forged) + "\n")
    other = tmp_path / "other"
    assert run_command("journal", "import", file, "--home", other).code == 0

    assert events_of(other) == 1
    assert start["job"]["name"] in {node["name"] for node in graph(other)["nodes"]}


def test_of_a_time_before_they_changed_the_former_names_are_shown(home, fresh):
    assert graph(home)
    with Journal(home, readonly=True) as journal:
        before = from_micros(journal.read(after=112)[0].received_us)
    known_at = ("--known-at", format_time(before))

    names = {node["name"] for node in graph(home, *known_at)["nodes"]}
    health = ("health", "--at", NOW, "--json", "--home")
    told = run_command(*health, home, *known_at).json["deployments"]
    assert {SLOW.former_predictions, SLOW.former_job} < names
    assert not {SLOW.predictions, SLOW.job} & names
    assert [of_fact(d) for d in told] == [
        of_fact(d) for d in run_command(*health, fresh).json["deployments"]
    ]


def of_fact(deployment):
    return {key: value for key, value in deployment.items() if key != "activation"}


def test_a_home_that_cannot_be_written_answers_as_it_is(home, monkeypatch):
    assert graph(home)  # fills the graph's tables
    with sqlite3.connect(home / "journal.db") as connection:
        connection.execute("DELETE FROM renamed")
    connection.close()
    monkeypatch.setattr("lineage_bridge.cli.context.rename_deployments", refuse)
    assert graph(home)["nodes"]


def refuse(_journal):
    raise JournalError("attempt to write a readonly database")
