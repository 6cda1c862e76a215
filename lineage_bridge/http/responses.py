"""Responses: short ones at once, long ones in pieces, each made while it is sent.

A piece is made and compressed in a thread, so that it delays nobody, and a long answer is never in
memory whole. If making one fails, the connection ends in the middle; if the client has gone, no
more are made.
"""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Awaitable, Callable, Coroutine, Iterator, MutableMapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import msgspec

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

GZIP_MIN_BYTES = 256
GZIP_LEVEL = 1
PIECE_BYTES = 256 * 1024  # of a long answer


@dataclass(slots=True)
class Response:
    """An HTTP response.

    Attributes:
        body: bytes; or an iterator of them, which are made while they are sent; or what is encoded
            as JSON. None is an empty body.
    """

    body: Any = None
    status: int = 200
    media_type: str | None = "application/json"
    headers: list[tuple[str, str]] = field(default_factory=list)

    def pieces(self) -> Iterator[bytes]:
        """Yield the body in pieces of `PIECE_BYTES` or somewhat more; only the last is shorter."""
        if isinstance(self.body, Iterator):
            yield from _joined(self.body)
            return
        content = self.content()
        for begin in range(0, len(content), PIECE_BYTES):
            yield content[begin : begin + PIECE_BYTES]

    def content(self) -> bytes:
        """Return the body as bytes, where it is not made while it is sent."""
        if self.body is None:
            return b""
        return self.body if isinstance(self.body, bytes) else msgspec.json.encode(self.body)


async def send_response(
    send: Send,
    response: Response,
    gone: Callable[[], Coroutine[Any, Any, None]],
    *,
    takes_gzip: bool,
    head_only: bool,
) -> None:
    """Send a response, compressed if the client accepts that and the size is worth it.

    Args:
        send: of ASGI.
        response: what to send.
        gone: waits until the client has gone.
        takes_gzip: the client accepts gzip.
        head_only: leave the body out.
    """
    raw = [(name.encode(), value.encode()) for name, value in response.headers]
    if response.media_type is not None:
        raw.append((b"content-type", response.media_type.encode()))
    can_pack = response.status == 200 and _is_text(response.media_type)
    if can_pack:
        raw.append((b"vary", b"Accept-Encoding"))
    can_pack = can_pack and takes_gzip
    pieces = response.pieces()
    is_made = not isinstance(response.body, Iterator)
    first = next(pieces, b"") if is_made else await asyncio.to_thread(next, pieces, b"")
    if len(first) < PIECE_BYTES:
        if can_pack and len(first) >= GZIP_MIN_BYTES:
            first = gzip.compress(first, GZIP_LEVEL, mtime=0)
            raw.append((b"content-encoding", b"gzip"))
        raw.append((b"content-length", str(len(first)).encode()))
        await send({"type": "http.response.start", "status": response.status, "headers": raw})
        await send({"type": "http.response.body", "body": b"" if head_only else first})
        return
    if can_pack:
        raw.append((b"content-encoding", b"gzip"))
    elif is_made:
        raw.append((b"content-length", str(len(response.content())).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": raw})
    if not head_only:
        whole = chain([first], pieces)
        await _send_pieces(send, _packed(whole) if can_pack else whole, gone)
    await send({"type": "http.response.body", "body": b""})


async def _send_pieces(
    send: Send, pieces: Iterator[bytes], gone: Callable[[], Coroutine[Any, Any, None]]
) -> None:
    leaving = asyncio.ensure_future(gone())
    try:
        while not leaving.done() and (piece := await asyncio.to_thread(next, pieces, b"")):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    finally:
        leaving.cancel()


def _joined(parts: Iterator[bytes]) -> Iterator[bytes]:
    joined, size = [], 0
    for part in parts:
        joined.append(part)
        size += len(part)
        if size >= PIECE_BYTES:
            yield b"".join(joined)
            joined, size = [], 0
    if joined:
        yield b"".join(joined)


def _packed(pieces: Iterator[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(GZIP_LEVEL, wbits=zlib.MAX_WBITS | 16)
    for piece in pieces:
        if packed := packer.compress(piece):
            yield packed
    yield packer.flush()


def _is_text(media_type: str | None) -> bool:
    return media_type is not None and media_type.startswith(("application/", "text/"))
