"""The collector as a server: a site around Marquez's API, and its port."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Self

from lineage_bridge.collector.admin import admin_parts
from lineage_bridge.collector.api import MakeFollower
from lineage_bridge.collector.app import CollectorApp
from lineage_bridge.collector.config import CollectorConfig
from lineage_bridge.http import HttpConfig, Part, Site
from lineage_bridge.http.metrics import MetricsSource, metrics_part
from lineage_bridge.http.server import HttpServer
from lineage_bridge.journal import Journal

__all__ = ["CollectorConfig", "CollectorServer", "CollectorSite"]

METRICS_PATHS = ("/metrics", "/v2beta/metrics")


class CollectorSite(Site):
    """Marquez's API, its metrics, and further parts, as an ASGI application.

    Args:
        journal: open for writing; it stays open after `close()`.
        config: of the collector.
        http: who may ask, and how much.
        parts: further parts by path, outside of `/api`; Marquez has nothing there.
        metrics: shown besides its own.
        make_follower: makes what keeps the tables up to date; the default is a thread.
    """

    def __init__(
        self,
        journal: Journal,
        config: CollectorConfig | None = None,
        http: HttpConfig | None = None,
        parts: Mapping[str, Part] | None = None,
        metrics: Sequence[MetricsSource] = (),
        make_follower: MakeFollower | None = None,
    ) -> None:
        self.collector = CollectorApp(journal, config, make_follower)
        shown = metrics_part(*metrics, self.collector.metrics)
        super().__init__(
            http or HttpConfig(),
            {**dict.fromkeys(METRICS_PATHS, shown), **(parts or {})},
            self.collector.answer,
            is_ready=journal.is_readable,
            count=self.collector.metrics.count,
        )

    def close(self) -> None:
        """End the threads and the writer after their current work."""
        super().close()
        self.collector.close()


class CollectorServer:
    """A running collector: `start()` returns when it listens, `stop()` when it has ended.

    Args:
        journal: open for writing; it stays open after `stop()`.
        host: the address to bind to.
        port: 0 for any free port.
        config: of the collector.
        http: who may ask, how much, TLS.
        parts: further parts by path, see `CollectorSite`.
        metrics: shown besides its own.
        admin_port: also serve `/ping`, `/healthcheck` and `/metrics` on this port, unless None.
        make_follower: makes what keeps the tables up to date; the default is a thread.
    """

    def __init__(
        self,
        journal: Journal,
        host: str = "127.0.0.1",
        port: int = 5000,
        config: CollectorConfig | None = None,
        http: HttpConfig | None = None,
        parts: Mapping[str, Part] | None = None,
        metrics: Sequence[MetricsSource] = (),
        admin_port: int | None = None,
        make_follower: MakeFollower | None = None,
    ) -> None:
        self._http = http or HttpConfig()
        self._make_site = partial(
            CollectorSite, journal, config, self._http, parts, metrics, make_follower
        )
        self._server = HttpServer(host, port, self._http)
        few = self._http.for_few()
        self._admin = None if admin_port is None else HttpServer(host, admin_port, few)
        self._sites: list[Site] = []

    @property
    def url(self) -> str:
        """The URL at which the collector listens."""
        return self._server.url

    @property
    def admin_url(self) -> str | None:
        """The URL of the admin port, if there is one."""
        return None if self._admin is None else self._admin.url

    def start(self) -> Self:
        """Serve in threads.

        Raises:
            ServerError: the port is taken, or the server did not come up.
        """
        try:
            self._server.bind()
            if self._admin is not None:
                self._admin.bind()
            site = self._make_site()
            self._sites.append(site)
            self._server.start(site)
            if self._admin is not None:
                self._admin.start(self._admin_site(site.collector))
        except BaseException:
            self.stop()
            raise
        return self

    def _admin_site(self, collector: CollectorApp) -> Site:
        parts = admin_parts(collector.api, collector.metrics)
        site = Site(self._http, parts, surface="admin", is_ready=collector.api.journal.is_readable)
        self._sites.append(site)
        return site

    def stop(self) -> None:
        """Stop serving, after requests under way are answered and submitted events written."""
        for server in (self._server, self._admin):
            if server is not None:
                server.stop()
        while self._sites:
            self._sites.pop().close()

    def wait(self) -> None:
        """Wait until another thread stops the collector."""
        self._server.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
