"""The collector as a server: uvicorn around the application, in a thread or in the foreground."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from typing import Self

import uvicorn

from lineage_bridge.collector.admin import AdminApp
from lineage_bridge.collector.api import MakeFollower
from lineage_bridge.collector.app import AsgiApp, CollectorApp, build_app
from lineage_bridge.collector.config import CollectorConfig
from lineage_bridge.collector.protocol import BoundedProtocol
from lineage_bridge.errors import CollectorError
from lineage_bridge.journal import Journal

__all__ = ["CollectorConfig", "CollectorServer", "build_app"]

STARTUP_SECONDS = 30.0
SHUTDOWN_SECONDS = 10
KEEP_ALIVE_SECONDS = 75
BACKLOG = 2048


class CollectorServer:
    """A running collector: `start()` returns when it listens, `stop()` when it has ended.

    Args:
        journal: open for writing; it stays open after `stop()`.
        host: the address to bind to.
        port: 0 for any free port.
        config: limits, keys, TLS.
        pages: ASGI applications by path, outside of `/api`.
        admin_port: also serve `/ping`, `/healthcheck` and `/metrics` on this port, unless None.
        make_follower: makes what keeps the tables up to date; the default is a thread.
    """

    def __init__(
        self,
        journal: Journal,
        host: str = "127.0.0.1",
        port: int = 5000,
        config: CollectorConfig | None = None,
        pages: Mapping[str, AsgiApp] | None = None,
        admin_port: int | None = None,
        make_follower: MakeFollower | None = None,
    ) -> None:
        self._make_follower = make_follower
        self._journal = journal
        self._config = config or CollectorConfig()
        self._host = host
        self._pages = pages
        self._app: CollectorApp | None = None
        self._listeners = [_Listener(host, port)]
        if admin_port is not None:
            self._listeners.append(_Listener(host, admin_port))

    @property
    def url(self) -> str:
        """The URL at which the collector listens."""
        scheme = "https" if self._config.tls_certificate else "http"
        return f"{scheme}://{_shown(self._host)}:{self._listeners[0].port}"

    @property
    def admin_url(self) -> str | None:
        """The URL of the admin port, if there is one."""
        if len(self._listeners) == 1:
            return None
        return f"http://{_shown(self._host)}:{self._listeners[1].port}"

    def start(self) -> Self:
        """Serve in threads.

        Raises:
            CollectorError: the port is taken, or the server did not come up.
        """
        try:
            for listener in self._listeners:
                listener.bind()
            self._app = build_app(self._journal, self._config, self._pages, self._make_follower)
            self._listeners[0].start(self._app, self._config)
            for listener in self._listeners[1:]:
                listener.start(AdminApp(self._app.api, self._app.metrics), None)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop serving, after requests under way are answered and submitted events written."""
        for listener in self._listeners:
            listener.stop()
        if self._app is not None:
            self._app.close()
            self._app = None

    def wait(self) -> None:
        """Wait until another thread stops the collector."""
        self._listeners[0].wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


class _Listener:
    """One port with its own event loop in its own thread."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self._socket: socket.socket | None = None
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def bind(self) -> None:
        # asyncio turns Nagle's algorithm off only for sockets made with an explicit protocol.
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((self.host, self.port))
            self._socket.listen(BACKLOG)
        except OSError as exc:
            raise CollectorError(
                f"Cannot listen on {self.host}:{self.port}: {exc}. "
                "Stop what uses the port, or choose another."
            ) from exc
        self.port = self._socket.getsockname()[1]

    def start(self, app: AsgiApp, config: CollectorConfig | None) -> None:
        assert self._socket is not None
        self._server = _Server(_uvicorn_config(app, config or CollectorConfig()))
        self._thread = threading.Thread(
            target=self._server.run,
            args=([self._socket],),
            name=f"collector-{self.port}",
            daemon=True,
        )
        self._thread.start()
        if not self._server.is_ready.wait(STARTUP_SECONDS):
            raise CollectorError(f"The collector on port {self.port} did not come up.")

    def stop(self) -> None:
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join()
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def wait(self) -> None:
        if self._thread is not None:
            self._thread.join()


class _Server(uvicorn.Server):
    """A uvicorn server that signals when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and set `is_ready`."""
        await super().startup(sockets)
        self.is_ready.set()


def _uvicorn_config(app: AsgiApp, config: CollectorConfig) -> uvicorn.Config:
    settings = uvicorn.Config(
        app,
        http=BoundedProtocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        ssl_certfile=config.tls_certificate,
        ssl_keyfile=config.tls_key,
    )
    try:
        settings.load()
    except OSError as exc:  # an unreadable file, or an SSLError about its content
        raise CollectorError(
            f"Cannot use the TLS certificate `{config.tls_certificate}`: {exc}. "
            "Name a PEM file, and its key with it."
        ) from exc
    return settings
