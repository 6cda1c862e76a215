"""Runs of deployments that were shut down end; in one backfill or bit by bit, the same ones do."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from conftest import run_command
from contract.collector_world import world
from serving import minute_at
from windows import a_line, write

from lineage_bridge.times import format_time

SERVE = "serve.dep.production.svc"
MS = timedelta(milliseconds=1)
BEGIN, FLUSH, GOES_ON = "start", "flush", "window"


def start_line(minute, instance, version="v1"):
    said = {
        "schema_version": "v1",
        "event_type": "serving_deployment_activated",
        "event_time": format_time(minute_at(minute)),
        "service_name": "svc",
        "service_version": "0.1.0",
        "environment": "production",
        "deployment_id": "dep",
        "instance_id": instance,
        "model_name": "m",
        "model_version": version,
        "bundle_id": "/srv/m/v1",
        "bundle_uri": "file:///srv/m/v1",
        "bundle_created_at": "2026-04-01T00:00:00Z",
        "input_dataset_name": "d",
        "input_dataset_version": "2026-04-01T00:35:05+00:00",
        "started_at": "2026-04-01T00:40:00Z",
        "completed_at": "2026-04-01T00:50:00Z",
        "activation_reason": "startup",
        "traffic_status": "serving",
    }
    return json.dumps(said) + "\n"


def flushed_at(minute):
    return minute_at(minute) + timedelta(seconds=30)


def line_of(kind, minute, version="v1"):
    if kind == FLUSH:
        written = format_time(flushed_at(minute))
        return a_line(minute, 5, model_version=version, heartbeat_emitted_at=written)
    return a_line(minute, 20, model_version=version)


def put(root, *happened):
    """Append what happened to the files: starts of instances, windows and shutdowns by minute."""
    events = root / "artifacts/serving/events/2026-04-07/deployment_events.jsonl"
    events.parent.mkdir(parents=True, exist_ok=True)
    for kind, minute, *others in happened:
        if kind == BEGIN:
            with events.open("a") as file:
                file.write(start_line(minute, *others))
        else:
            write(root, line_of(kind, minute, *others))


def backfill(root, home):
    result = run_command("backfill", f"--p5={root}", "--home", home, "--json")
    assert result.code in {0, 1}, result.err
    return result.json["events"]


def runs(home):
    """Start and end of each run, in the order of their starts."""
    nodes = run_command("graph", "--json", "--home", home).json["nodes"]
    (job,) = [node for node in nodes if node["name"] == SERVE]
    return sorted((run["started"], run.get("ended")) for run in job["runs"])


def expected(*spans):
    return sorted((format_time(minute_at(a)), format_time(b) if b else None) for a, b in spans)


A, B = "pod-a", "pod-b"
CASES = {
    "no shutdown": ([(BEGIN, 0, A), (GOES_ON, 1), (GOES_ON, 2)], [(0, None)]),
    "shut down": ([(BEGIN, 0, A), (GOES_ON, 1), (FLUSH, 2)], [(0, flushed_at(2))]),
    "back at once": (
        [(BEGIN, 0, A), (GOES_ON, 1), (FLUSH, 2), (BEGIN, 4, A), (GOES_ON, 5)],
        [(0, minute_at(4) - MS), (4, None)],
    ),
    "another comes at once": (
        [(BEGIN, 0, A), (GOES_ON, 1), (FLUSH, 2), (BEGIN, 4, B), (GOES_ON, 5)],
        [(0, None), (4, None)],
    ),
    "back later": (
        [(BEGIN, 0, A), (GOES_ON, 1), (FLUSH, 2), (BEGIN, 12, A), (GOES_ON, 13)],
        [(0, flushed_at(2)), (12, None)],
    ),
    "back later and shut down again": (
        [(BEGIN, 0, A), (GOES_ON, 1), (FLUSH, 2), (BEGIN, 12, B), (GOES_ON, 13), (FLUSH, 14)],
        [(0, flushed_at(2)), (12, flushed_at(14))],
    ),
    "another version later": (
        [(BEGIN, 0, A), (GOES_ON, 1), (FLUSH, 2), (BEGIN, 12, A, "v2"), (GOES_ON, 13, "v2")],
        [(0, flushed_at(2)), (12, None)],
    ),
    "one of two": (
        [(BEGIN, 0, A), (BEGIN, 0, B), (GOES_ON, 1), (FLUSH, 2), (GOES_ON, 3)],
        [(0, None), (0, None)],
    ),
    "both": (
        [(BEGIN, 0, A), (BEGIN, 0, B), (GOES_ON, 1), (FLUSH, 2), (GOES_ON, 3), (FLUSH, 4)],
        [(0, flushed_at(4)), (0, flushed_at(4))],
    ),
    "alive after all": (
        [(BEGIN, 0, A), (GOES_ON, 1), (FLUSH, 2), (GOES_ON, 3), (GOES_ON, 4)],
        [(0, None)],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_run_ends_with_the_shutdown_of_its_last_instance(case, tmp_path):
    happened, spans = CASES[case]
    put(tmp_path / "p5", *happened)

    backfill(tmp_path / "p5", tmp_path / "home")

    assert runs(tmp_path / "home") == expected(*spans)
    assert backfill(tmp_path / "p5", tmp_path / "home") == 0


QUICK = {"back at once", "alive after all"}


@pytest.mark.parametrize(
    "case", [pytest.param(c, marks=() if c in QUICK else pytest.mark.slow) for c in CASES]
)
def test_so_it_does_where_it_is_read_bit_by_bit(case, tmp_path):
    happened, spans = CASES[case]
    for one in happened:
        put(tmp_path / "p5", one)
        backfill(tmp_path / "p5", tmp_path / "home")

    assert runs(tmp_path / "home") == expected(*spans)


def test_it_stays_ended_though_the_findings_of_that_time_are_pruned(tmp_path):
    first = [(BEGIN, 0, A), *((GOES_ON, minute) for minute in range(1, 40)), (FLUSH, 40)]
    put(tmp_path / "p5", *first, (BEGIN, 60, A), *((GOES_ON, minute) for minute in range(61, 90)))
    backfill(tmp_path / "p5", tmp_path / "home")

    pruned = run_command(
        "journal", "prune", "--older-than", "1d", "--home", tmp_path / "home", "--json"
    )
    assert pruned.json["pruned"] > 0
    assert run_command("journal", "rebuild", "--home", tmp_path / "home").code == 0

    assert backfill(tmp_path / "p5", tmp_path / "home") == 0
    put(tmp_path / "p5", (BEGIN, 100, A))  # so that all records are linked anew
    assert backfill(tmp_path / "p5", tmp_path / "home") == 2

    spans = [(0, flushed_at(40)), (60, minute_at(100) - MS), (100, None)]
    assert runs(tmp_path / "home") == expected(*spans)


def test_a_home_that_knows_it_from_the_journal_says_nothing_new(tmp_path):
    put(tmp_path / "p5", *CASES["back later and shut down again"][0])
    backfill(tmp_path / "p5", tmp_path / "home")
    exported = tmp_path / "journal.jsonl"
    assert run_command("journal", "export", "--home", tmp_path / "home", exported).code == 0
    other = tmp_path / "other"
    assert run_command("journal", "import", "--home", other, exported).code == 0

    assert backfill(tmp_path / "p5", other) == 0
    assert runs(other) == runs(tmp_path / "home")


PODS = [f"pod-{number}" for number in range(4)]
IN_TURN = [(BEGIN, n, pod) for n, pod in enumerate(PODS)] + [(FLUSH, n) for n in range(4, 8)]


@pytest.mark.parametrize(
    ("happened", "newest"),
    [(CASES["back later"][0], 12), (CASES["another version later"][0], 12), (IN_TURN, 3)],
)
def test_predictions_show_what_the_run_wrote_that_started_last(happened, newest, tmp_path):
    put(tmp_path / "p5", *happened)
    backfill(tmp_path / "p5", tmp_path / "home")

    with world(tmp_path / "home") as collector:
        path = "/namespaces/default/datasets/predictions.dep.production.svc"
        shown = collector.get(path)
        versions = collector.get(f"{path}/versions?limit=20")["versions"]
    (current,) = [v for v in versions if v["version"] == shown["currentVersion"]]
    assert current["createdByRun"]["startedAt"] == format_time(minute_at(newest))
