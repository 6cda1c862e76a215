"""The HTTP server: uvicorn around a site, in a thread of its own.

uvicorn and httptools were chosen by measurement (docs/decisions.md); what they lack is in
`connections` and `protocol`.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from typing import Any

import uvicorn

from lineage_bridge.errors import ServerError
from lineage_bridge.http.connections import BACKLOG, Door
from lineage_bridge.http.limits import HttpConfig
from lineage_bridge.http.protocol import BoundedProtocol, DoorConfig
from lineage_bridge.http.repeats import Repeats
from lineage_bridge.http.site import AsgiApp

STARTUP_SECONDS = 30.0
SHUTDOWN_SECONDS = 10
ACCEPTED_AT_ONCE = 64  # fewer than the file handles that are kept free
TICKS_PER_SECOND = 10  # of uvicorn's own timer
_log = logging.getLogger(__name__)


class HttpServer:
    """One port with its own event loop in its own thread.

    Args:
        host: the address to bind to.
        port: 0 for any free port.
        config: limits and TLS.
    """

    def __init__(self, host: str, port: int, config: HttpConfig) -> None:
        self.host = host
        self.port = port
        self._config = config
        self._door: Door | None = None
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The URL at which it listens."""
        scheme = "https" if self._config.tls_certificate else "http"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}"

    def bind(self) -> None:
        """Take the port; who connects waits until the server is started.

        Raises:
            ServerError: the port is taken, or there is no such address.
        """
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        says_busy = self._config.tls_certificate is None
        self._door = Door(family, self._config.limits, says_busy=says_busy)
        self._door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._door.bind((self.host, self.port))
            self._door.listen(BACKLOG)
        except (OSError, OverflowError) as exc:
            raise ServerError(
                f"Cannot listen on {self.host}:{self.port}: {exc}. "
                "Stop what uses the port, or choose another."
            ) from exc
        self.port = self._door.getsockname()[1]

    def start(self, app: AsgiApp) -> None:
        """Serve an application on the port that is bound.

        Raises:
            ServerError: the certificate cannot be used, or the server did not come up.
        """
        assert self._door is not None
        self._server = _Server(_uvicorn_config(app, self._config, self._door), self._door)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._door],), name=f"http-{self.port}", daemon=True
        )
        self._thread.start()
        if not self._server.is_ready.wait(STARTUP_SECONDS):
            raise ServerError(f"The server on port {self.port} did not come up.")

    def stop(self) -> None:
        """Stop serving after requests under way are answered, and free the port."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join()
        if self._door is not None:
            self._door.close()
            self._door = None

    def wait(self) -> None:
        """Wait until another thread stops the server."""
        if self._thread is not None:
            self._thread.join()


class _Server(uvicorn.Server):
    """A uvicorn server that signals when it listens, and ends connections that take too long."""

    def __init__(self, config: uvicorn.Config, door: Door) -> None:
        super().__init__(config)
        self.is_ready = threading.Event()
        self._door = door
        self._repeats = Repeats()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and set `is_ready`."""
        asyncio.get_running_loop().set_exception_handler(self._log_trouble)
        await super().startup(sockets)
        self.is_ready.set()

    async def on_tick(self, counter: int) -> bool:
        """Look after the connections once a second."""
        if counter % TICKS_PER_SECOND == 0:
            self._door.connections.end_overdue()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop; who has no request under way is not waited for."""
        self._door.connections.hang_up_idle()
        await super().shutdown(sockets)

    def _log_trouble(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        exc = context.get("exception")
        if exc is None:
            self._repeats.warn(_log, context["message"])
        else:
            self._repeats.log_failure(_log, context["message"], exc)


def _uvicorn_config(app: AsgiApp, config: HttpConfig, door: Door) -> uvicorn.Config:
    settings = DoorConfig(
        app,
        door=door,
        http=BoundedProtocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        backlog=ACCEPTED_AT_ONCE,
        # It closes a connection politely; `Connections` ends those that do not even take that.
        timeout_keep_alive=max(1, int(config.limits.idle_seconds)),
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        ssl_certfile=config.tls_certificate,
        ssl_keyfile=config.tls_key,
    )
    try:
        settings.load()
    except OSError as exc:  # an unreadable file, or an SSLError about its content
        raise ServerError(
            f"Cannot use the TLS certificate `{config.tls_certificate}`: {exc}. "
            "Name a PEM file, and its key with it."
        ) from exc
    return settings
