"""HTTP on a connection: uvicorn's, which reports what it is doing and bounds a request's head.

uvicorn collects heads, trailers and requests that are sent ahead without a limit, and waits for
heads and bodies without end. Here a head or trailer larger than `head_max_bytes` is answered 431 at
once, and so is one of very many small headers; trailers are no headers; only a few requests may be
sent ahead, and those are answered before what comes after them is refused; offers of another
protocol are passed over; and each step of a connection is reported to `Connections`, which ends
what takes too long.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from typing import Any, cast

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from lineage_bridge.http.connections import Doing, Door, Visit
from lineage_bridge.http.repeats import Repeats

MAX_PIPELINED = 16  # requests that a client sends before the first one is answered
_BYTES_PER_CHUNK = 8  # a chunk of one byte takes six
_BYTES_PER_HEADER = 32  # that any header costs besides its text
_TOO_LONG = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\n"
    b"connection: close\r\n\r\n"
)
_MALFORMED_TEXT = "Invalid HTTP request received."
_MALFORMED = (
    b"HTTP/1.1 400 Bad Request\r\n"
    b"content-type: text/plain; charset=utf-8\r\n"
    b"content-length: %d\r\n"
    b"connection: close\r\n\r\n"
    b"%b"
) % (len(_MALFORMED_TEXT), _MALFORMED_TEXT.encode())


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
        self._head_bytes = 0  # of the head; then of what comes with a body and is no part of it
        self._is_in_head = True
        self._header_bytes = 0
        self._refusal: bytes | None = None  # ends the connection after the answers that are due

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Find the place that the door gave to this connection."""
        super().connection_made(transport)
        self._visit = self._door.visits.get(transport.get_extra_info("socket").fileno())
        if self._visit is not None:
            self._visit.hang_up = self._hang_up
            self._visit.unsent = transport.get_write_buffer_size
            self._turn_to(Doing.WAITING)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection at once: a timer of the base class would hold it for a minute."""
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    def data_received(self, data: bytes) -> None:
        """Read on; refuse what is no HTTP, and a head or a trailer that has become too long."""
        if self._refusal is not None:
            return
        self._head_bytes += len(data)
        self._unset_keepalive_if_required()
        try:
            self._parse(data)
        except httptools.HttpParserError:
            self.logger.warning(_MALFORMED_TEXT)
            self._refuse(_TOO_LONG if self._has_many_headers() else _MALFORMED)
        self._head_bytes = max(self._head_bytes, 0)
        if self._head_bytes > self._door.limits.head_max_bytes and self._refusal is None:
            self._refuse(_TOO_LONG)

    def _parse(self, data: bytes) -> None:
        """Parse data; an offer of another protocol is taken out of its request, and never taken up.

        Common clients offer HTTP/2 or TLS with each request (Java's, Apache's). The parser ends
        such a request with its head, and would take neither its body nor what comes after it.
        """
        while True:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as offer:
                (end_of_head,) = offer.args
                data = self._head_without_offer() + data[end_of_head:]
            else:
                return

    def _head_without_offer(self) -> bytes:
        version = self.parser.get_http_version().encode()
        lines = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, version)]
        lines += [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
        return b"\r\n".join([*lines, b"", b""])

    def on_message_begin(self) -> None:
        """Begin to count a head; bytes that came with the end of the last request do not count."""
        if len(self.pipeline) >= MAX_PIPELINED:
            raise ValueError("too many requests were sent ahead")  # answered by `data_received`
        self._head_bytes = self._header_bytes = 0
        self._is_in_head = True
        self._turn_to(Doing.HEAD)
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; leave out a trailer, which comes after everything was decided."""
        if not self._is_in_head:
            return
        self._header_bytes += len(name) + len(value) + _BYTES_PER_HEADER
        if self._has_many_headers():
            raise ValueError("too many headers")  # answered by `data_received`
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Wait for the body; what came so far is no trailer."""
        if self.parser.should_upgrade():
            if self.parser.get_method() == b"CONNECT":
                raise ValueError("this is no proxy")  # answered by `data_received`
            return
        self._head_bytes = 0
        self._is_in_head = False
        self._turn_to(Doing.BODY)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body; it and what announced it do not count."""
        self._head_bytes -= len(body) * _BYTES_PER_CHUNK
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait for the answer, unless it was given before the end of the body."""
        if self.parser.should_upgrade():
            return
        super().on_message_complete()
        self._turn_to(Doing.WAITING if self.cycle.response_complete else Doing.ANSWER)

    def on_response_complete(self) -> None:
        """Wait for the next request, or for the client to read this answer."""
        has_next = bool(self.pipeline)
        super().on_response_complete()
        if self._refusal is not None and not has_next:
            self._end()
        if self._visit is None:
            return
        self._visit.is_known = True
        if self._visit.doing is Doing.ANSWER and not has_next:
            self._turn_to(Doing.WAITING)

    def resume_writing(self) -> None:
        """Go on with a long answer, of which the client has taken some."""
        super().resume_writing()
        if self._visit is not None:
            self._turn_to(self._visit.doing)

    def _has_many_headers(self) -> bool:
        return self._header_bytes > 2 * self._door.limits.header_max_bytes

    def _refuse(self, refusal: bytes) -> None:
        """Refuse what came last, after the answers to what came before it."""
        self._refusal = refusal
        is_answering = self.cycle is not None and not self.cycle.response_complete
        if is_answering and self.cycle.more_body:  # its body is what is refused
            if self.pipeline:
                self.pipeline.popleft()
            else:
                is_answering = self.cycle.response_started
        if is_answering:
            self._turn_to(Doing.ANSWER)
        else:
            self._end()

    def _end(self) -> None:
        if self._refusal is not None and not self.transport.is_closing():
            self.transport.write(self._refusal)
        self.transport.close()

    def _hang_up(self) -> None:
        is_unread = self.transport.get_write_buffer_size() > 0
        if is_unread:  # the kernel need not try to send its part either
            connection = self.transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def _turn_to(self, doing: Doing) -> None:
        if self._visit is not None:
            self._door.connections.turns_to(self._visit, doing)
