"""A home that a collector writes to is looked after like any other."""

from __future__ import annotations

import json

from conftest import run_command
from contract.collector_world import dataset, run_id, world

EVENT = {
    "eventType": "COMPLETE",
    "eventTime": "2026-04-07T08:00:00Z",
    "run": {"runId": run_id(1)},
    "job": {"namespace": "jobs", "name": "etl"},
    "outputs": [dataset("a")],
    "producer": "test",
}
POISON = EVENT | {"outputs": [dataset(" ")]}


def filled(home):
    with world(home) as collector:
        collector.send(EVENT)
        assert collector.post(POISON).status == 400
        assert collector.ask("POST", "/api/v1/namespaces/db/datasets/a/tags/PII", {}, b"").status
    return home


def test_it_is_sound_and_its_export_holds_events_alone(tmp_path):
    home = filled(tmp_path / "home")
    target = tmp_path / "events.ndjson"

    verified = run_command("journal", "verify", "--home", home)
    exported = run_command("journal", "export", target, "--home", home)
    imported = run_command("journal", "import", target, "--home", tmp_path / "other", "--json")

    assert (verified.code, exported.code) == (0, 0), verified.out
    assert [json.loads(line) for line in target.read_text().splitlines()] == [EVENT]
    assert imported.json == {"appended": 1, "known": 0}


def test_a_refused_event_is_listed_with_the_dead_letters(tmp_path):
    home = filled(tmp_path / "home")

    listed = run_command("journal", "dead", "--home", home, "--json")
    shown = run_command("journal", "dead", "--home", home)

    assert listed.code == shown.code == 1
    (letter,) = listed.json
    assert letter["target"] == "collector"
    assert (letter["job"], letter["status"], letter["tries"]) == ("jobs etl", 400, 1)
    assert "outputs[0].name" in letter["answer"]
    assert "outputs[0].name" in shown.out


def test_a_refused_event_cannot_be_sent_again(tmp_path):
    home = filled(tmp_path / "home")
    (letter,) = run_command("journal", "dead", "--home", home, "--json").json

    result = run_command("journal", "retry", letter["id"], "--home", home)

    assert result.code == 2
    assert "No dead letter" in result.err


def test_a_refused_event_is_pruned_when_it_is_old(tmp_path):
    home = filled(tmp_path / "home")

    run_command("journal", "prune", "--older-than", "0m", "--home", home)

    assert run_command("journal", "dead", "--home", home, "--json").json == []
