"""An event that the journal could not take in time waits in the spool, and is taken in once."""

from __future__ import annotations

import json
import logging
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections import Counter

import httpx
import pytest
from conftest import run_command
from durability.test_two_files import die
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState

from lineage_bridge import transport
from lineage_bridge.collector.server import CollectorServer
from lineage_bridge.journal import Journal, spool

JSON = {"Content-Type": "application/json"}
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

    (path,) = (locked / "spool").iterdir()
    assert json.loads(path.read_bytes())["event"]["job"]["name"] == "waits"
    assert not caplog.records


@pytest.mark.parametrize(
    "command", [("graph",), ("journal", "rebuild"), ("health",)], ids=lambda command: command[0]
)
def test_the_next_command_takes_it_in(command, spooled):
    assert run_command(*command, "--home", spooled).code == 0

    with Journal(spooled) as journal:
        assert names(journal) == {f"waits{n}": 1 for n in range(10)}
    assert not spool.waits(spooled)


def test_the_next_emit_takes_it_in(spooled):
    a_client(spooled).emit(an_event("next"))

    with Journal(spooled) as journal:
        assert names(journal) == {"next": 1} | {f"waits{n}": 1 for n in range(10)}


def test_a_running_collector_takes_it_in(spooled):
    with Journal(spooled) as journal, CollectorServer(journal, port=0):
        while spool.waits(spooled):
            pass
        assert names(journal) == {f"waits{n}": 1 for n in range(10)}


@pytest.mark.parametrize("point", [*range(1, 40, 2), 60, 100])
def test_taking_in_may_die_at_any_statement(point, spooled):
    die(point, "journal", "rebuild", "--home", spooled)

    assert run_command("journal", "rebuild", "--home", spooled).code == 0
    with Journal(spooled) as journal:
        assert names(journal) == {f"waits{n}": 1 for n in range(10)}
    assert not spool.waits(spooled)


def test_it_is_taken_in_in_the_order_of_emitting(spooled):
    with Journal(spooled) as journal:
        assert spool.take_in(journal) == 10
        assert list(names(journal)) == [f"waits{n}" for n in range(10)]


def test_an_event_that_waits_twice_is_one(spooled):
    for path in list((spooled / "spool").iterdir()):
        shutil.copy(path, path.with_name(f"1{path.name}"))

    with Journal(spooled) as journal:
        assert spool.take_in(journal) == 10
        assert names(journal) == {f"waits{n}": 1 for n in range(10)}


def test_what_an_emit_that_was_killed_left_costs_no_other(spooled, caplog):
    first, second, *_ = sorted((spooled / "spool").iterdir())
    first.write_bytes(first.read_bytes()[:-20])
    second.rename(second.with_suffix(".partial"))
    with Journal(spooled) as journal:
        assert spool.take_in(journal) == 8
        assert names(journal) == {f"waits{n}": 1 for n in range(2, 10)}

    assert f"{first.name}`, line 1" in caplog.text


@pytest.fixture
def former(spooled):
    """A home whose events wait in one file, as a version without a folder wrote it."""
    lines = [
        b'{"key": "%d", %s' % (number, path.read_bytes().removeprefix(b"{"))
        for number, path in enumerate(sorted((spooled / "spool").iterdir()))
    ]
    shutil.rmtree(spooled / "spool")
    (spooled / "spool.jsonl").write_bytes(b"".join(lines))
    return spooled


def test_the_spool_of_a_former_version_is_taken_in_too(former, caplog):
    path = former / "spool.jsonl"
    path.write_bytes(path.read_bytes()[:-20])  # the last line was cut off
    a_client(former).emit(an_event("next"))

    with Journal(former) as journal:
        assert names(journal) == {"next": 1} | {f"waits{n}": 1 for n in range(9)}
    assert not path.exists()
    assert "line 10" in caplog.text


def test_a_spool_that_cannot_be_read_stops_no_folding(spooled, caplog):
    (spooled / "spool" / "0.json").mkdir()
    with Journal(spooled) as journal, CollectorServer(journal, port=0) as server:
        body = transport.encode(an_event("sent")).body
        httpx.post(f"{server.url}/api/v1/lineage", content=body, headers=JSON).raise_for_status()
        while not httpx.get(f"{server.url}/api/v1/namespaces/pipelines/jobs").json()["jobs"]:
            pass

    assert "Cannot take in the spool" in caplog.text


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
