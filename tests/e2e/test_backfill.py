"""Backfill as a user runs it: again, from elsewhere, killed, on bad files, dry."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import run_command

from lineage_bridge.ingest import memory
from lineage_bridge.journal import Journal


def bodies(home: Path) -> dict[str, bytes]:
    with Journal(home, readonly=True) as journal:
        return {stored.id: stored.body for stored in journal.read(limit=100_000)}


def test_a_second_and_a_third_backfill_append_nothing(nyc, lb, tmp_path):
    first = lb("backfill", "--json", nyc)
    again = lb("backfill", "--json", nyc)
    parent = lb("backfill", "--json", nyc.parent)

    assert first.json["events"] > 100
    assert again.json["events"] == parent.json["events"] == 0
    assert again.json["read"] == {}
    assert again.json["unchanged"] > 300


@pytest.mark.slow
def test_a_copy_of_the_folder_appends_nothing(nyc, lb, tmp_path):
    lb("backfill", nyc)
    copy = shutil.copytree(nyc, tmp_path / "elsewhere" / "copy")

    result = lb("backfill", "--json", copy)

    assert result.json["events"] == 0
    assert result.json["windows"] == {"read": 0, "duplicates": 713}


def test_events_stand_in_ascending_event_time(nyc_home):
    """But for the last word of each observer, which is known only when all was read."""
    with Journal(nyc_home, readonly=True) as journal:
        stored = journal.read(limit=100_000)
    jobs = [json.loads(event.body)["job"]["name"] for event in stored]
    last = {job: number for number, job in enumerate(jobs) if job.startswith("observe.")}
    times = [e.time_us for number, e in enumerate(stored) if number not in last.values()]
    assert times == sorted(times)


@pytest.mark.slow
@pytest.mark.parametrize(
    "after_bytes", [50_000, pytest.param(200_000, marks=pytest.mark.sample), 400_000]
)
def test_a_killed_backfill_and_another_give_the_same_events(nyc, nyc_home, tmp_path, after_bytes):
    """Killed when the journal's log has grown to a size, then run again."""
    home = tmp_path / "home"
    folders = [f"--{family}={nyc / family}" for family in ("p2", "p4", "p5", "p6")]
    arguments = ["backfill", "--no-observe", "--home", str(home), "--namespace", "urban", *folders]
    command = [sys.executable, "-m", "lineage_bridge.cli.main", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    log = home / "journal.db-wal"
    while process.poll() is None:
        if log.exists() and log.stat().st_size > after_bytes:
            process.send_signal(signal.SIGKILL)
            break
    process.wait()

    assert run_command(*arguments).code == 0
    assert bodies(home) == bodies(nyc_home)


def test_a_home_of_a_backfill_that_was_killed_at_once_can_be_asked(lb, tmp_path):
    with Journal(tmp_path / "home") as journal:
        memory.prepare(journal, "urban")

    result = lb("doctor", "--json")

    assert (result.code, result.err) == (0, "")
    assert result.json == {"gaps": [], "notes": [], "rejected": [], "rejected_count": 0}


@pytest.mark.slow
def test_a_dry_run_prints_valid_events_and_writes_nothing(nyc, lb, tmp_path):
    result = lb("backfill", "--dry-run", "--json", nyc)

    assert len(result.json) > 100
    assert {e["eventType"] for e in result.json} == {"START", "COMPLETE"}
    assert not (tmp_path / "home").exists()


def test_a_home_keeps_its_namespace(nyc, lb):
    lb("backfill", "--namespace", "one", "--p4", nyc / "p4")

    other = lb("backfill", "--namespace", "two", "--p4", nyc / "p4")
    assert other.code == 2
    assert "holds namespace `one`" in other.err
    assert lb("backfill", "--p4", nyc / "p4").code == 0


def test_mistakes_of_usage_are_said_clearly(lb, tmp_path):
    missing = lb("backfill", "--p2", tmp_path / "nowhere")
    assert missing.code == 2
    assert "nowhere" in missing.err
    assert "does not exist" in missing.err
    assert lb("backfill").code == 2
    bad = lb("backfill", "--namespace", "a b", tmp_path)
    assert bad.code == 2
    assert "namespace" in bad.err
    assert lb("health").code == 2


def test_a_half_written_line_waits_until_it_is_complete(nyc, lb, tmp_path):
    source = next(nyc.rglob("deployment_events.jsonl"))
    line = source.read_text().splitlines()[0]
    growing = tmp_path / "p5" / "deployment_events.jsonl"
    growing.parent.mkdir()
    growing.write_text(line[:100])

    torn = lb("backfill", "--json", "--p5", growing.parent)
    assert torn.code == 1
    assert torn.json["events"] == 0
    assert torn.json["rejected"][0]["line"] == 1

    growing.write_text(line + "\n")
    os.utime(growing, ns=(1, 1))
    whole = lb("backfill", "--json", "--p5", growing.parent)
    assert whole.code == 0
    assert whole.json["read"] == {"p5 events": 1}
    assert whole.json["rejected"] == []


def test_a_mended_file_is_read_and_leaves_the_quarantine(nyc, lb, tmp_path):
    source = next((nyc / "p4").rglob("metadata.json")).parent
    bundle = shutil.copytree(source, tmp_path / "p4" / source.name)
    good = (bundle / "metrics.json").read_text()
    (bundle / "metrics.json").write_text('{"test_rmse": "0.1"}')

    broken = lb("backfill", "--json", "--p4", bundle.parent)
    assert broken.code == 1
    assert broken.json["rejected"][0]["field"] == "test_rmse"
    assert broken.json["events"] >= 1

    (bundle / "metrics.json").write_text(good)
    mended = lb("backfill", "--json", "--p4", bundle.parent)
    assert mended.code == 0
    assert mended.json["rejected"] == []
    events = lb("graph", "--json").json
    run = next(n for n in events["nodes"] if n["name"].startswith("train."))["runs"][0]
    assert run["id"].replace("-", "") == source.name


def test_of_two_bundles_of_one_run_the_one_in_its_own_folder_wins(nyc, lb, tmp_path):
    source = next((nyc / "p4").rglob("metadata.json")).parent
    shutil.copytree(source, tmp_path / "p4" / source.name)
    other = shutil.copytree(source, tmp_path / "p4" / "a-copy")
    document = json.loads((other / "metadata.json").read_text())
    document["candidate_name"] = "another"
    (other / "metadata.json").write_text(json.dumps(document))

    result = lb("backfill", "--json", "--p4", tmp_path / "p4")

    assert result.code == 1
    (rejected,) = result.json["rejected"]
    assert rejected["path"].endswith("a-copy/metadata.json")
    assert source.name in rejected["reason"]
    names = {n["name"] for n in lb("graph", "--json").json["nodes"]}
    assert "models.another" not in names


@pytest.mark.slow
def test_a_declared_run_mends_the_edge_that_doctor_named(nyc, lb, tmp_path):
    lb("backfill", nyc)
    before = lb("doctor", "--json")
    run = "eee2d175da0a435bb4f2c260857d3125"
    assert before.code == 1
    gap = next(g for g in before.json["gaps"] if run in g["mend"])
    assert gap["kind"] == "training_without_dataset"

    target = "features.mobility.training_dataset@2026-03-29T00:20:08Z"
    added = lb("alias", "add", "run", run, target)
    assert added.code == 0
    assert (tmp_path / "lineage-bridge.toml").is_file()
    assert lb("backfill", nyc).code == 0

    after = lb("doctor", "--json")
    assert len(after.json["gaps"]) == len(before.json["gaps"]) - 1
    path = lb("path", target, "models.lightgbm_default@eee2d175-da0a-435b-b4f2-c260857d3125")
    assert path.code == 0
