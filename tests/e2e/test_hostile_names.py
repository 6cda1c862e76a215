"""Names that would do something on a terminal, in every command that prints names."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import respx
from builders import a_foreign_event, a_journal, an_event, at
from contract.collector_world import dataset, run_id, world
from platform_events import a_build, a_look, a_platform, a_slow_reason, a_start
from prometheus_client.parser import text_string_to_metric_families

from lineage_bridge.naming import Slot
from lineage_bridge.show.text import is_seen, printable

HOSTILE = "\x1b[31mred\nnext\r\u202eline\u200b\x9b\ufe0f"
SHOWN = r"\x1b[31mred\nnext\r\u202eline\u200b\x9b\ufe0f"
SLOT = Slot(HOSTILE, "canary", HOSTILE)
MARQUEZ = "http://marquez.test"


def harmless(text):
    return all(is_seen(c) for c in text.replace("\n", ""))


def words(text):
    """What is shown, however it was folded."""
    return "".join(text.split())


@pytest.fixture
def home(tmp_path, monkeypatch):
    reason = a_slow_reason() | {"code": HOSTILE, "endpoint": HOSTILE, "since": HOSTILE}
    events = [
        *a_platform(),
        *a_build(5, name=f"features.{HOSTILE}", version=HOSTILE),
        a_foreign_event(HOSTILE, 6, inputs=[f"in{HOSTILE}"], outputs=[f"out{HOSTILE}"]),
        an_event(f"job{HOSTILE}", 7, inputs=["a"], outputs=[f"b@{HOSTILE}"]),
        a_start(31, slot=SLOT, model=HOSTILE, version=HOSTILE),
        a_look(46, slot=SLOT, reasons=[a_slow_reason(), reason]),
    ]
    a_journal(tmp_path / "home", events).close()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LINEAGE_BRIDGE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MARQUEZ_URL", raising=False)
    return tmp_path / "home"


AT = ("--at", "2026-04-07T08:50:00Z")


@pytest.mark.parametrize("columns", ["80", "120", "40", ""])
@pytest.mark.parametrize(
    "command",
    [
        ("health", *AT),
        ("freshness", "--all", *AT),
        ("graph", *AT),
        ("path", f"in{HOSTILE}", f"out{HOSTILE}", *AT),
        ("graph", "--format", "mermaid"),
        ("graph", "--format", "dot"),
    ],
)
def test_what_is_asked_is_answered_with_names_that_do_nothing(
    home, lb, monkeypatch, command, columns
):
    monkeypatch.setenv("COLUMNS", columns)
    result = lb(*command)

    assert result.code in {0, 1}, result.err
    assert harmless(result.out)
    assert result.err == ""
    if "mermaid" not in command:
        whole = columns == ""
        assert (SHOWN if whole else SHOWN[:6]) in words(result.out.replace("\\\\", "\\"))


def test_without_a_path_the_names_that_were_typed_do_nothing(home, lb):
    result = lb("path", f"out{HOSTILE}", f"in{HOSTILE}")

    assert (result.code, "No path leads from" in result.out) == (1, True)
    assert harmless(result.out)


@pytest.mark.parametrize(
    "command",
    [
        ("path", f"in{HOSTILE}x", "a"),
        ("graph", "--node", f"b@{HOSTILE}x"),
        ("health", f"{HOSTILE}x", *AT),
        ("health", "--at", HOSTILE),
        ("alias", "why", f"{HOSTILE}x"),
        ("alias", "add", "dataset", "x", HOSTILE),
        ("journal", "retry", HOSTILE),
        ("journal", "prune", "--older-than", HOSTILE),
        ("journal", "import", HOSTILE),
        ("graph", HOSTILE),
        ("graph", f"--{HOSTILE}"),
        (f"health{HOSTILE}",),
        ("--config", HOSTILE, "graph"),
        ("--home", f"none{HOSTILE}", "health"),
        ("--home", f"none{HOSTILE}", "journal", "status"),
        ("backfill", HOSTILE),
    ],
)
def test_what_is_refused_is_refused_in_words_that_do_nothing(home, lb, command):
    result = lb(*command)

    assert result.code == 2
    assert harmless(result.err)
    assert "Error: " in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize(
    ("command", "meant"),
    [
        (("path", f"in{HOSTILE}x", "a"), f"in{SHOWN}"),
        (("graph", "--node", f"b@{HOSTILE}x"), f"b@{SHOWN}"),
        (("health", f"{HOSTILE}x", *AT), SHOWN),
    ],
)
def test_a_suggestion_is_shown_and_does_nothing(home, lb, command, meant):
    assert f"Did you mean `{meant}`" in lb(*command).err


@pytest.mark.parametrize("command", [("graph",), ("health", *AT), ("freshness", *AT)])
def test_json_is_the_same_json_and_nothing_in_it_does_anything(home, lb, command):
    result = lb(*command, "--json")

    assert harmless(result.out)
    assert HOSTILE in _texts(result.json)


def _texts(document):
    if isinstance(document, dict):
        return "".join(key + _texts(value) for key, value in document.items())
    if isinstance(document, list):
        return "".join(map(_texts, document))
    return document if isinstance(document, str) else ""


def test_printed_metrics_do_nothing_and_are_still_metrics(home, lb):
    result = lb("exporter", "--once", *AT)

    assert result.code == 0
    assert harmless(result.out)
    values = {
        value
        for family in text_string_to_metric_families(result.out)
        for sample in family.samples
        for value in sample.labels.values()
    }
    # The format has an escape of its own for a line end, and none for the others.
    assert SHOWN.replace(r"\n", "\n") in values


def test_what_cannot_be_read_is_told_in_words_that_do_nothing(tmp_path, lb, monkeypatch):
    folder = tmp_path / f"artifacts{HOSTILE}"
    bundle = folder / "p4" / HOSTILE
    bundle.mkdir(parents=True)
    said = {"run_id": HOSTILE, "candidate_name": HOSTILE, "model_type": HOSTILE}
    (bundle / "metadata.json").write_text(
        json.dumps(said | {"created_at": "2026-03-28T01:07:25+00:00", "model_version": HOSTILE})
    )
    (bundle / "metrics.json").write_text(json.dumps({HOSTILE: HOSTILE}))
    broken = folder / "p4" / f"{HOSTILE}2"
    broken.mkdir()
    (broken / "metadata.json").write_text(HOSTILE)

    assert lb("backfill", "--p4", folder).code == 1
    nodes = lb("graph", "--json").json["nodes"]
    (model,) = (node["name"] for node in nodes if node["name"].startswith("models."))
    for columns in ("80", "120", ""):
        monkeypatch.setenv("COLUMNS", columns)
        for command in (
            ("backfill", "--p4", folder),
            ("backfill", "--dry-run", "--p4", folder),
            ("doctor",),
            ("backfill", "--json", "--p4", folder),
            ("doctor", "--json"),
            ("alias", "why", model),
        ):
            result = lb(*command)
            assert harmless(result.out), command
            assert harmless(result.err), command
            assert "Traceback" not in result.err
            assert r"\x1b[31m" in words(result.out) or r"\u001b[31m" in result.out, command


def test_what_is_declared_is_listed_in_words_that_do_nothing(tmp_path, lb):
    config = tmp_path / f"{printable(HOSTILE).replace(chr(92), '')}\x1b.toml"
    config.write_text(f'[aliases.datasets]\n{json.dumps(HOSTILE)} = "features.a.b"\n')

    for command in (("list",), ("add", "dataset", f"other{HOSTILE}", "features.a.c", "--force")):
        result = lb("alias", *command, "--config", config)
        assert (result.code, harmless(result.out)) == (0, True), result.err
        assert r"red\nnext" in words(result.out)
    assert json.loads(lb("alias", "list", "--config", config, "--json").out)["aliases"][
        "datasets"
    ] == {HOSTILE: "features.a.b", f"other{HOSTILE}": "features.a.c"}


def test_dead_letters_are_told_in_words_that_do_nothing(home, lb, monkeypatch):
    monkeypatch.setenv("MARQUEZ_URL", MARQUEZ)
    with respx.mock(base_url=MARQUEZ, assert_all_called=False) as mock:
        mock.get("/api/v1/events/lineage").respond(json={"events": []})
        mock.post("/api/v1/lineage").respond(422, text=HOSTILE)
        assert harmless(lb("journal", "forward").out)
        mock.post("/api/v1/lineage").respond(403, text=HOSTILE)
        lb("journal", "retry", "--all")
        refused = lb("journal", "forward", "--timeout", "0")

    assert harmless(refused.out + refused.err)
    for command in (("dead",), ("status",), ("retry", "--all"), ("verify",)):
        result = lb("journal", *command)
        assert harmless(result.out), command


def test_what_the_collector_refused_is_told_in_words_that_do_nothing(tmp_path, lb):
    event = {
        "eventType": "COMPLETE",
        "eventTime": "2026-04-07T08:00:00Z",
        "run": {"runId": run_id(1)},
        "job": {"namespace": HOSTILE, "name": HOSTILE},
        "outputs": [dataset(HOSTILE) | {"namespace": " "}],
        "producer": HOSTILE,
    }
    with world(tmp_path / "home") as collector:
        assert collector.post(event).status == 400

    result = lb("journal", "dead")

    assert (result.code, harmless(result.out)) == (1, True)
    assert SHOWN in result.out


@pytest.mark.slow
def test_a_log_line_that_quotes_a_name_is_one_line(tmp_path):
    home = tmp_path / f"home{HOSTILE}"
    a_journal(home, [an_event("job", 1)]).close()
    (home / "spool.jsonl").write_text("no event\n")
    done = subprocess.run(
        [sys.executable, "-m", "lineage_bridge.cli.main", "journal", "rebuild", "--home", home],
        env=os.environ | {"MARQUEZ_URL": ""},
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )

    assert harmless(done.stderr + done.stdout)
    (line,) = (line for line in done.stderr.splitlines() if "is no event" in line)
    assert SHOWN in line


def test_the_time_of_asking_changes_nothing(home, lb):
    assert harmless(lb("health", "--at", at(60).isoformat()).out)
