"""Ctrl-C while Marquez hangs: a command ends at once, and what was under way is kept in doubt."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from builders import an_event
from conftest import HANG_SECONDS

from lineage_bridge.journal import Journal
from lineage_bridge.share.forward import Forwarder
from lineage_bridge.share.targets import list_targets

ANSWER_SECONDS = 100 * HANG_SECONDS  # who waited for an answer would never end
CONNECTIONS = 4


class Hanging(BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.asked.release()
        self.server.over.wait()
        self.close_connection = True

    do_DELETE = do_POST  # noqa: N815 - its name is the method

    def log_message(self, *_):
        pass


@contextmanager
def hanging():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hanging)
    server.asked, server.over = threading.Semaphore(0), threading.Event()
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def home(tmp_path):
    with Journal(tmp_path / "home") as journal:
        journal.append([an_event(f"j{n}", outputs=[f"d{n}"]) for n in range(6)], "artifact")
    return tmp_path / "home"


def started(home, url, *command):
    environ = {**os.environ, "MARQUEZ_URL": url, "LINEAGE_BRIDGE_HOME": str(home)}
    program = (
        f"from lineage_bridge.share import marquez; marquez.ANSWER_SECONDS = {ANSWER_SECONDS};"
        "from lineage_bridge.cli.main import main; main()"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program, *command],
        env=environ,
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        (("journal", "forward"), 1, "Left. The rest is kept"),
        pytest.param(
            *(("up", "--port", "0", "--exporter-port", "0"), 0, "Ctrl-C ends it."),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_ctrl_c_ends_it_at_once_and_all_is_kept(home, command, code, said):
    with hanging() as (server, url), started(home, url, *command) as process:
        try:
            for _ in range(CONNECTIONS):
                assert server.asked.acquire(timeout=HANG_SECONDS)
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=HANG_SECONDS)
        finally:
            process.kill()

    assert process.returncode == code, out
    assert said in out
    assert "Traceback" not in out
    with Journal(home) as journal, journal.reading() as connection:
        (target,) = list_targets(journal)
        assert target.states == {"pending": 6, "sent": 0, "dead": 0}
        doubts = connection.execute("SELECT count(*) FROM forward_events WHERE doubtful").fetchone()
    assert doubts == (CONNECTIONS,), "what was under way is asked for before it is sent again"


@pytest.mark.slow
def test_a_stop_is_heard_while_a_dataset_is_being_hidden(home):
    with hanging() as (server, url), Journal(home) as journal:
        forwarder = Forwarder(journal, url, answer_seconds=ANSWER_SECONDS)
        forwarder._queue.take_in()
        with journal.transaction() as tx:
            tx.connection.execute("UPDATE forward_events SET state = 'stale'")
            tx.connection.execute("INSERT INTO forward_superseded SELECT id FROM events")
        stop = threading.Event()
        run = threading.Thread(target=forwarder.run_forever, args=(stop, print))
        run.start()
        assert server.asked.acquire(timeout=HANG_SECONDS)
        stop.set()
        run.join(HANG_SECONDS)

        assert not run.is_alive()
