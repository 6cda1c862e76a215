"""Inference logs that a backfill finds: read on as they grow, told once, tied to who wrote them."""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import shutil
import sqlite3
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from contract.collector_world import world
from inference_logs import SHAPES, nested, request, write_lines, write_parquet

from lineage_bridge.ingest.sources import named, remember
from lineage_bridge.ingest.watch import Watcher
from lineage_bridge.journal import Journal
from lineage_bridge.naming import Slot
from lineage_bridge.observe.logs.hours import list_answered, list_hours, profile_of
from lineage_bridge.settings import Settings

SLOT = Slot("scoring", "prod", "fraud-eu")
LOG = "inference_log.fraud-eu.prod.scoring"


def whole(of: dict[str, Any]) -> dict[str, Any]:
    """A row that says all of who answered."""
    return nested(of) | {"environment": "prod", "service": "scoring"}


def rows(first: int, last: int, **members: Any) -> list[dict[str, Any]]:
    return [whole(request(number, **members)) for number in range(first, last)]


def label(number: int, truth: int, **members: Any) -> dict[str, Any]:
    return {"request_id": f"r-{number}", "label": truth, **members}


def start(folder: Path, version: str = "7", minute: int = 0) -> None:
    """Let the deployment say that an instance of it started to serve a version."""
    event = {
        "schema_version": "v1", "event_type": "serving_deployment_activated",
        "event_time": f"2026-04-30T00:{minute:02}:00Z", "service_name": "scoring",
        "service_version": "1", "environment": "prod", "deployment_id": "fraud-eu",
        "instance_id": "a", "model_name": "fraud", "model_version": version, "bundle_id": "b",
        "bundle_uri": "file:///b", "bundle_created_at": "2026-04-29T00:00:00Z",
        "input_dataset_name": "daily", "input_dataset_version": "1",
        "started_at": "2026-04-29T00:00:00Z", "completed_at": "2026-04-29T01:00:00Z",
        "activation_reason": "startup", "traffic_status": "active",
    }  # fmt: skip
    path = folder / "events" / "deployment_events.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(f"{json.dumps(event)}\n")


def standing(home: Path) -> list[dict[str, Any]]:
    """The events that no other one supersedes or withdraws, in the order of their arrival."""
    with Journal(home, readonly=True) as journal:
        found = [json.loads(stored.body) for stored in journal.read(limit=100_000)]
    own = [event["run"]["facets"]["lineageBridge_event"] for event in found]
    gone = {one.get("supersedes") for one in own}
    gone |= {of_one for one in own for of_one in one.get("withdraws", ())}
    return [
        event
        for event, one in zip(found, own, strict=True)
        if one["id"] not in gone and not one.get("withdraws")
    ]


def qualities(home: Path) -> list[dict[str, Any]]:
    """The facets about logs that stand, by version and time."""
    found = [
        {key: value for key, value in dataset["facets"]["lineageBridge_quality"].items()
         if key[0] != "_"}
        for event in standing(home)
        for dataset in event["inputs"]
        if "lineageBridge_quality" in dataset.get("facets", {})
    ]  # fmt: skip
    return sorted(found, key=lambda one: (one["modelVersion"], one["evaluatedAt"]))


def hours(home: Path) -> list[tuple[str, int, int]]:
    """Version, rows, and the sum of a feature, of each hour."""
    with Journal(home, readonly=True) as journal, journal.reading() as connection:
        return [
            (hour.version, hour.rows, column_sum(connection, hour))
            for hour in list_hours(connection, SLOT)
        ]


def column_sum(connection: sqlite3.Connection, hour: Any) -> int:
    profile = profile_of(connection, hour)
    assert profile.rows == hour.rows
    points = profile.whole.column("amount").numbers
    return round(float((points.values * points.counts).sum()) / 1.5)


def writers(home: Path) -> set[tuple[str, str]]:
    """Job and event type of all events that write the log."""
    return {
        (event["job"]["name"], event["eventType"])
        for event in standing(home)
        for dataset in event["outputs"]
        if dataset["name"] == LOG
    }


