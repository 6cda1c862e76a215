"""A process that is killed while it forwards: another one goes on, and nothing arrives twice."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from conftest import HANG_SECONDS
from marquez_stub import StubMarquez

from lineage_bridge.events import Job, event_id_of, run_event
from lineage_bridge.journal import Journal
from lineage_bridge.share.forward import Forwarder

EVENTS = 40
CONNECTIONS = 4


class Slow(BaseHTTPRequestHandler):
    """Stores events; from some on it answers none before the kill, which so falls in between."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            self.server.stub(httpx.Request("POST", f"http://m.test{self.path}", content=body))
            is_well_under_way = len(self.server.stub.feed) >= EVENTS // 4
        if is_well_under_way:
            self.server.held.release()
            self.server.killed.wait()
        self._answer(201, b"")

    def do_GET(self):
        with self.server.lock:
            answer = self.server.stub(httpx.Request("GET", f"http://m.test{self.path}"))
        self._answer(answer.status_code, answer.content)

    def _answer(self, status, body):
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:  # whoever asked was killed
            self.close_connection = True

    def log_message(self, *_):
        pass


@contextmanager
def slow():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    server.stub, server.lock = StubMarquez(), threading.Lock()
    server.held, server.killed = threading.Semaphore(0), threading.Event()
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.killed.set()
        server.shutdown()
        thread.join()
        server.server_close()


def an_event(number):
    return run_event(
        "COMPLETE",
        datetime(2026, 4, 7, tzinfo=UTC) + timedelta(seconds=number),
        Job("ns", f"job{number % 7}"),
        f"00000000-0000-4000-8000-{number:012d}",
    )


@pytest.mark.slow
def test_what_a_killed_process_left_is_sent_and_nothing_twice(tmp_path):
    with slow() as (server, url), Journal(tmp_path) as journal:
        journal.append([an_event(n) for n in range(EVENTS)], "artifact")
        program = (
            "import sys; from pathlib import Path; from lineage_bridge.journal import Journal;"
            "from lineage_bridge.share.forward import Forwarder;"
            "Forwarder(Journal(Path(sys.argv[1])), sys.argv[2]).run()"
        )
        with subprocess.Popen([sys.executable, "-c", program, str(tmp_path), url]) as process:
            for _ in range(CONNECTIONS):
                assert server.held.acquire(timeout=HANG_SECONDS)
            process.send_signal(signal.SIGKILL)
        server.killed.set()
        assert 0 < len(server.stub.feed) < EVENTS

        Forwarder(journal, url).run()
        arrived = [event_id_of(event) for event in server.stub.feed]

    assert sorted(arrived) == sorted(an_event(n).id for n in range(EVENTS))
