"""HTTP on a connection: uvicorn's, which reports what it is doing and bounds a request's head.

uvicorn collects a head without a limit and waits for it, and for a body, without end. Here a head
larger than `head_max_bytes` is answered 431 at once, and each step of a connection is reported to
`Connections`, which ends what takes too long.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from lineage_bridge.http.connections import Doing, Door, Visit
from lineage_bridge.http.repeats import Repeats

_TOO_LONG = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\n"
    b"connection: close\r\n\r\n"
)


class OnceAMinute(logging.Filter):
    """Lets each message of a logger through once a minute: strangers cause them."""

    def __init__(self) -> None:
        super().__init__()
        self._repeats = Repeats()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is to be logged."""
        return record.exc_info is not None or self._repeats.due(record.getMessage()) is not None


_log = logging.getLogger("lineage_bridge.http.malformed")
_log.addFilter(OnceAMinute())


class DoorConfig(uvicorn.Config):
    """uvicorn's configuration, with the door that its connections come in at."""

    def __init__(self, *args: Any, door: Door, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.door = door


class BoundedProtocol(HttpToolsProtocol):
    """One connection. Its configuration is a `DoorConfig`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = _log
        self._door = cast("DoorConfig", self.config).door
        self._visit: Visit | None = None
        self._head_bytes: int | None = 0  # None while a body is read

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Find the place that the door gave to this connection."""
        super().connection_made(transport)
        self._visit = self._door.visits.get(transport.get_extra_info("socket").fileno())
        if self._visit is not None:
            self._visit.hang_up = self._hang_up
            self._visit.unsent = transport.get_write_buffer_size

    def data_received(self, data: bytes) -> None:
        """Read on; refuse a head that has become too long."""
        if self._head_bytes is not None:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes is not None and self._head_bytes > self._door.limits.head_max_bytes:
            self.transport.write(_TOO_LONG)
            self.transport.close()

    def on_message_begin(self) -> None:
        """Begin to count a head; bytes that came with the end of the last request do not count."""
        self._head_bytes = 0
        self._turn_to(Doing.HEAD)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Stop counting: the head has ended."""
        self._head_bytes = None
        self._turn_to(Doing.BODY)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Wait for the answer, unless it was given before the end of the body."""
        super().on_message_complete()
        self._turn_to(Doing.WAITING if self.cycle.response_complete else Doing.ANSWER)

    def on_response_complete(self) -> None:
        """Wait for the next request, or for the client to read this answer."""
        super().on_response_complete()
        if self._visit is not None and self._visit.doing is Doing.ANSWER:
            self._turn_to(Doing.WAITING)

    def _hang_up(self) -> None:
        if (
            self.transport.get_write_buffer_size()
        ):  # the kernel need not try to send its part either
            connection = self.transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def _turn_to(self, doing: Doing) -> None:
        if self._visit is not None:
            self._door.connections.turns_to(self._visit, doing)
