"""An event that the journal could not take in time waits in the spool, and is taken in once."""

from __future__ import annotations

import json
import logging
import sqlite3
import subprocess
import sys
import threading
from collections import Counter

import pytest
from conftest import run_command
from durability.test_two_files import die
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState

from lineage_bridge import transport
from lineage_bridge.collector.server import CollectorServer
from lineage_bridge.journal import Journal, spool

PATH = "lineage_bridge.transport.LineageBridgeTransport"


def a_client(home):
    config = {"type": PATH, "home": str(home), "raise_on_error": True}
    return OpenLineageClient(config={"transport": config})


def an_event(name):
    return RunEvent(
        eventType=RunState.COMPLETE,
        eventTime="2026-04-07T09:00:00Z",
        run=Run(runId="00000000-0000-4000-8000-00000000000a"),
        job=Job("pipelines", name),
        producer="https://pipeline",
    )


def names(journal):
    return Counter(
        json.loads(stored.body)["job"]["name"]
        for stored in journal.read(limit=10_000)
        if stored.kind == "run"
    )


@pytest.fixture
def home(tmp_path):
    with Journal(tmp_path / "home") as journal:
        yield journal.home


@pytest.fixture
def locked(home, monkeypatch):
    """A home in which somebody writes without an end."""
    monkeypatch.setattr(transport, "WAIT_SECONDS", 0.01)
    connection = sqlite3.connect(home / "journal.db", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    yield home
    connection.close()


@pytest.fixture
def spooled(home, monkeypatch):
    """A home with ten events in its spool, and nobody who writes."""
    monkeypatch.setattr(transport, "WAIT_SECONDS", 0.01)
    with sqlite3.connect(home / "journal.db", isolation_level=None) as connection:
        connection.execute("BEGIN IMMEDIATE")
        for number in range(10):
            a_client(home).emit(an_event(f"waits{number}"))
        connection.execute("ROLLBACK")
    connection.close()
    return home


def test_emit_keeps_an_event_though_others_hold_the_journal(locked, caplog):
    with caplog.at_level(logging.WARNING):
        a_client(locked).emit(an_event("waits"))

    (line,) = (locked / "spool.jsonl").read_text().splitlines()
    assert json.loads(line)["event"]["job"]["name"] == "waits"
    assert not caplog.records


@pytest.mark.parametrize(
    "command", [("graph",), ("journal", "rebuild"), ("health",)], ids=lambda command: command[0]
)
def test_the_next_command_takes_it_in(command, spooled):
    assert run_command(*command, "--home", spooled).code == 0

    with Journal(spooled) as journal:
        assert names(journal) == {f"waits{n}": 1 for n in range(10)}
    assert not (spooled / "spool.jsonl").exists()


def test_the_next_emit_takes_it_in(spooled):
    a_client(spooled).emit(an_event("next"))

    with Journal(spooled) as journal:
        assert names(journal) == {"next": 1} | {f"waits{n}": 1 for n in range(10)}


def test_a_running_collector_takes_it_in(spooled):
    with Journal(spooled) as journal, CollectorServer(journal, port=0):
        while (spooled / "spool.jsonl").exists():
            pass
        assert names(journal) == {f"waits{n}": 1 for n in range(10)}


@pytest.mark.parametrize("point", [*range(1, 40, 2), 60, 100])
def test_taking_in_may_die_at_any_statement(point, spooled):
    die(point, "journal", "rebuild", "--home", spooled)

    assert run_command("journal", "rebuild", "--home", spooled).code == 0
    with Journal(spooled) as journal:
        assert names(journal) == {f"waits{n}": 1 for n in range(10)}
    assert not spool.waits(spooled)


def test_half_a_line_costs_no_other(spooled, caplog):
    path = spooled / "spool.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    with Journal(spooled) as journal:
        for name in ("after", "later"):
            spool.put(spooled, transport.encode(an_event(name)), "transport")
        spool.take_in(journal)
        taken = names(journal)

    assert taken == {"after": 1, "later": 1} | {f"waits{n}": 1 for n in range(9)}
    assert "line 10" in caplog.text


def test_many_processes_and_whoever_takes_in_do_not_get_in_each_others_way(home):
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from lineage_bridge.events import Event\n"
        "from lineage_bridge.journal import spool\n"
        "for number in range(40):\n"
        "    name = f'{sys.argv[2]}-{number}'\n"
        '    body = b\'{"eventTime": "2026-04-07T09:00:00Z", "run": {"runId": "r"},'
        ' "job": {"namespace": "n", "name": "%s"}}\' % name.encode()\n'
        "    spool.put(Path(sys.argv[1]), Event(body, 'run', 0), 'transport')\n"
    )
    done = threading.Event()

    def take_in():
        with Journal(home) as journal:
            while not done.is_set():
                spool.take_in(journal)
            spool.take_in(journal)

    taker = threading.Thread(target=take_in)
    taker.start()
    command = [sys.executable, "-c", program, str(home)]
    writers = [subprocess.Popen([*command, str(number)]) for number in range(3)]
    codes = [writer.wait() for writer in writers]
    done.set()
    taker.join()

    assert codes == [0, 0, 0]
    with Journal(home) as journal:
        assert names(journal) == {f"{w}-{n}": 1 for w in range(3) for n in range(40)}
