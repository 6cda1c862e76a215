"""Bodies of requests within bounds: how much of them is in memory, and how far gzip inflates."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from lineage_bridge.http.errors import HttpError, refusal, too_busy

_INFLATE_STEP = 256 * 1024


class Bodies:
    """Counts the bytes of all bodies in memory. For one event loop.

    Args:
        max_bytes: of all bodies together.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self.held_bytes = 0

    def hold(self, size: int) -> None:
        """Count some bytes of a body.

        Raises:
            HttpError: there is no room for them now (503).
        """
        if self.held_bytes + size > self._max_bytes:
            raise too_busy("Too many large requests at once.")
        self.held_bytes += size

    def let_go(self, size: int) -> None:
        """Count bytes as free again."""
        self.held_bytes -= size


def inflated(body: bytes, limit: int) -> Iterator[bytes]:
    """Undo gzip, step by step, up to a limit.

    Raises:
        HttpError: the content exceeds the limit (413), or is no gzip (500) or cut off (422).
    """
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
    size = 0
    try:
        while body and not inflater.eof:
            part = inflater.decompress(body, _INFLATE_STEP)
            size += len(part)
            if size > limit:
                raise HttpError(413)
            yield part
            body = inflater.unconsumed_tail
    except zlib.error as exc:
        raise refusal(
            500, f"The body is no gzip ({exc}), though its Content-Encoding says so."
        ) from exc
    if not inflater.eof:
        raise HttpError(422, {"errors": ["The request body must not be null"]})
