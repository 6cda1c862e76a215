"""What stands for what is known from the journal: with artifacts gone, moved on, or never read."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import uuid

import pytest
from cases import others_slow
from conftest import run_command

from lineage_bridge.events import compute_id

pytestmark = pytest.mark.slow  # `make test` runs the samples

FAMILIES = ("p2", "p4", "p5", "p6")
LEFT = [c for n in range(1, 5) for c in itertools.combinations(FAMILIES, n)]
ORDERS = list(itertools.permutations(FAMILIES))[::4]
LATE = "2028-01-01T00:00:00Z"


def some_slow(cases, is_quick):
    """Leave all but some of many like cases to `make test-slow`."""
    return [pytest.param(c, marks=() if is_quick(c) else pytest.mark.slow) for c in cases]


@pytest.fixture(scope="module")
def exported(nyc_home, tmp_path_factory):
    """The journal of a home that read all artifacts, as `journal export` writes it."""
    path = tmp_path_factory.mktemp("export") / "journal.jsonl"
    assert run_command("journal", "export", "--home", nyc_home, path).code == 0
    return path


@pytest.fixture(scope="module")
def whole(nyc_home):
    return graph_of(nyc_home)


def graph_of(home):
    return run_command("graph", "--json", "--at", LATE, "--home", home).json


def records_in(graph):
    """Nodes and edges but for observers: what they find depends on the windows that are read."""
    nodes = [n["id"] for n in graph["nodes"] if not n["name"].startswith("observe.")]
    edges = [e for e in graph["edges"] if e["kind"] != "observe"]
    return nodes, [(e["from"], e["to"], e["kind"], e.get("link")) for e in edges]


def restored(exported, home):
    assert run_command("journal", "import", "--home", home, exported).code == 0
    return home


def without(nyc, folder, *patterns):
    copy = shutil.copytree(nyc, folder, symlinks=True)
    for pattern in patterns:
        for path in copy.rglob(pattern):
            path.unlink()
    return copy


@pytest.mark.parametrize("left", some_slow(LEFT, lambda left: len(left) in {1, 4}), ids=" ".join)
def test_a_restored_home_says_nothing_new_whatever_artifacts_are_left(
    exported, whole, nyc, tmp_path, left
):
    home = restored(exported, tmp_path / "home")
    folders = [f"--{family}={nyc / family}" for family in left]

    done = run_command("backfill", "--no-observe", "--json", "--home", home, *folders)

    assert (done.code, done.json["events"]) == (0, 0)
    assert graph_of(home) == whole


@pytest.mark.sample
@pytest.mark.parametrize(
    "gone",
    others_slow(
        [
            ["model_metadata.json", "deployment_events.jsonl", "*.parquet"],
            ["deployment_events.jsonl"],
            ["model_metadata.json"],
            ["metadata.json"],
            ["metrics_*.json"],
        ],
        fast=2,
    ),
    ids=" ".join,
)
def test_it_says_nothing_new_if_some_files_of_a_family_are_gone(
    exported, whole, nyc, tmp_path, gone
):
    home = restored(exported, tmp_path / "home")
    left = without(nyc, tmp_path / "left", *gone)

    done = run_command("backfill", "--no-observe", "--json", "--home", home, left)

    assert (done.code, done.json["events"]) == (0, 0)
    assert graph_of(home) == whole


@pytest.mark.parametrize("order", some_slow(ORDERS, lambda order: order[0] == "p5"), ids=" ".join)
def test_machines_that_share_nothing_but_the_journal_end_with_the_graph_of_one(
    whole, nyc, tmp_path, order
):
    """Each one reads one family, with the journal of those before it and none of their files."""
    for number, family in enumerate(order):
        home = tmp_path / f"home-{number}"
        if number:
            restored(tmp_path / f"journal-{number - 1}.jsonl", home)
        names = ("--home", home, "--namespace", "urban")
        done = run_command("backfill", "--no-observe", *names, nyc / family)
        assert done.code == 0
        run_command("journal", "export", "--home", home, tmp_path / f"journal-{number}.jsonl")

    assert records_in(graph_of(home)) == records_in(whole)


@pytest.mark.sample
def test_bundles_are_linked_to_builds_that_this_machine_never_read(nyc, tmp_path):
    other, here = tmp_path / "other", tmp_path / "here"
    run_command("backfill", "--home", other, "--namespace", "urban", nyc / "p2")
    run_command("journal", "export", "--home", other, tmp_path / "builds.jsonl")
    restored(tmp_path / "builds.jsonl", here)

    assert run_command("backfill", "--home", here, nyc / "p4").code == 0

    names = {node["name"] for node in graph_of(here)["nodes"]}
    assert "features.mobility.training_dataset" in names
    assert "features.training_dataset" not in names
    model = next(e for e in graph_of(here)["edges"] if "models.lightgbm_small@v1" in e["to"])
    assert run_command("path", "duckdb://mobility:main.raw_station_metrics_1min",
                       model["to"], "--home", here).code == 0  # fmt: skip


@pytest.mark.sample
def test_a_home_that_imported_events_takes_their_namespace(exported, nyc, tmp_path):
    home = restored(exported, tmp_path / "home")
    run_command("backfill", "--home", home, nyc / "p4")
    assert {n["namespace"] for n in graph_of(home)["nodes"]} == {"urban", "duckdb://mobility"}


@pytest.mark.sample
def test_what_nothing_calls_for_is_withdrawn_by_an_event_of_its_own(nyc, lb, tmp_path):
    lb("backfill", "--namespace", "urban", nyc)
    before = {e["run"]["runId"] for e in exported_events(lb, tmp_path)}
    assert lb("alias", "add", "model", "lightgbm_slow", "models.lightgbm_default").code == 0
    lb("backfill", nyc)

    withdrawals = [e for e in exported_events(lb, tmp_path) if own(e).get("withdraws")]
    assert [e["job"]["name"] for e in withdrawals] == ["publish.lightgbm_slow"]
    assert withdrawals[0]["eventType"] == "OTHER"
    for dataset in withdrawals[0]["inputs"] + withdrawals[0]["outputs"]:
        assert {"documentation", "dataSource"} <= dataset["facets"].keys()
    assert withdrawals[0]["run"]["runId"] in before
    assert not own(withdrawals[0]).get("supersedes")
    nodes = {n["name"] for n in lb("graph", "--json", "--at", LATE).json["nodes"]}
    assert not nodes & {"publish.lightgbm_slow", "models.lightgbm_slow"}
    assert lb("journal", "verify").code == 0


def test_what_is_called_for_again_counts_again(nyc, lb, tmp_path):
    lb("backfill", "--namespace", "urban", nyc)
    first = records_in(lb("graph", "--json", "--at", LATE).json)
    for _ in range(2):
        lb("alias", "add", "model", "lightgbm_slow", "models.lightgbm_default")
        assert lb("backfill", "--json", nyc).json["events"] > 0
        (tmp_path / "lineage-bridge.toml").unlink()
        assert lb("backfill", "--json", nyc).json["events"] > 0
        assert records_in(lb("graph", "--json", "--at", LATE).json) == first
        assert lb("backfill", "--json", nyc).json["events"] == 0


@pytest.mark.sample
def test_a_file_that_says_something_else_by_now_is_believed(nyc, lb, tmp_path):
    root = shutil.copytree(nyc / "p4", tmp_path / "p4")
    metadata = next(p for p in root.rglob("metadata.json") if "lightgbm_small" in p.read_text())
    lb("backfill", "--namespace", "urban", root)

    said = json.loads(metadata.read_text())
    metadata.write_text(json.dumps(said | {"run_id": "another", "candidate_name": "other"}))
    lb("backfill", root)

    runs = [run["id"] for n in lb("graph", "--json").json["nodes"] for run in n["runs"]]
    assert said["run_id"] not in [run.replace("-", "") for run in runs]
    assert "models.other" in {n["name"] for n in lb("graph", "--json").json["nodes"]}


def test_a_folder_that_was_moved_says_nothing_new(nyc, lb, tmp_path):
    first = shutil.copytree(nyc, tmp_path / "first")
    lb("backfill", "--namespace", "urban", first)
    first.rename(tmp_path / "second")
    assert lb("backfill", "--json", tmp_path / "second").json["events"] == 0
    assert lb("backfill", "--json", tmp_path).json["events"] == 0


def a_bundle(root):
    """The folder of a bundle that has metrics, and those."""
    folder = min(p.parent for p in root.rglob("metrics.json") if json.loads(p.read_text()))
    return folder, json.loads((folder / "metrics.json").read_text())


@pytest.mark.sample
def test_what_changes_in_a_folder_after_it_was_moved_counts(nyc, lb, tmp_path):
    root = shutil.copytree(nyc / "p4", tmp_path / "a")
    lb("backfill", "--namespace", "urban", root)
    root = root.rename(tmp_path / "b")
    folder, metrics = a_bundle(root)
    name = min(key for key, value in metrics.items() if isinstance(value, float))
    (folder / "metrics.json").write_text(json.dumps(metrics | {name: 0.123}))
    assert lb("backfill", "--json", root).json["events"] > 0
    assert exported_metrics(lb, tmp_path, folder.name)[name] == 0.123


STRANGE = {
    "another id": lambda event: event,
    "another name": lambda event: facet_of(event, "lineageBridge_training").update(model=" "),
    "no inputs": lambda event: event.pop("inputs"),
    "another time": lambda event: event.update(eventTime="9999-12-31T23:59:59Z"),
    "a path of nothing": lambda event: own(event)["links"][-1]["said"].update(path="/"),
    "in the place of one": lambda event: (
        own(event).update(supersedes="e" * 32) or event.pop("inputs")
    ),
}


def facet_of(event, key):
    return event["run"]["facets"].get(key, {})


@pytest.mark.parametrize("strange", others_slow(STRANGE, fast=2))
def test_events_of_strangers_under_our_names_change_nothing_of_what_is_said(
    nyc, lb, tmp_path, strange
):
    lb("backfill", "--no-observe", "--namespace", "urban", nyc / "p2", nyc / "p4")
    events = exported_events(lb, tmp_path)
    for number, event in enumerate(events):
        STRANGE[strange](event)
        own(event)["id"] = f"{number:032x}"
    (tmp_path / "odd.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))

    assert lb("journal", "import", tmp_path / "odd.jsonl").code == 0
    assert lb("backfill", "--json", nyc / "p4").json["events"] == 0
    assert lb("doctor").code in {0, 1}


@pytest.mark.sample
def test_an_event_without_the_names_of_its_record_is_none(nyc, lb, tmp_path):
    """Its id is what it says, so it may come from a later version of ours."""
    lb("backfill", "--namespace", "urban", nyc / "p4")
    ends = [e for e in exported_events(lb, tmp_path) if e["eventType"] == "COMPLETE"]
    event = next(e for e in ends if facet_of(e, "lineageBridge_training"))
    facet_of(event, "lineageBridge_training").update(model=" ", upstreamRunId="unknown")
    own(event)["id"] = compute_id(event, None)
    (tmp_path / "odd.jsonl").write_text(json.dumps(event) + "\n")

    assert lb("journal", "import", tmp_path / "odd.jsonl").code == 0
    assert lb("backfill", "--json", nyc / "p4").code == 0
    assert lb("doctor").code in {0, 1}


def exported_metrics(lb, tmp_path, run_id):
    events = exported_events(lb, tmp_path)
    said = [e for e in events if e["run"]["runId"].replace("-", "") == run_id]
    return said[-1]["run"]["facets"]["lineageBridge_training"].get("metrics")


@pytest.mark.sample
def test_a_bundle_that_is_torn_apart_says_what_it_said(nyc, lb, tmp_path):
    """Its metadata are known by their hash, but what lay beside them is not there any more."""
    root = shutil.copytree(nyc / "p4", tmp_path / "p4")
    lb("backfill", "--namespace", "urban", root)
    lb("journal", "export", tmp_path / "journal.jsonl")
    folder, metrics = a_bundle(root)
    (root / "other").mkdir()
    (folder / "metadata.json").rename(root / "other" / "metadata.json")

    other = restored(tmp_path / "journal.jsonl", tmp_path / "other-home")
    assert run_command("backfill", "--json", "--home", other, root).json["events"] == 0
    assert lb("backfill", "--json", root).json["events"] == 0
    assert exported_metrics(lb, tmp_path, folder.name) == metrics


def test_a_published_folder_that_was_moved_names_another_run_by_now(nyc, lb, tmp_path):
    root = shutil.copytree(nyc, tmp_path / "a")
    lb("backfill", "--namespace", "urban", root)
    root = root.rename(tmp_path / "b")
    metadata = next(root.rglob("models/lightgbm_slow/v1/model_metadata.json"))
    said = json.loads(metadata.read_text())
    metadata.write_text(json.dumps(said | {"run_id": "f" * 32}))
    lb("backfill", root)
    lb("journal", "export", tmp_path / "journal.jsonl")

    fresh = restored(tmp_path / "journal.jsonl", tmp_path / "fresh")
    assert run_command("backfill", "--json", "--home", fresh, root).json["events"] == 0
    assert records_in(graph_of(fresh)) == records_in(lb("graph", "--json", "--at", LATE).json)


@pytest.mark.sample
def test_builds_that_are_written_over_each_other_all_stand(nyc, lb, tmp_path):
    root = tmp_path / "output"
    root.mkdir()
    files = sorted((nyc / "p2" / "output").glob("*.parquet"))[:3]
    for path in files:
        shutil.copy(path, root / "training_dataset.parquet")
        os.utime(root / "training_dataset.parquet")
        assert lb("backfill", "--json", "--namespace", "urban", root).json["events"] == 1
        assert lb("backfill", "--json", root).json["events"] == 0

    [node] = [n for n in graph_of(tmp_path / "home")["nodes"] if n["name"].startswith("features")]
    assert len(node["versions"]) == len(files)


@pytest.mark.sample
def test_trainings_that_are_written_over_each_other_all_stand(nyc, lb, tmp_path):
    root = shutil.copytree(nyc / "p4", tmp_path / "p4")
    lb("backfill", "--namespace", "urban", root)
    metadata = min(root.rglob("metadata.json"))
    said = json.loads(metadata.read_text())
    later = {key: "2026-09-09T00:00:00Z" for key in said if key.endswith("_at")}
    metadata.write_text(json.dumps(said | {"run_id": "another"} | later))
    assert lb("backfill", "--json", root).json["events"] > 0

    withdrawn = [e for e in exported_events(lb, tmp_path) if own(e).get("withdraws")]
    assert withdrawn == []


@pytest.mark.sample
def test_a_file_that_changed_twice_is_believed(nyc, lb, tmp_path):
    """Its first change calls for no event, so the event names a state of the file before that."""
    root = shutil.copytree(nyc / "p4", tmp_path / "p4")
    lb("backfill", "--namespace", "urban", root)
    metadata = min(root.rglob("metadata.json"))
    said = json.loads(metadata.read_text())
    metadata.write_text(json.dumps(said, indent=7))
    assert lb("backfill", "--json", root).json["events"] == 0
    metadata.write_text(json.dumps(said | {"run_id": "another"}))
    lb("backfill", root)

    runs = [run["id"] for n in lb("graph", "--json").json["nodes"] for run in n["runs"]]
    assert said["run_id"] not in [run.replace("-", "") for run in runs]


def test_events_of_a_machine_that_knows_less_do_not_stand_for_what_is_known_here(nyc, lb, tmp_path):
    lb("backfill", "--namespace", "urban", nyc / "p2", nyc / "p4", nyc / "p6")
    before = lb("graph", "--json", "--at", LATE).json
    other = tmp_path / "other"
    run_command("backfill", "--home", other, "--namespace", "urban", nyc / "p2", nyc / "p6")
    run_command("journal", "export", "--home", other, tmp_path / "less.jsonl")

    lb("journal", "import", tmp_path / "less.jsonl")
    lb("backfill", nyc / "p4")

    assert lb("graph", "--json", "--at", LATE).json == before
    assert lb("backfill", "--json", nyc / "p4").json["events"] == 0
    lb("journal", "export", tmp_path / "all.jsonl")
    fresh = restored(tmp_path / "all.jsonl", tmp_path / "fresh")
    assert run_command("backfill", "--json", "--home", fresh, nyc / "p4").json["events"] == 0


def test_a_line_that_says_more_than_the_journal_counts(nyc, lb, tmp_path):
    """Also if it is found from another folder, so that its place has another name."""
    root = shutil.copytree(nyc / "p5", tmp_path / "in" / "p5")
    lb("backfill", "--namespace", "urban", root)
    lb("journal", "export", tmp_path / "journal.jsonl")
    events = min(root.rglob("deployment_events.jsonl"))
    lines = events.read_text().replace('"activation_reason":"', '"activation_reason":"re-')
    events.write_text(lines)
    assert "re-" in lines

    other = restored(tmp_path / "journal.jsonl", tmp_path / "other")
    assert run_command("backfill", "--json", "--home", other, tmp_path / "in").json["events"] > 0


def test_doctor_of_a_restored_home_finds_the_same_gaps(exported, nyc_home, tmp_path):
    home = restored(exported, tmp_path / "home")
    ask = ("doctor", "--json", "--home")

    def gaps(shape):
        return sorted((g["kind"], g["what"], g.get("mend", "")) for g in shape["gaps"])

    assert gaps(run_command(*ask, home).json) == gaps(run_command(*ask, nyc_home).json)


def exported_events(lb, tmp_path):
    path = tmp_path / "export.jsonl"
    path.unlink(missing_ok=True)
    assert lb("journal", "export", path).code == 0
    return [json.loads(line) for line in path.read_text().splitlines()]


def own(event):
    return event["run"].get("facets", {}).get("lineageBridge_event", {})


SETTINGS = """
[stores]
"mobility.duckdb" = "city"
[live]
"mobility-serving-layer" = ["duckdb://city:main.raw_station_metrics_1min"]
[policies.freshness.default]
warn_seconds = 60
error_seconds = 120
[aliases.models]
lightgbm_slow = "models.slow"
lightgbm_small = "models.little"
[aliases.datasets]
training_dataset_20260401_003505 = "features.city.week@first"
"""


def test_what_the_settings_of_another_machine_declared_stands_here_without_them(nyc, tmp_path):
    other, here = tmp_path / "other", tmp_path / "here"
    settings = tmp_path / "other.toml"
    settings.write_text(SETTINGS)
    told = ("--namespace", "urban", "--config", settings)
    run_command("backfill", "--home", other, *told, nyc)
    run_command("journal", "export", "--home", other, tmp_path / "export.jsonl")
    restored(tmp_path / "export.jsonl", here)
    (tmp_path / "new").mkdir()

    done = run_command("backfill", "--json", "--home", here, tmp_path / "new")

    assert (done.code, done.json["events"]) == (0, 0)
    assert graph_of(here) == graph_of(other)
    names = {node["name"] for node in graph_of(here)["nodes"]}
    assert {"models.slow", "models.little", "features.city.week"} <= names


@pytest.mark.sample
def test_a_refused_alias_reads_as_sentences(tmp_path):
    home = tmp_path / "home"
    run_command("backfill", tmp_path, "--home", home)
    refused = run_command("alias", "add", "model", "nobody", "models.x", "--home", home)
    assert refused.code == 2
    assert "no artifact says 'nobody' of a model. --force writes it all the same." in refused.err


# A run whose start is known


def test_a_training_within_one_second_starts_and_ends(nyc, lb, tmp_path):
    assert lb("backfill", nyc).code == 0
    run = str(uuid.UUID("5bbf7d7ab2354321958e29c88eb2f8c2"))
    said = [e for e in exported_events(lb, tmp_path) if e["run"]["runId"] == run]

    assert [e["eventType"] for e in said] == ["START", "COMPLETE"]
    assert len({e["eventTime"] for e in said}) == 1
    assert "durationSeconds" not in said[1]["run"]["facets"]["lineageBridge_training"]


def test_a_start_that_turns_up_after_the_end_is_followed_by_the_end_again(nyc, lb, tmp_path):
    assert lb("backfill", nyc).code == 0
    events = exported_events(lb, tmp_path)
    late = [e for e in events if e["job"]["name"].startswith("train.")]
    late = [e for e in late if e["eventType"] == "START"]
    lines = [json.dumps(e) for e in events if e not in late]
    (tmp_path / "without.jsonl").write_text("\n".join(lines))
    home = restored(tmp_path / "without.jsonl", tmp_path / "other")

    again = run_command("backfill", nyc, "--home", home, "--json")
    assert again.json["events"] == 2 * len(late)
    said = exported_events(lambda *args: run_command(*args, "--home", home), tmp_path)[len(lines) :]
    for run in {e["run"]["runId"] for e in late}:
        types = [e["eventType"] for e in said if e["run"]["runId"] == run]
        assert types == ["START", "COMPLETE"]
    assert run_command("backfill", nyc, "--home", home, "--json").json["events"] == 0
