"""HTTP on a connection, with a bound that the server library lacks: on the head of a request.

The head is what comes before the body: URL and headers. The library collects it without a limit,
and calls the application only when it is complete. Here a head larger than `HEAD_MAX_BYTES` is
answered 431 at once, and the connection is closed. The application checks the configured limits,
which are far lower.
"""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_MAX_BYTES = 256 * 1024

_ANSWER = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\n"
    b"connection: close\r\n\r\n"
)


class BoundedProtocol(HttpToolsProtocol):
    """One connection; memory for its request's head is bounded."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_bytes: int | None = 0  # None while a body is read

    def data_received(self, data: bytes) -> None:
        """Read on; refuse a head that has become too long."""
        if self._head_bytes is not None:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes is not None and self._head_bytes > HEAD_MAX_BYTES:
            self.transport.write(_ANSWER)
            self.transport.close()

    def on_message_begin(self) -> None:
        """Begin to count a head; bytes that came with the end of the last request do not count."""
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Stop counting: the head has ended."""
        self._head_bytes = None
        super().on_headers_complete()
