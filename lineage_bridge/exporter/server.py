"""The exporter on a port of its own: `/metrics` for Prometheus, `/` for whoever opens it.

It is bound to loopback by default. `lineage-bridge up` shows the same metrics on the collector's
port, unless it is given a second one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Self

from lineage_bridge.answers import Snapshots
from lineage_bridge.exporter.compat import Compat
from lineage_bridge.exporter.metrics_collector import MetricsCollector, utc_now
from lineage_bridge.http import Call, HttpConfig, Part, Response, Site
from lineage_bridge.http.metrics import metrics_part
from lineage_bridge.http.server import HttpServer
from lineage_bridge.journal import Journal
from lineage_bridge.settings import Settings

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 9464

_INDEX = b"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>lineage-bridge exporter</title></head>
<body><h1>lineage-bridge exporter</h1><p><a href="/metrics">Metrics</a></p></body></html>
"""


class ExporterServer:
    """Serves one home's metrics from a thread of its own.

    Args:
        journal: writable, and open for as long as the server runs.
        settings: see `MetricsCollector`; their section `collector` says who may ask.
        host: the address to bind to.
        port: 0 takes any free one; `url` says which.
        now: see `MetricsCollector`.
        at: see `MetricsCollector`.
        compat: see `MetricsCollector`.
        snapshots: see `MetricsCollector`.

    Raises:
        ServerError: the address cannot be bound.
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
        compat: Collection[Compat] = (),
        snapshots: Snapshots | None = None,
    ) -> None:
        collector = MetricsCollector(
            journal, settings, now=now, at=at, compat=compat, snapshots=snapshots
        )
        config = HttpConfig.of(settings.collector)
        parts = {"/": Part("metrics", _index), "/metrics": metrics_part(collector)}
        self._site = Site(config, parts, surface="metrics", is_ready=journal.is_readable)
        self._server = HttpServer(host, port, config)
        try:
            self._server.bind()
        except BaseException:
            self.stop()
            raise

    @property
    def url(self) -> str:
        """The address of the server, such as `http://127.0.0.1:9464`."""
        return self._server.url

    def start(self) -> None:
        """Begin to answer; the port was bound when the server was made."""
        self._server.start(self._site)

    def stop(self) -> None:
        """Take no more requests, and free the port."""
        self._server.stop()
        self._site.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _index(_: Call) -> Response:
    return Response(_INDEX, media_type="text/html; charset=utf-8")
