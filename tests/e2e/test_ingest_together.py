"""Whoever reads artifacts holds up nobody: appends return, and several processes take turns."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import run_command
from windows import NS, a_line, ingest, write

from lineage_bridge.adapters import files, serving
from lineage_bridge.events import Job, run_event
from lineage_bridge.ingest import record_files
from lineage_bridge.ingest.backfill import backfill
from lineage_bridge.journal import Journal
from lineage_bridge.observe.serving import reading, windows
from lineage_bridge.settings import Settings
from lineage_bridge.times import from_micros

SLOW = pytest.mark.slow  # of like cases: `make test-slow` runs them
GUARD_SECONDS = 120  # against a test that hangs, nothing else


def bodies(home: Path) -> dict[str, bytes]:
    with Journal(home, readonly=True) as journal:
        return {str(e.id): e.body for e in journal.read(limit=10**6)}


def graph_of(home: Path):
    shape = run_command("graph", "--json", "--at", "2028-01-01T00:00:00Z", "--home", home).json
    return {kind: sorted(map(json.dumps, shape[kind])) for kind in ("nodes", "edges")}


def a_foreign_event():
    run_id = "00000000-0000-4000-8000-000000000000"
    return run_event("COMPLETE", from_micros(1), Job(NS, "other"), run_id)


class Blocked:
    """A reader that stands still, from its first call on, until it is let go."""

    def __init__(self, reader) -> None:
        self.is_reached, self.may_go_on = threading.Event(), threading.Event()
        self._reader = reader

    def __call__(self, *args):
        self.is_reached.set()
        assert self.may_go_on.wait(GUARD_SECONDS)
        return self._reader(*args)


@contextmanager
def standing_still(blocked, work):
    """Work in a thread that has come to where it is blocked; it is let go at the end."""
    failed = []

    def run():
        try:
            work()
        except BaseException as exc:  # noqa: BLE001 - told below
            failed.append(exc)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert blocked.is_reached.wait(GUARD_SECONDS)
        yield
        assert thread.is_alive()
    finally:
        blocked.may_go_on.set()
        thread.join(GUARD_SECONDS)
    assert failed == []


@pytest.mark.parametrize(
    ("module", "reader"), [(files, "read_bounded"), (record_files, "fingerprint")]
)
def test_an_append_returns_while_an_artifact_is_read(nyc, tmp_path, monkeypatch, module, reader):
    blocked = Blocked(getattr(module, reader))
    monkeypatch.setattr(module, reader, blocked)
    home = tmp_path / "home"

    def work():
        with Journal(home) as journal:
            backfill(journal, Settings(), {"p4": [nyc / "p4"]})

    with standing_still(blocked, work), Journal(home, busy_seconds=0) as other:
        assert other.append([a_foreign_event()], "http") == [1]

    assert len(bodies(home)) > 1


def test_an_append_returns_while_deployment_events_are_read(nyc, tmp_path, monkeypatch):
    blocked = Blocked(serving.read_event)
    monkeypatch.setattr(serving, "read_event", blocked)
    home = tmp_path / "home"

    def work():
        with Journal(home) as journal:
            backfill(journal, Settings(), {"p5": [nyc / "p5"]})

    with standing_still(blocked, work), Journal(home, busy_seconds=0) as other:
        assert other.append([a_foreign_event()], "http") == [1]


@pytest.mark.parametrize("place", ["read_window", "open_file"])
def test_an_append_returns_while_windows_are_read(tmp_path, monkeypatch, place):
    blocked = Blocked(getattr(reading, place))
    monkeypatch.setattr(reading, place, blocked)
    write(tmp_path / "p5", *(a_line(minute) for minute in range(3)))
    home = tmp_path / "home"

    def work():
        with Journal(home) as journal:
            ingest(journal, tmp_path / "p5")

    with standing_still(blocked, work), Journal(home, busy_seconds=0) as other:
        assert other.append([a_foreign_event()], "http") == [1]


def test_no_artifact_is_opened_while_a_transaction_is_open(nyc, tmp_path, monkeypatch):
    root = shutil.copytree(nyc, tmp_path / "nyc")
    names = {path.name for path in root.rglob("*.json*")}
    writing, opened = threading.Event(), []

    @contextmanager
    def watched(self, *args, _transaction=Journal.transaction, **named):
        with _transaction(self, *args, **named) as tx:
            writing.set()
            yield tx
            writing.clear()

    def hook(event, args):
        if event == "open" and args[0] in names:  # opened from its folder, by its name alone
            opened.append((args[0], writing.is_set()))

    monkeypatch.setattr(Journal, "transaction", watched)
    sys.addaudithook(hook)  # for good, and deaf to all but these names
    with Journal(tmp_path / "home") as journal:
        backfill(journal, Settings(), {"p2": [root], "p4": [root], "p5": [root], "p6": [root]})

    assert len(opened) > 100
    assert [path for path, was_writing in opened if was_writing] == []


# Several at once

TOGETHER = """
    import sys
    from lineage_bridge.cli.main import main
    from lineage_bridge.ingest import record_files
    from lineage_bridge.observe.serving import windows

    windows.PASS_SECONDS = windows.PAUSE_SECONDS = {seconds}
    record_files.CHUNK_FILES = 3
    print("ready", flush=True)
    sys.stdin.readline()
    main(sys.argv[1:])
