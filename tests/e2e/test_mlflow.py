"""MLflow's stores, read as they lie: the same graph from files, a database and a server."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime
from uuid import UUID

import pytest
from conftest import unpack
from mlflow_stores import EXPERIMENT, Tracking, a_run, a_version, put, serving

from lineage_bridge.ingest.watch import ASK_SECONDS, Watcher
from lineage_bridge.journal import Journal
from lineage_bridge.settings import Settings

NOW = datetime(2026, 4, 8, tzinfo=UTC)
AT = ("--at", "2027-01-01T00:00:00Z")
STATES = {
    "FINISHED": "COMPLETED",
    "FAILED": "FAILED",
    "KILLED": "ABORTED",
    "RUNNING": "RUNNING",
}
NAMED_IN_FULL = {
    "https://data.example.com/gbfs/stations.csv": "https://data.example.com:gbfs/stations.csv",
    "main.raw_station_metrics_1min": "delta:main.raw_station_metrics_1min@12",
}
MADE = {
    ("filestore", "station-empty-classifier"): {
        "1": "logreg-base",
        "2": "lgbm-week",
        "3": "leaves-9",
    },
    ("sqlite", "dock-demand"): {"1": "rf-base3d", "3": "rf-week"},
}
RUN_A, RUN_B = "a" * 32, "0" * 31 + "b"


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    return unpack("mlflow.tar.gz", tmp_path_factory.mktemp("mlflow"))


@pytest.fixture(scope="module")
def expected(stores):
    return json.loads((stores / "good" / "expected.json").read_text())


@pytest.fixture
def home(tmp_path):
    """Where `lb` keeps its journal."""
    return tmp_path / "home"


@pytest.fixture
def store(tmp_path):
    return tmp_path / "site" / "mlruns"


def graph_of(lb, *args):
    return lb("graph", "--json", *AT, *args).json


def runs_of(graph):
    """All runs of trainings and evaluations, by id: their job and state."""
    return {
        run["id"]: (node["name"], run["state"])
        for node in graph["nodes"]
        for run in node.get("runs", [])
        if node["name"].startswith(("train.", "evaluate."))
    }


def versions_read(graph):
    """What each run read, datasets without what observers and promotions read."""
    found = {}
    for edge in graph["edges"]:
        _, _, run = edge["to"].rpartition("@")
        if edge["kind"] != "observe" and edge["to"].startswith("job:default:"):
            found.setdefault(run, set()).add(edge["from"])
    return found


def stamped(name):
    """The version of `training_dataset_20260328_002012`."""
    date, time = name.split("_")[-2:]
    return f"{date[:4]}-{date[4:6]}-{date[6:]}T{time[:2]}:{time[2:4]}:{time[4:]}Z"


def node_of(name):
    if name in NAMED_IN_FULL:
        return f"dataset:{NAMED_IN_FULL[name]}"
    return f"dataset:default:features.mobility.training_dataset@{stamped(name)}"


def said_of(run):
    return {node_of(one.get("p2_dataset") or one["dataset"]) for one in run["datasets"]}


@pytest.fixture(scope="module")
def graphs(stores, nyc, tmp_path_factory):
    """The graph of each store beside the datasets that its runs read."""
    from conftest import run_command

    found = {}
    tracking = Tracking(stores / "good" / "sqlite" / "mlflow.db")
    with serving(tracking) as url:
        for name, source in (
            ("filestore", [stores / "good" / "filestore"]),
            ("sqlite", [stores / "good" / "sqlite"]),
            ("server", ["--mlflow", url]),
        ):
            home = ["--home", tmp_path_factory.mktemp(name)]
            done = run_command("backfill", "--no-observe", *home, "--p2", nyc / "p2", *source)
            assert done.code == 0, done.out
            found[name] = run_command("graph", "--json", *AT, *home).json
    return found


@pytest.mark.parametrize("store", ["filestore", "sqlite"])
def test_each_run_reads_the_versions_that_it_was_trained_on(graphs, expected, store):
    graph, runs = graphs[store], expected[store]["runs"].values()
    active = {str(UUID(run["run_id"])): run for run in runs if run["lifecycle"] == "active"}

    told = runs_of(graph)
    read = versions_read(graph)

    assert {run: state for run, (_, state) in told.items()} == {
        run: STATES[said["status"]] for run, said in active.items()
    } | {run: state for run, (job, state) in told.items() if job.startswith("train.p2.")}
    assert {run: {one for one in read.get(run, ()) if ":models." not in one} for run in active} == {
        run: said_of(said) for run, said in active.items()
    }


@pytest.mark.parametrize(("store", "model"), MADE)
def test_registered_versions_are_made_by_their_runs(graphs, expected, store, model):
    edges = {
        edge["to"].rpartition("@")[2]: edge["from"]
        for edge in graphs[store]["edges"]
        if edge["to"].startswith(f"dataset:default:models.{model}@")
    }
    assert edges == {
        version: f"job:default:train.{model}@{UUID(expected[store]['runs'][run]['run_id'])}"
        for version, run in MADE[store, model].items()
    }


def test_evaluations_and_promotions_read_the_version_that_they_are_of(graphs):
    said = {
        (edge["to"].rpartition("@")[0].rpartition(":")[2], edge["from"].rpartition("@")[2])
        for edge in graphs["filestore"]["edges"]
        if edge["from"].startswith("dataset:default:models.station-empty-classifier@")
        and edge["kind"] != "observe"
    }
    name = "station-empty-classifier"
    assert said == {(f"evaluate.{name}", "2"), *((f"promote.{name}", v) for v in "123")}


def test_a_server_tells_what_its_database_holds(graphs):
    assert graphs["server"]["edges"] == graphs["sqlite"]["edges"]
    assert runs_of(graphs["server"]) == runs_of(graphs["sqlite"])


def events_of(home):
    with Journal(home, readonly=True) as journal:
        return [json.loads(stored.body) for stored in journal.read(limit=10_000)]


def event_of(home, run_id, kind="COMPLETE"):
    """The newest event of a run."""
    said = [
        event
        for event in events_of(home)
        if event["run"]["runId"] == str(UUID(run_id)) and event["eventType"] == kind
    ]
    return said[-1]


def test_the_latest_value_of_a_metric_is_that_of_its_greatest_step(lb, home, stores):
    lb("backfill", "--no-observe", stores / "good" / "filestore")
    (folder,) = (stores / "good").rglob("6332e568be0b433e8d56fd02af7d7cfd")
    lines = (folder / "metrics" / "valid-auc").read_text().splitlines()
    by_hand = max(lines, key=lambda line: int(line.split()[2])).split()[1]

    facets = event_of(home, folder.name)["run"]["facets"]

    assert facets["lineageBridge_training"]["metrics"]["valid-auc"] == float(by_hand)
    assert facets["lineageBridge_training"]["commit"].startswith("600d5223")
    parameters = {p["key"]: p["value"] for p in facets["executionParameters"]["parameters"]}
    assert parameters["num_leaves"] == "7"
    assert {t["key"] for t in facets["tags"]["tags"]} == {"stage", "team"}


def test_a_database_says_which_metrics_are_no_numbers(lb, home, stores):
    lb("backfill", "--no-observe", stores / "good" / "sqlite")
    facet = event_of(home, "a1b3241042ba47969eae822181469d76", "FAIL")["run"]["facets"]
    assert facet["lineageBridge_training"]["flags"] == [
        "not_finite:loss",
        "not_finite:train_accuracy",
    ]


def test_damaged_runs_are_rejected_by_path_and_field_and_the_rest_is_read(lb, home, stores):
    folder = stores / "bad" / "mlflow_filestore"
    done = lb("backfill", "--no-observe", "--json", folder)
    rejected = {
        (one["path"].removeprefix(f"{folder}/mlruns/"), one.get("line"), one.get("field"))
        for one in done.json["rejected"]
    }
    runs = f"{EXPERIMENT}/"
    assert done.code == 1
    assert rejected == {
        (f"{runs}e1b709e538c144b2bb1713fd7a0dc366/meta.yaml", 6, None),
        (
            f"{runs}6332e568be0b433e8d56fd02af7d7cfd/metrics/valid-binary_logloss",
            3,
            "valid-binary_logloss",
        ),
        (f"{runs}1c353ec4fd8244448bce386e6ff275bf/meta.yaml", None, "status"),
        (
            f"{runs}1f7293a22e6645e98b72ddf59a93d053/inputs/c0b32e5b508645c6b9d3659e4c8f1e75/meta.yaml",
            None,
            "source_id",
        ),
        ("models/evil/version-1/meta.yaml", None, None),
    }
    states = {run: state for run, (_, state) in runs_of(graph_of(lb)).items()}
    assert states == {
        "2feb5122-d3d3-4472-b183-e42fde909afc": "COMPLETED",
        "6332e568-be0b-433e-8d56-fd02af7d7cfd": "COMPLETED",
        "1f7293a2-2e66-45e9-8b72-ddf59a93d053": "RUNNING",
    }
    bare = event_of(home, "2feb5122d3d34472b183e42fde909afc")["run"]["facets"]
    assert "metrics" not in bare["lineageBridge_training"]
    told = {(gap["field"], gap["what"]) for gap in lb("doctor", "--json").json["gaps"]}
    assert ("run_id", "the run of the registered version models.orphan@1 is not known") in told
    notes = " ".join(note["what"] for note in lb("doctor", "--json").json["notes"])
    assert "the alias 'champion' of 'orphan' is on '7', which nobody has" in notes


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("mlflow_not_a_database.db", "is no SQLite database"),
        ("mlflow_truncated.db", "cannot be read as a database"),
        ("mlflow_unknown_schema.db", "has the schema 'ffff00000000' (alembic)"),
    ],
)
def test_a_database_that_cannot_be_read_is_rejected_with_the_reason(lb, stores, name, reason):
    done = lb("backfill", "--json", "--mlflow", stores / "bad" / name)
    (rejected,) = done.json["rejected"]
    assert rejected["path"] == str(stores / "bad" / name)
    assert reason in rejected["reason"]


def test_other_databases_are_nobody_s(lb, tmp_path):
    with closing(sqlite3.connect(tmp_path / "app.db")) as connection:
        connection.execute("CREATE TABLE runs (id)")
        connection.commit()
    put(tmp_path / "notes.db", b"no database at all")
    done = lb("backfill", "--json", tmp_path)
    assert (done.code, done.json["rejected"], done.json["events"]) == (0, [], 0)


def test_a_locked_database_is_tried_again_and_what_it_said_stands(lb, stores, tmp_path):
    database = tmp_path / "mlflow.db"
    shutil.copyfile(stores / "good" / "sqlite" / "mlflow.db", database)
    lb("backfill", "--no-observe", tmp_path)
    before = graph_of(lb)["edges"]
    with closing(sqlite3.connect(database, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        writer.execute("UPDATE runs SET lifecycle_stage = 'deleted' WHERE name = 'rf-week'")
        os.utime(database)  # else it is as it was, and is not even opened
        done = lb("backfill", "--no-observe", "--json", tmp_path)
        writer.execute("COMMIT")
    assert "locked" in done.json["rejected"][0]["reason"]
    assert graph_of(lb)["edges"] == before

    done = lb("backfill", "--no-observe", "--json", tmp_path)

    assert (done.code, done.json["rejected"]) == (0, [])
    assert str(UUID("9df90da49eed46c881a6e280465d9f87")) not in runs_of(graph_of(lb))


def test_bundles_and_the_runs_that_they_came_from_are_one(lb, home, nyc, stores):
    done = lb("backfill", "--no-observe", nyc / "p4", stores / "mlruns_nyc", "--p2", nyc / "p2")
    assert done.code == 0, done.out
    bundles = {UUID(path.parent.name) for path in (nyc / "p4").rglob("metadata.json")}
    jobs = {UUID(run): job for run, (job, _) in runs_of(graph_of(lb)).items()}
    unnamed = {run for run, job in jobs.items() if job.startswith("train.mlflow.")}
    assert unnamed.isdisjoint(bundles)
    some = next(run for run in bundles if any((stores / "mlruns_nyc").rglob(run.hex)))
    facets = event_of(home, some.hex)["run"]["facets"]
    assert facets["executionParameters"]["parameters"]  # which only MLflow has
    assert lb("backfill", "--no-observe", "--json", nyc / "p4").json["events"] == 0


def test_a_deployment_of_a_registered_version_serves_what_its_run_made(lb, nyc, store, tmp_path):
    a_run(store, RUN_A)
    a_version(store, "demand", 2, RUN_A)
    events = min((nyc / "p5").rglob("deployment_events.jsonl"))
    event = json.loads(events.read_text().splitlines()[0])
    for name in ("input_dataset_name", "input_dataset_version", "started_at", "completed_at"):
        event[name] = "unknown" if name.startswith("input") else event[name]
    event |= {"model_name": "demand", "model_version": "2"}
    put(tmp_path / "site" / "events" / events.name, json.dumps(event) + "\n")

    done = lb("backfill", "--no-observe", tmp_path / "site")

    assert done.code == 0, done.out
    serving = [edge for edge in graph_of(lb)["edges"] if "job:default:serve." in edge["to"]]
    assert [edge["from"] for edge in serving] == ["dataset:default:models.demand@2"]
    assert serving[0]["link"]["method"] == "run_id"


def test_a_run_is_read_again_when_it_changes_and_gone_once_it_is_deleted(lb, home, store):
    a_run(store, RUN_A, status=1, metrics={"auc": "1 0.5 0\n"})
    lb("backfill", "--no-observe", store.parent)
    assert runs_of(graph_of(lb)) == {str(UUID(RUN_A)): ("train.mlflow.demand", "RUNNING")}

    a_run(store, RUN_A, tags={"mlflow.log-model.history": '[{"artifact_path": "model"}]'})
    lb("backfill", "--no-observe", store.parent)
    assert runs_of(graph_of(lb)) == {str(UUID(RUN_A)): ("train.mlflow.demand", "COMPLETED")}
    facets = event_of(home, RUN_A)["run"]["facets"]
    assert facets["lineageBridge_training"]["metrics"] == {"auc": 0.5}

    a_version(store, "demand", 1, RUN_A)
    lb("backfill", "--no-observe", store.parent)
    graph = graph_of(lb)
    assert runs_of(graph) == {str(UUID(RUN_A)): ("train.demand", "COMPLETED")}
    models = {node["name"] for node in graph["nodes"] if node["name"].startswith("models.")}
    assert models == {"models.demand"}

    a_version(store, "demand", 1, RUN_A, current_stage="Deleted_Internal")
    a_run(store, RUN_A, lifecycle_stage="deleted")
    lb("backfill", "--no-observe", store.parent)
    assert runs_of(graph_of(lb)) == {}
    again = lb("backfill", "--no-observe", "--json", store.parent)
    assert again.json["events"] == 0


def test_an_alias_that_moves_leaves_the_decision_before(lb, store):
    for number, run in enumerate((RUN_A, RUN_B), start=1):
        a_run(store, run)
        a_version(store, "demand", number, run)
    meta = store / "models" / "demand" / "meta.yaml"
    first = meta.read_text()
    for version, time in (("1", 1_774_000_100_000), ("2", 1_774_000_200_000)):
        put(store / "models" / "demand" / "aliases" / "champion", version)
        meta.write_text(f"{first}last_updated_timestamp: {time}\n")
        lb("backfill", "--no-observe", store.parent)

    decided = [
        (edge["from"].rpartition("@")[2], edge["to"].rpartition("@")[0])
        for edge in graph_of(lb)["edges"]
        if ":promote." in edge["to"]
    ]

    assert sorted(decided) == [(v, "job:default:promote.demand") for v in "12"]


def test_what_mlflow_said_is_known_from_the_journal_alone(lb, stores, nyc, tmp_path):
    site = tmp_path / "site"
    shutil.copytree(stores / "good", site)
    lb("backfill", "--no-observe", site, "--p2", nyc / "p2")
    before = graph_of(lb)["edges"]
    lb("journal", "export", "--out", tmp_path / "all.ndjson")
    shutil.rmtree(site)

    assert lb("backfill", "--no-observe", "--json", nyc / "p2").json["events"] == 0
    assert graph_of(lb)["edges"] == before


def test_a_server_is_a_source_and_asked_every_minute(lb, stores, tmp_path):
    database = tmp_path / "tracking" / "mlflow.db"
    database.parent.mkdir()
    shutil.copyfile(stores / "good" / "sqlite" / "mlflow.db", database)
    tracking, home = Tracking(database), tmp_path / "home"
    with serving(tracking) as url:
        assert lb("backfill", "--no-observe", "--mlflow", url).code == 0
        (source,) = lb("sources", "list", "--json").json["sources"]
        assert (source["path"], source["family"]) == (url, "mlflow")
        with Journal(home) as journal:
            clock, passes = [0.0], []
            watcher = Watcher(
                journal,
                Settings(home=home),
                threading.Event(),
                tell=passes.append,
                observes=False,
                clock=lambda: clock[0],
                now=lambda: NOW,
            )
            watcher.run([None])
            with closing(sqlite3.connect(database)) as writer:
                ended = "status = 'FINISHED', end_time = start_time + 5"
                writer.execute(f"UPDATE runs SET {ended} WHERE name = 'rf-live'")
                writer.commit()
            watcher.run([frozenset()])
            asked = len(tracking.asked)
            clock[0] += ASK_SECONDS
            watcher.run([frozenset()])
        assert [one.done.events > 0 for one in passes] == [False, True]
        assert len(tracking.asked) > asked
        before = graph_of(lb)["edges"]
        tracking.is_down = True
        down = lb("backfill", "--no-observe", "--json", "--mlflow", url)
    gone = lb("backfill", "--no-observe", "--json", "--mlflow", url)

    assert [one.json["rejected"][0]["path"] for one in (down, gone)] == [url, url]
    assert "answers 503" in down.json["rejected"][0]["reason"]
    assert "cannot be reached" in gone.json["rejected"][0]["reason"]
    assert graph_of(lb)["edges"] == before


@pytest.mark.parametrize("url", ["http://me:secret@127.0.0.1:5000", "ftp://127.0.0.1", "http://"])
def test_a_url_that_cannot_be_asked_is_refused_without_its_login(lb, url):
    done = lb("backfill", "--mlflow", url)
    assert done.code == 2
    assert "secret" not in done.err


def test_a_server_for_a_family_that_has_none_is_refused(lb):
    done = lb("backfill", "--p4", "http://127.0.0.1:5000")
    assert done.code == 2
    assert "no server" in done.err


def test_the_folder_of_a_run_is_its_own(lb, store):
    run = a_run(store, RUN_A)
    bundle = {"run_id": "x", "candidate_name": "y"}
    put(run / "artifacts" / "bundle" / "metadata.json", json.dumps(bundle))
    done = lb("backfill", "--no-observe", "--json", store.parent)
    assert (done.code, done.json["read"]) == (0, {"mlflow run": 1})


def test_paths_of_another_machine_and_of_windows_lead_to_the_dataset(lb, store, nyc):
    dataset = min((nyc / "p2").rglob("training_dataset_*.parquet"))
    a_run(store, RUN_A, params={"train_path": f"C:\\\\data\\{dataset.name}"})
    a_run(store, RUN_B, params={"data_file": f"file:///srv/other/{dataset.name}"})
    lb("backfill", "--no-observe", store.parent, "--p2", nyc / "p2")
    read = versions_read(graph_of(lb))
    same = {f"dataset:default:features.mobility.training_dataset@{stamped(dataset.stem)}"}
    assert [read[str(UUID(run))] for run in (RUN_A, RUN_B)] == [same, same]
