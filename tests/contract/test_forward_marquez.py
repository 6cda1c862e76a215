"""The client of Marquez: every status, every failure of the HTTP library, and a real socket."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from cases import others_slow
from conftest import HANG_SECONDS

from lineage_bridge.errors import SettingsError
from lineage_bridge.journal import Journal
from lineage_bridge.journal.home_tables import Stored
from lineage_bridge.masking import public_url
from lineage_bridge.share.forward import Forwarder
from lineage_bridge.share.marquez.api import Marquez
from lineage_bridge.share.marquez.outcome import Answer, Outcome, of_failure, retry_after_seconds

NOW = datetime(2026, 4, 7, 12, tzinfo=UTC)
EVENT = {
    "eventType": "START",
    "eventTime": "2026-04-07T12:00:00Z",
    "run": {"runId": "00000000-0000-4000-8000-000000000000"},
    "job": {"namespace": "ns", "name": "job"},
    "producer": "p",
}
STORED = Stored(1, None, "run", 1_775_563_200_000_000, 0, "artifact", json.dumps(EVENT).encode())

UNSENT = {httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError}
SETTINGS = {httpx.UnsupportedProtocol, httpx.LocalProtocolError}


def subclasses(cls):
    return {cls} | {leaf for sub in cls.__subclasses__() for leaf in subclasses(sub)}


@pytest.mark.parametrize("cls", sorted(subclasses(httpx.RequestError), key=lambda c: c.__name__))
def test_every_failure_of_the_http_library_is_mapped(cls):
    def fail(request):
        raise cls("as said", request=request)

    with Marquez("http://m.test", transport=httpx.MockTransport(fail)) as marquez:
        answer = marquez.send(STORED)

    assert answer == of_failure(cls("as said", request=None))
    assert answer.text == f"{cls.__name__}: as said"
    assert answer.outcome is (Outcome.PARKED if cls in SETTINGS else Outcome.WAIT)
    assert answer.doubtful is (cls not in UNSENT | SETTINGS)


@pytest.mark.parametrize(
    ("status", "outcome", "doubtful"),
    [
        (200, Outcome.TAKEN, False),
        (201, Outcome.TAKEN, False),
        (302, Outcome.PARKED, False),
        (400, Outcome.REFUSED, False),
        (401, Outcome.PARKED, False),
        (403, Outcome.PARKED, False),
        (404, Outcome.REFUSED, False),
        (408, Outcome.WAIT, True),
        (422, Outcome.REFUSED, False),
        (425, Outcome.WAIT, False),
        (429, Outcome.WAIT, False),
        (500, Outcome.FAILED, False),
        (501, Outcome.FAILED, False),
        (502, Outcome.WAIT, True),
        (503, Outcome.WAIT, True),
        (504, Outcome.WAIT, True),
    ],
)
def test_only_the_status_decides(status, outcome, doubtful):
    def answer(request):
        return httpx.Response(status if request.method == "POST" else 404, text="said\n\n so")

    with Marquez("http://m.test", transport=httpx.MockTransport(answer)) as marquez:
        answer = marquez.send(STORED)

    assert (answer.outcome, answer.status, answer.doubtful) == (outcome, status, doubtful)
    assert answer.text in ("", "said so", "it wants another key. said so") or status < 400


@pytest.mark.parametrize("status", [500, 503])
def test_a_server_that_fails_at_everything_is_away(status):
    def answer(request):
        return httpx.Response(500 if request.method == "POST" else status)

    with Marquez("http://m.test", transport=httpx.MockTransport(answer)) as marquez:
        found = marquez.send(STORED)

    assert (found.outcome, found.doubtful) == (Outcome.WAIT, True)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("0", 0.0),
        (" 120 ", 120.0),
        ("999999", 3600.0),
        ("Tue, 07 Apr 2026 12:00:30 GMT", 30.0),
        ("Tue, 07 Apr 2026 12:00:30", 30.0),
        ("Tue, 07 Apr 2020 12:00:30 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header, seconds):
    assert retry_after_seconds(header, NOW) == seconds


@pytest.mark.parametrize("body", ["no json", "[]", '{"events": 5}', '{"events": [1, null, {}]}'])
def test_a_feed_that_makes_no_sense_has_no_event(body):
    transport = httpx.MockTransport(lambda _: httpx.Response(200, text=body))
    with Marquez("http://m.test", transport=transport) as marquez:
        assert marquez.find(STORED) is None


def test_a_collector_without_a_feed_is_sent_the_event_again():
    def answer(request):
        return httpx.Response(201 if request.method == "POST" else 404)

    with Marquez("http://m.test", transport=httpx.MockTransport(answer)) as marquez:
        assert marquez.send(STORED, doubtful=True).outcome is Outcome.TAKEN


def test_the_feed_lists_run_events_only_so_it_is_not_asked_for_others():
    transport = httpx.MockTransport(lambda _: pytest.fail("nobody asked"))
    job_event = Stored(1, None, "job", 0, 0, "transport", b"{}")
    with Marquez("http://m.test", transport=transport) as marquez:
        assert marquez.find(job_event) is None


def test_a_dataset_that_is_not_there_is_hidden():
    transport = httpx.MockTransport(lambda _: httpx.Response(404))
    with Marquez("http://m.test", transport=transport) as marquez:
        assert marquez.hide("ns", "d") == Answer(Outcome.TAKEN, status=404)


def test_a_url_that_is_none_is_a_wrong_setting_and_never_shows_its_password():
    with pytest.raises(SettingsError, match="is no URL") as caught:
        Marquez("http://user:secret@host:no-port")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("http://user:p%40ss@host:5000/base/", "http://host:5000/base"),
        ("https://host", "https://host"),
        ("http://u:p@[bad", "http://[bad"),
        ("http://host:5000/", "http://host:5000"),
    ],
)
def test_user_and_password_of_a_url_are_not_shown(url, public):
    assert public_url(url) == public


# A real socket


class Unreliable(BaseHTTPRequestHandler):
    """A Marquez that stores events, and answers as its script says."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        deed = self.server.script.pop(0) if self.server.script else "answer"
        if deed == "cut before":
            self._cut()
            return
        self.server.events.append(json.loads(body))
        if deed == "cut after":
            self._cut()
        elif deed == "half":
            self.wfile.write(b"HTTP/1.1 201 Created\r\nContent-Le")
            self._cut()
        elif deed == "hang":
            self.server.hangs.set()
            self.server.over.wait()
            self._cut()
        else:
            self._answer(201, b"")

    def do_GET(self):
        self.server.hangs.wait()  # the client may be out of patience before the event is here
        feed = {"events": self.server.events, "totalCount": len(self.server.events)}
        self._answer(200, json.dumps(feed).encode())

    def _cut(self):
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextmanager
def unreliable(*script):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Unreliable)
    server.script, server.events = list(script), []
    server.hangs, server.over = threading.Event(), threading.Event()
    if "hang" not in script:
        server.hangs.set()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.hangs.set()
        server.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    "deed", others_slow(["cut after", "half", "cut before", "answer", "hang"], fast=2)
)
def test_an_event_arrives_once_whatever_happens_to_the_connection(tmp_path, deed):
    from lineage_bridge.events import decode, event_of

    body = STORED.body
    with unreliable(deed, deed) as (server, url), Journal(tmp_path) as journal:
        journal.append([event_of(decode(body), body)], "transport")
        patience = 0.2 if deed == "hang" else HANG_SECONDS
        forwarder = Forwarder(journal, url, answer_seconds=patience, jitter=lambda: 0.0)
        report = forwarder.run()

    assert (report.sent, report.status.pending) == (1, 0)
    assert server.events == [EVENT]


def test_nobody_listening_is_no_answer_and_leaves_no_doubt():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with Marquez(f"http://127.0.0.1:{port}") as marquez:
        answer = marquez.send(STORED)

    assert (answer.outcome, answer.doubtful) == (Outcome.WAIT, False)