"""


def run_together(home: Path, *commands: tuple[object, ...], seconds: float = 0.002) -> None:
    """Run backfills in a process each, all begun before the first one goes on."""
    script = textwrap.dedent(TOGETHER.format(seconds=seconds))
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, "backfill", "--no-observe", "--home", home, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | {"MARQUEZ_URL": ""},
        )
        for command in commands
    ]
    try:
        for process in processes:
            assert process.stdout.readline() == b"ready\n"
        for process in processes:
            process.stdin.write(b"go\n")
            process.stdin.flush()
        told = [process.communicate(timeout=GUARD_SECONDS) for process in processes]
    finally:
        for process in processes:
            process.kill()
    ends = zip(processes, told, strict=True)
    assert [(p.returncode, err) for p, (_, err) in ends] == [(0, b"")] * len(processes)


@pytest.mark.slow
@pytest.mark.parametrize(
    "seconds", [pytest.param(0.0, marks=SLOW), pytest.param(0.002, marks=SLOW), 2.0]
)
def test_backfills_of_one_folder_at_once_give_what_one_gives(nyc, nyc_home, tmp_path, seconds):
    folders = [f"--{family}={nyc / family}" for family in ("p2", "p4", "p5", "p6")]
    command = ("--namespace", "urban", *folders)

    run_together(tmp_path / "home", command, command, seconds=seconds)

    assert bodies(tmp_path / "home") == bodies(nyc_home)


@pytest.mark.parametrize("seconds", [pytest.param(0.0, marks=SLOW), pytest.param(0.05, marks=SLOW)])
def test_backfills_of_several_folders_at_once_give_one_graph(nyc, nyc_home, tmp_path, seconds):
    namespace = ("--namespace", "urban")
    commands = [(*namespace, f"--{family}={nyc / family}") for family in ("p2", "p4", "p5", "p6")]

    run_together(tmp_path / "home", *commands, seconds=seconds)
    assert graph_of(tmp_path / "home") == graph_of(nyc_home)

    again = run_command("backfill", "--json", "--home", tmp_path / "home", nyc)
    assert again.json["events"] == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "others",
    [
        *(pytest.param(o, marks=SLOW) for o in ("p2", "p5", "p6", "p2 p5")),
        "p2 p4 p5 p6",
    ],
)
def test_backfills_between_the_passes_of_another_give_the_same(
    nyc, nyc_home, tmp_path, monkeypatch, others
):
    monkeypatch.setattr(windows, "PASS_SECONDS", 0.0)
    monkeypatch.setattr(windows, "PAUSE_SECONDS", 0.0)
    home, calls = tmp_path / "home", []

    def roots_of(families):
        return {family: [nyc / family] for family in families}

    def interfere(step, _count, _total):
        calls.append(step)
        if step == "windows" and len(calls) % 20 == 0:
            with Journal(home) as journal:
                backfill(journal, settings, roots_of(others.split()), final=False)

    settings = Settings(namespace="urban")
    with Journal(home) as journal:
        backfill(journal, settings, roots_of(["p4", "p5"]), progress=interfere)
        backfill(journal, settings, roots_of(["p2", "p4", "p5", "p6"]))

    assert len(calls) >= 20
    assert graph_of(home) == graph_of(nyc_home)


def test_who_stands_still_over_the_lease_is_named(tmp_path, monkeypatch):
    from lineage_bridge.errors import JournalError
    from lineage_bridge.journal.lease import lease

    monkeypatch.setattr(windows, "WAIT_SECONDS", 0.0)
    write(tmp_path / "p5", a_line(0))
    with Journal(tmp_path / "home") as journal, lease(journal.home, windows.LEASE) as held:
        assert held
        with pytest.raises(JournalError, match="does not come to an end"):
            ingest(journal, tmp_path / "p5")
