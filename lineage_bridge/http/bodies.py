"""Bodies of requests within bounds: how much of them is in memory, and how far gzip inflates."""

from __future__ import annotations

import time
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Protocol

from lineage_bridge.http.errors import HttpError, refusal

STALLED_SECONDS = 2.0  # a body of which nothing came for so long may have to give way
_INFLATE_STEP = 256 * 1024


class Reader(Protocol):
    """Whoever reads a body."""

    def give_up(self) -> bool:
        """Stop reading soon, and let go of what was read; return False if all of it is there."""
        ...


class Bodies:
    """The bytes of all bodies in memory. For one event loop.

    When there is no room for more, the body that has stalled longest gives up its own: else a few
    clients that send almost all of a large body, and then nothing, would keep all others out.

    Args:
        max_bytes: of all bodies together.
        clock: returns seconds that only grow.
    """

    def __init__(self, max_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_bytes = max_bytes
        self._clock = clock
        self._readers: OrderedDict[Reader, tuple[int, float]] = OrderedDict()
        self._held_bytes = 0

    def hold(self, reader: Reader, size: int) -> bool:
        """Count some bytes more for a reader; return False, and count none, if there is no room."""
        if self._held_bytes + size > self._max_bytes:
            return False
        held, _ = self._readers.get(reader, (0, 0.0))
        self._readers[reader] = (held + size, self._clock())
        self._readers.move_to_end(reader)
        self._held_bytes += size
        return True

    def make_room(self) -> None:
        """Have the body that has stalled longest given up, if one has for long enough."""
        now = self._clock()
        for reader, (_, since) in self._readers.items():
            if now - since < STALLED_SECONDS or reader.give_up():
                return

    def let_go(self, reader: Reader) -> None:
        """Count all bytes of a reader as free again."""
        held, _ = self._readers.pop(reader, (0, 0.0))
        self._held_bytes -= held


def inflated(body: bytes, limit: int) -> Iterator[bytes]:
    """Undo gzip, step by step, up to a limit.

    Raises:
        HttpError: the content exceeds the limit (413), or is no gzip (500) or cut off (422).
    """
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
    size = 0
    try:
        while body:
            if inflater.eof:  # a file may have several members
                inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
            part = inflater.decompress(body, _INFLATE_STEP)
            size += len(part)
            if size > limit:
                raise HttpError(413)
            yield part
            body = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
    except zlib.error as exc:
        raise refusal(
            500, f"The body is no gzip ({exc}), though its Content-Encoding says so."
        ) from exc
    if not inflater.eof:
        raise HttpError(422, {"errors": ["The request body must not be null"]})
