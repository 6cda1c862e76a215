"""The exporter's HTTP server: `/metrics` for Prometheus, `/` for whoever opens it in a browser.

It is bound to loopback by default. A scrape that fails is answered with 503, and has no effect on
the next one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client.exposition import ThreadingWSGIServer, make_wsgi_app

from lineage_bridge.answers import Snapshots
from lineage_bridge.errors import LineageBridgeError, SettingsError
from lineage_bridge.exporter.metrics_collector import MetricsCollector, registry_of, utc_now
from lineage_bridge.journal import Journal
from lineage_bridge.settings import Settings

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 9464
STOP_SECONDS = 0.05  # a stop is noticed within this time

_INDEX = b"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>lineage-bridge exporter</title></head>
<body><h1>lineage-bridge exporter</h1><p><a href="/metrics">Metrics</a></p></body></html>
"""


class ExporterServer:
    """Serves one home's metrics from a thread of its own.

    Args:
        journal: writable, and open for as long as the server runs.
        settings: see `MetricsCollector`.
        host: the address to bind to.
        port: 0 takes any free one; `url` says which.
        now: see `MetricsCollector`.
        at: see `MetricsCollector`.
        snapshots: see `MetricsCollector`.

    Raises:
        SettingsError: the address cannot be bound.
    """

    def __init__(
        self,
        journal: Journal,
        settings: Settings,
        host: str = DEFAULT_HOST,
        port: int = DEFAULT_PORT,
        now: Callable[[], datetime] = utc_now,
        *,
        at: datetime | None = None,
        snapshots: Snapshots | None = None,
    ) -> None:
        collector = MetricsCollector(journal, settings, now=now, at=at, snapshots=snapshots)
        try:
            self._server = make_server(
                host, port, exporter_app(collector), ThreadingWSGIServer, _QuietHandler
            )
        except (OSError, OverflowError) as exc:
            raise SettingsError(
                f"Cannot serve metrics on `{host}:{port}`: {exc}. "
                "Name another address with `--host` and `--port`."
            ) from exc
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(STOP_SECONDS,), name="exporter", daemon=True
        )

    @property
    def url(self) -> str:
        """The address of the server, such as `http://127.0.0.1:9464`."""
        host, port = self._server.server_address[:2]
        return f"http://{host if isinstance(host, str) else host.decode()}:{port}"

    def start(self) -> None:
        """Begin to answer; the port was bound when the server was made."""
        self._thread.start()

    def stop(self) -> None:
        """Take no more requests, and free the port."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def exporter_app(collector: MetricsCollector) -> WSGIApplication:
    """Make the WSGI application."""
    metrics = make_wsgi_app(registry_of(collector))

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "/")
        if path == "/metrics":
            try:
                return metrics(environ, start_response)  # type: ignore[no-any-return]
            except LineageBridgeError as exc:
                return _plain(start_response, "503 Service Unavailable", f"{exc}\n")
        if path in {"", "/"}:
            start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
            return [_INDEX]
        return _plain(start_response, "404 Not Found", "Try /metrics.\n")

    return answer


def _plain(start_response: StartResponse, status: str, text: str) -> Iterable[bytes]:
    start_response(status, [("Content-Type", "text/plain; charset=utf-8")])
    return [text.encode()]


class _QuietHandler(WSGIRequestHandler):
    """A handler that writes no log line for a request."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 # the base class's name
        pass