@pytest.fixture
def home(tmp_path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def logs(tmp_path) -> Path:
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("form", ["log.jsonl", "log.jsonl.gz", "log.jsonl.3", "log.parquet"])
def test_a_log_becomes_hours_and_a_finding_and_is_not_read_twice(form, lb, logs, home):
    write = write_parquet if form.endswith(".parquet") else write_lines
    write(logs / form, rows(0, 90) + rows(90, 100, version="8"))
    done = lb("backfill", "--json", "--logs", logs)
    assert (done.code, done.json["observed"]["read"]) == (0, {"log": 1})
    assert hours(home) == [("7", 60, sum(range(60))), ("7", 30, sum(range(60, 90))),
                           ("8", 10, sum(range(90, 100)))]  # fmt: skip
    assert [(q["modelVersion"], q["rows"], q["unlabelledRatio"]) for q in qualities(home)] == [
        ("7", 90, 1.0),
        ("8", 10, 1.0),
    ]
    assert qualities(home)[0]["evaluatedAt"] == "2026-05-01T01:29:00Z"  # that of its newest row
    again = lb("backfill", "--json", "--logs", logs).json
    assert again["observed"] == {"read": {}, "events": {}}


def test_in_another_folder_only_what_is_surely_a_log_is_read(lb, logs, home, tmp_path):
    (tmp_path / "lineage-bridge.toml").write_text('[inference_logs."odd.jsonl"]\n')
    write_lines(logs / "sure.jsonl", rows(0, 3))
    nameless = [{**row, "deployment_id": None, "model": None} for row in rows(3, 6)]
    write_lines(logs / "nameless.jsonl", nameless)
    write_lines(logs / "windows.jsonl", [{"request_count": 3, "prediction": 1}])
    write_lines(logs / "notes.jsonl", ["no JSON at all"])
    write_lines(logs / "odd.jsonl", [{**row, "features": {}} for row in rows(6, 9)])
    (logs / "labels.csv").write_text("request_id,label\nr-1,1\n")
    done = lb("backfill", "--json", logs)
    assert (done.code, done.json["observed"]["read"]) == (0, {"log": 2})
    assert done.json["ignored"] == {"of no family": 4}
    assert sum(rows for _, rows, _ in hours(home)) == 6
    assert lb("backfill", "--json", logs).json["ignored"] == {"of no family": 4}


def test_a_log_that_grows_is_read_on_and_its_day_told_anew(lb, logs, home):
    path = logs / "log.jsonl"
    write_lines(path, rows(0, 40))
    lb("backfill", "--logs", logs)
    with path.open("a") as file:
        file.writelines(f"{json.dumps(row)}\n" for row in rows(40, 70))
        file.write('{"request_id": "r-70", "times')  # somebody is writing it
    done = lb("backfill", "--json", "--logs", logs)
    assert [one["reason"][:27] for one in done.json["rejected"]] == ["the last line is not finish"]
    assert hours(home) == [("7", 60, sum(range(60))), ("7", 10, sum(range(60, 70)))]
    (one,) = qualities(home)
    assert (one["rows"], one["lastRequest"]) == (70, "2026-05-01T01:09:00Z")
    with path.open("a") as file:
        rest = json.dumps(whole(request(70)))[len('{"request_id": "r-70", "times') :]
        file.write(f"{rest}\n")
    assert lb("backfill", "--logs", logs).code == 0
    assert hours(home)[1] == ("7", 11, sum(range(60, 71)))


@pytest.mark.parametrize("how", ["renamed", "packed", "copied and cut"])
def test_a_rotated_log_counts_each_request_once(how, lb, logs, home):
    path = logs / "log.jsonl"
    write_lines(path, rows(0, 40))
    lb("backfill", "--logs", logs)
    with path.open("a") as file:
        file.writelines(f"{json.dumps(row)}\n" for row in rows(40, 50))
    if how == "packed":
        (logs / "log.jsonl.1.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    elif how == "renamed":
        path.rename(logs / "log.jsonl.1")
    else:
        shutil.copy(path, logs / "log.jsonl.1")
    write_lines(path, rows(50, 60))
    lb("backfill", "--logs", logs)
    assert hours(home) == [("7", 60, sum(range(60)))]
    assert qualities(home)[0]["rows"] == 60
    shutil.rmtree(logs)
    logs.mkdir()
    lb("backfill", "--logs", logs)
    assert hours(home) == [("7", 60, sum(range(60)))]  # what is known stays


def test_a_log_that_was_rotated_away_keeps_what_it_brought(lb, logs, home):
    path = logs / "log.jsonl"
    write_lines(path, rows(0, 40))
    lb("backfill", "--logs", logs)
    path.rename(logs.parent / "elsewhere")
    write_lines(path, rows(40, 45))
    lb("backfill", "--logs", logs)
    assert hours(home) == [("7", 45, sum(range(45)))]


def test_a_file_that_was_written_anew_replaces_what_it_brought(lb, logs, home):
    write_parquet(logs / "a.parquet", rows(0, 30))
    write_parquet(logs / "b.parquet", rows(20, 40))
    lb("backfill", "--logs", logs)
    (one,) = qualities(home)
    assert (one["rows"], one["duplicates"]) == (40, 10)
    write_parquet(logs / "a.parquet", rows(0, 10) + rows(60, 90))
    lb("backfill", "--logs", logs)
    assert sum(count for _, count, _ in hours(home)) == 60
    (one,) = qualities(home)
    assert (one["rows"], one.get("duplicates", 0)) == (60, 0)


@pytest.mark.slow
def test_bit_by_bit_says_the_same_as_at_once(lb, tmp_path):
    """Rows, labels and corrections come in any order and in any parts."""
    order = random.Random(7)
    days = [f"2026-05-{day:02}" for day in (1, 2, 3)]
    lines = [
        whole(request(number, at=f"{days[number % 3]}T{number % 24:02}:00:00Z"))
        for number in range(60)
    ]
    truths = [label(n, n % 3 == 1, observed_at=f"2026-05-{1 + n % 5:02}T12:00:00Z")
              for n in range(0, 60, 2)]  # fmt: skip
    truths += [label(n, 1, observed_at="2026-05-05T13:00:00Z") for n in range(0, 60, 10)]
    untimed = "".join(f"r-{n},0\n" for n in range(1, 60, 20))
    every = [*lines, *truths]
    found = []
    for parts in (1, 5):
        folder = tmp_path / f"parts-{parts}"
        folder.mkdir()
        (folder / "a.csv").write_text(f"request_id,label\n{untimed}")
        order.shuffle(every)
        for part in range(parts):
            write_lines(folder / f"{part}.jsonl", every[part::parts])
            home = tmp_path / f"home-{parts}"
            assert lb("backfill", "--logs", folder, "--home", home).code == 0
        found.append((hours(home), qualities(home)))
    assert found[0] == found[1]
    assert len(found[0][1]) == 5  # a finding for each day on which rows or labels came
    assert found[0][1][-1]["labelled"] == 33


def test_labels_count_from_when_they_are_known(lb, logs, home):
    write_lines(logs / "log.jsonl", rows(0, 20))
    (logs / "truth.csv").write_text(
        "request_id,label,observed_at\n"
        "r-1,1,2026-05-01T03:00:00Z\nr-1,0,2026-05-02T03:00:00Z\n"
        "r-3,1,2026-05-02T04:00:00Z\nr-5,0,2026-05-09T04:00:00Z\n"
    )
    assert lb("backfill", "--logs", logs).code == 0
    first, second, last = qualities(home)
    assert [one["evaluatedAt"][:10] for one in (first, second, last)] == [
        "2026-05-01", "2026-05-02", "2026-05-09"
    ]  # fmt: skip
    assert (first["labelled"], first["unlabelledRatio"]) == (0, 1.0)
    assert "accuracy" not in first
    assert (second["labelled"], second["accuracy"]["value"]) == (2, 0.5)
    assert (last["labelled"], last["labelsLate"], last["labelsAgain"]) == (2, 1, 1)


def test_the_runs_that_serve_write_the_log(lb, logs, home, tmp_path):
    write_lines(logs / "log.jsonl", rows(0, 5))
    p5 = tmp_path / "p5"
    start(p5)
    start(p5, "8", minute=30)  # ends the run of 7
    lb("backfill", "--p5", p5)
    assert writers(home) == set()
    lb("backfill", "--p5", p5, "--logs", logs)
    assert writers(home) == {(SLOT.job, "START"), (SLOT.job, "COMPLETE")}
    of_seven = [e for e in standing(home) if e["outputs"] and "/7" in json.dumps(e["outputs"])]
    assert len({json.dumps([d["name"] for d in e["outputs"]]) for e in of_seven}) == 1
    edges = lb("graph", "--json").json["edges"]
    assert any(
        e["from"].startswith(f"job:default:{SLOT.job}@") and e["to"].endswith(f"{LOG}@fraud/7")
        for e in edges
    )
    # The journal alone says it too: elsewhere nothing is withdrawn, nor said again.
    exported = tmp_path / "journal.ndjson"
    lb("journal", "export", exported)
    other = tmp_path / "other"
    lb("journal", "import", exported, "--home", other)
    (tmp_path / "empty").mkdir()
    done = lb("backfill", tmp_path / "empty", "--home", other, "--json").json
    assert done["events"] == 0
    assert writers(other) == writers(home)


def test_a_log_without_a_start_has_a_writer_until_one_is_known(lb, logs, home, tmp_path):
    write_lines(logs / "log.jsonl", rows(0, 5))
    lb("backfill", "--logs", logs)
    assert writers(home) == {(SLOT.job, "COMPLETE")}
    edges = lb("graph", "--json").json["edges"]
    assert any(e["from"] == "dataset:default:models.fraud@7" for e in edges)
    start(tmp_path / "p5")
    lb("backfill", "--p5", tmp_path / "p5", "--logs", logs)
    assert writers(home) == {(SLOT.job, "START")}


def test_rows_that_leave_open_who_answered_wait_until_it_is_known(lb, logs, home, tmp_path):
    short = [{**nested(request(n)), "model": {"version": "7"}} for n in range(5)]
    write_lines(logs / "log.jsonl", short)
    lb("backfill", "--logs", logs)
    assert hours(home) == []
    (gap,) = (g for g in lb("doctor", "--json").json["gaps"] if g["kind"] == "log_of_nobody")
    assert "5 rows" in gap["what"]
    assert "'fraud-eu'" in gap["what"]
    assert "inference_logs" in gap["mend"]
    start(tmp_path / "p5")
    lb("backfill", "--p5", tmp_path / "p5")
    assert hours(home) == [("7", 5, sum(range(5)))]
    assert not [g for g in lb("doctor", "--json").json["gaps"] if g["kind"] == "log_of_nobody"]


def test_what_the_settings_say_of_a_log_has_it_read_again(lb, logs, home, tmp_path):
    short = [{**nested(request(n)), "model": None} for n in range(5)]
    write_lines(logs / "log.jsonl", short)
    lb("backfill", "--logs", logs)
    assert hours(home) == []
    (tmp_path / "lineage-bridge.toml").write_text(
        '[inference_logs."logs/*"]\nenvironment = "\'prod\'"\nservice = "\'scoring\'"\n'
        "model = \"'fraud'\"\nversion = \"'7'\"\n"
    )
    lb("backfill", "--logs", logs)
    assert hours(home) == [("7", 5, sum(range(5)))]


def test_rows_that_cannot_be_read_are_in_quarantine_until_they_are_mended(lb, logs, home):
    bad = ["no json", {**whole(request(1)), "timestamp": "noon"}, *rows(2, 5)]
    path = write_lines(logs / "log.jsonl", bad)
    write_lines(logs / "other.csv", ["a,b", "1,2"])
    done = lb("backfill", "--json", "--logs", logs)
    assert done.code == 1
    rejected = {(Path(r["path"]).name, r.get("line")) for r in done.json["rejected"]}
    assert rejected == {("log.jsonl", 1), ("log.jsonl", 2), ("other.csv", None)}
    assert sum(count for _, count, _ in hours(home)) == 3
    write_lines(path, rows(0, 5))
    (logs / "other.csv").unlink()
    assert lb("backfill", "--logs", logs).code == 0
    assert sum(count for _, count, _ in hours(home)) == 5


@pytest.mark.parametrize("shape", SHAPES)
def test_a_dry_run_tells_what_would_be_said_of_logs(shape, lb, logs, home):
    found = [SHAPES[shape](request(n)) | {"environment": "prod", "service": "scoring"}
             for n in range(5)]  # fmt: skip
    write_lines(logs / "log.jsonl", found)
    events = lb("backfill", "--dry-run", "--json", "--logs", logs).json
    assert {e["job"]["name"] for e in events} == {SLOT.job, f"observe.{LOG}"}
    assert not home.exists()


def test_a_second_name_of_a_file_and_its_times_do_not_count(lb, logs, home):
    path = write_lines(logs / "log.jsonl", rows(0, 5))
    os.link(path, logs / "log.jsonl.1")
    lb("backfill", "--logs", logs)
    os.utime(path, (1, 1))
    lb("backfill", "--logs", logs)
    assert hours(home) == [("7", 5, sum(range(5)))]
    with Journal(home, readonly=True) as journal, journal.reading() as connection:
        assert [a.version for a in list_answered(connection)] == ["7"]


def test_all_surfaces_say_what_the_log_of_a_deployment_tells(lb, logs, home):
    write_lines(logs / "log.jsonl", rows(0, 20) + rows(20, 30, version="8"))
    truths = [label(n, int(n > 3)) for n in (1, 3, 5)]
    (logs / "truth.csv").write_text(
        "request_id,label\n" + "".join(f"{t['request_id']},{t['label']}\n" for t in truths)
    )
    lb("backfill", "--logs", logs)
    at = ("--at", "2026-05-01T01:29:00Z")
    for name in ("fraud-eu", "prod/fraud-eu", LOG, f"observe.{LOG}"):
        (one,) = lb("inference", name, "--json", *at).json["deployments"]
        assert [(f["modelVersion"], f["rows"]) for f in one["findings"]] == [("8", 10), ("7", 20)]
        assert one["age_seconds"] == 3600
    assert one["findings"][1]["accuracy"]["value"] == pytest.approx(1 / 3)
    assert "accuracy" not in one["findings"][0]
    shown = lb("inference", *at).out
    assert "prod/fraud-eu" in shown
    assert "33.3 %" in shown
    metrics = lb("exporter", "--once", *at).out
    assert 'ml_inference_rows_total{deployment="fraud-eu",environment="prod"' in metrics
    assert re.search('ml_inference_unlabelled_ratio{.*model_version="8".*} 1.0', metrics)
    assert "ml_model_accuracy_ratio{" not in metrics  # of the version that answered last
    before = lb("inference", "fraud-eu", "--json", "--at", "2026-04-30T00:00:00Z")
    assert before.code == 2  # nothing was known of it then
    missing = lb("inference", "fraud-us", *at)
    assert missing.code == 2
    assert "fraud-eu" in missing.err


def test_no_log_is_unknown_and_no_all_clear(lb, tmp_path):
    start(tmp_path / "p5")
    lb("backfill", "--p5", tmp_path / "p5")
    (one,) = lb("inference", "--json").json["deployments"]
    assert one["findings"] == []
    assert "unknown" in lb("inference", "fraud-eu").out
    metrics = lb("exporter", "--once").out
    assert re.search(r"ml_inference_log_age_seconds\{.*\} \+Inf", metrics)
    assert "ml_inference_rows_total{" not in metrics


@pytest.mark.parametrize("has_start", [True, False])
def test_a_server_of_marquez_api_shows_who_writes_the_log(has_start, lb, logs, home, tmp_path):
    write_lines(logs / "log.jsonl", rows(0, 5))
    folders = ["--logs", logs]
    if has_start:
        start(tmp_path / "p5")
        start(tmp_path / "p5", minute=10)  # the same instance again: the first run has ended
        folders += ["--p5", tmp_path / "p5"]
    lb("backfill", *folders)
    with world(home) as w:
        graph = w.get(f"/lineage?nodeId=dataset:default:{LOG}&depth=1")["graph"]
        edges = {
            (edge["origin"], edge["destination"]) for node in graph for edge in node["outEdges"]
        }
        assert (f"job:default:{SLOT.job}", f"dataset:default:{LOG}") in edges
        versions = w.get(f"/namespaces/default/datasets/{LOG}/versions")["versions"]
        by = [version["createdByRun"] for version in versions if version["createdByRun"]]
        assert {run["jobVersion"]["name"] for run in by if run.get("jobVersion")} <= {SLOT.job}
        assert by


def test_whatever_lies_in_a_folder_of_logs_is_read_or_named(lb, logs):
    (logs / "nothing.jsonl").touch()  # it was rotated: no fault
    (logs / "nothing.parquet").touch()
    (logs / "cut.jsonl.gz").write_bytes(gzip.compress(b'{"a": 1}\n' * 1000)[:40])
    (logs / "bytes.parquet").write_bytes(b"PAR1xxxx")
    write_parquet(logs / "no rows.parquet", rows(0, 1))
    table = pq.read_table(logs / "no rows.parquet").slice(0, 0)
    pq.write_table(table, logs / "no rows.parquet")
    write_lines(logs / "timeless.jsonl", [{**row, "timestamp": None} for row in rows(0, 4)])
    odd = [None, [1], "x", True, {"z": 1}, float("nan"), 10**30, ""]
    write_lines(logs / "odd.jsonl", [
        {**row, "features": {"amount": value, "prediction": value}}
        for row, value in zip(rows(10, 18), odd, strict=True)
    ])  # fmt: skip
    done = lb("backfill", "--json", "--logs", logs)
    assert {Path(one["path"]).name for one in done.json["rejected"]} == {
        "nothing.parquet", "cut.jsonl.gz", "bytes.parquet", "no rows.parquet"
    }  # fmt: skip
    assert lb("inference", "fraud-eu", "--json").json["deployments"][0]["findings"][0]["rows"] == 12
    notes = [n for n in lb("doctor", "--json").json["notes"] if n["kind"] != "node_bad"]
    assert [(n["kind"], n["field"]) for n in notes] == [("log_without_time", "time")]
    assert lb("backfill", "--json", "--logs", logs).json["observed"]["read"] == {}


def test_a_watcher_reads_a_log_as_it_grows_and_is_rotated(lb, logs, home):
    """Only what changed is looked at in each pass."""
    path = logs / "log.jsonl"
    write_lines(path, rows(0, 30))
    with Journal(home) as journal:
        remember(journal, named([logs], "logs"), datetime.now(UTC))
        passes = []
        watcher = Watcher(journal, Settings(), threading.Event(), tell=passes.append)

        def looks():
            yield None
            with path.open("a") as file:
                file.writelines(f"{json.dumps(row)}\n" for row in rows(30, 50))
            yield frozenset({str(path)})
            path.rename(logs / "log.jsonl.1")
            write_lines(path, rows(50, 60))
            yield frozenset({str(path), str(logs / "log.jsonl.1")})
            yield frozenset({str(logs)})

        watcher.run(looks())
    assert [one.observed.read["log"] for one in passes] == [1, 1, 1, 0]
    assert [one.observed.events["quality"] > 0 for one in passes] == [True, True, True, False]
    assert hours(home) == [("7", 60, sum(range(60)))]
    assert [one["rows"] for one in qualities(home)] == [60]


def test_a_request_counts_where_it_is_known_who_answered_it(lb, logs, home):
    """Not where the same request stands as well, in words that leave it open."""
    write_lines(logs / "a.jsonl", [nested(request(n)) for n in range(6)])
    write_lines(logs / "b.jsonl", rows(3, 9))
    lb("backfill", "--logs", logs)
    assert hours(home) == [("7", 6, sum(range(3, 9)))]
