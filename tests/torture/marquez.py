"""A stub of Marquez on a port of its own, which now and then cuts a connection."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Self

import httpx
from marquez_stub import StubMarquez

DEEDS = ("answer", "cut before", "cut after", "busy")
_WEIGHTS = (94, 2, 2, 2)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing: whoever asked was killed."""


class Marquez:
    """Listens on a port of its own until the block ends.

    Attributes:
        arrived: how often each event came, by the hash of its bytes.
    """

    def __init__(self, rng: Random) -> None:
        self.arrived: Counter[str] = Counter()
        self._rng = rng
        self._lock = threading.Lock()
        self._stub = StubMarquez()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def deed(self) -> str:
        """What becomes of the next event."""
        with self._lock:
            return self._rng.choices(DEEDS, _WEIGHTS)[0]

    def keep(self, path: str, body: bytes) -> None:
        with self._lock:
            self.arrived[digest(body)] += 1
            self._stub(httpx.Request("POST", f"http://m.test{path}", content=body))

    def ask(self, path: str) -> httpx.Response:
        with self._lock:
            return self._stub(httpx.Request("GET", f"http://m.test{path}"))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def digest(body: bytes) -> str:
    """The name of an event's bytes."""
    return hashlib.sha256(body).hexdigest()


def _handler(marquez: Marquez) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            deed = marquez.deed()
            if deed not in {"cut before", "busy"}:
                marquez.keep(self.path, body)
            if deed.startswith("cut"):
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
            else:
                self._answer(201 if deed == "answer" else 503, b"")

        def do_GET(self) -> None:
            answer = marquez.ask(self.path)
            self._answer(answer.status_code, answer.content)

        def _answer(self, status: int, body: bytes) -> None:
            try:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:  # whoever asked was killed
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    return Handler
