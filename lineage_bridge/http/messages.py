"""A request as it arrives, with its body still on the way, and the response to it.

Types are those of ASGI. Source: Jetty's limits (414, 431), Dropwizard's `BiDiGzipHandler`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from lineage_bridge.http.access import unmapped
from lineage_bridge.http.bodies import Bodies, inflated
from lineage_bridge.http.errors import (
    CLOSE,
    HttpError,
    container_json,
    error_page,
    refusal,
    too_busy,
)
from lineage_bridge.http.limits import HttpLimits
from lineage_bridge.http.responses import Response, Send, send_response

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

_TURNS_FOR_ROOM = 16  # of the event loop; a body that gives up takes a few
_NO_WEIGHT = re.compile(r"q=0(\.0*)?")
GZIP_SIGN = b"\x1f\x8b"  # no JSON begins with it
_HTML = "text/html;charset=iso-8859-1"


class Load:
    """What all requests of a server share: how many are worked on, and the memory of their bodies.

    Args:
        limits: of the server.
    """

    def __init__(self, limits: HttpLimits) -> None:
        self.limits = limits
        self.bodies = Bodies(limits.bodies_max_bytes)
        self._working = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[asyncio.Timeout]:
        """Work on a request; the deadline ends it with TimeoutError, unless it is rescheduled.

        Raises:
            HttpError: too many are worked on (503).
        """
        if self._working >= self.limits.requests_max:
            raise too_busy("Too many requests at once.")
        self._working += 1
        try:
            async with asyncio.timeout(self.limits.request_seconds) as deadline:
                yield deadline
        finally:
            self._working -= 1


class Call:
    """One request.

    Args:
        scope: ASGI's description of its head.
        receive: gives its body, piece by piece.
        load: of the server.

    Attributes:
        method: as sent.
        path: as sent, percent-encoded, without the query.
        query: as sent, without the question mark.
        headers: by lower-case name; the first one of a name counts.
        client: address and port of the peer, None where the server does not know it.
    """

    def __init__(self, scope: Scope, receive: Receive, load: Load) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["raw_path"].decode("latin-1")
        self.query: str = scope["query_string"].decode("latin-1")
        self.client: object = scope.get("client")
        self.headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            self.headers.setdefault(name.decode("latin-1"), value.decode("latin-1"))
        self._scope = scope
        self._receive = receive
        self._load = load
        self._reading: asyncio.Timeout | None = None  # while the body is on its way
        self._gives_up = False

    @property
    def is_read(self) -> bool:
        """Whether it only asks for content (GET or HEAD)."""
        return self.method in {"GET", "HEAD"}

    @property
    def own_address(self) -> str | None:
        """The address of this machine that the connection came in at."""
        server = self._scope.get("server")
        return unmapped(server[0]) if server else None

    def values(self, name: str) -> list[str]:
        """Return all values of a header; its name in lower case."""
        wanted = name.encode()
        return [v.decode("latin-1") for n, v in self._scope["headers"] if n == wanted]

    def check_size(self) -> None:
        """Refuse a URL or headers that are too long.

        Raises:
            HttpError: 414 or 431.
        """
        limits, scope = self._load.limits, self._scope
        if len(scope["raw_path"]) + len(scope["query_string"]) > limits.url_max_bytes:
            raise HttpError(414)
        size = sum(len(name) + len(value) for name, value in scope["headers"])
        if size > limits.header_max_bytes:
            raise HttpError(431)

    async def body(self) -> bytes:
        """Read the body, and undo its gzip.

        It is measured while it arrives and while it is inflated, so neither a long one nor a gzip
        bomb is ever in memory whole.

        Raises:
            HttpError: it is longer than the limit (413), too slow (408), in an encoding that is not
                understood (415) or cut off; or there is no room for more bodies now (503).
        """
        limits = self._load.limits
        encoding = self.headers.get("content-encoding", "").strip().lower()
        if encoding not in {"", "identity", "gzip"}:
            raise refusal(
                415, f"The content encoding `{encoding[:40]}` is not understood. Send gzip or none."
            )
        try:
            async with asyncio.timeout(limits.body_seconds) as self._reading:
                body = await self._whole(limits.body_max_bytes)
        except TimeoutError as exc:
            late = f"The body did not come within {limits.body_seconds:g} seconds, or stalled."
            raise refusal(408, late, CLOSE) from exc
        finally:
            self._reading = None
        if encoding != "gzip" and body.startswith(GZIP_SIGN):
            raise refusal(415, "The body is gzip, and no `Content-Encoding: gzip` says so.")
        if encoding == "gzip" and body:
            return b"".join(
                [await self._kept(part) for part in inflated(body, limits.body_max_bytes)]
            )
        return body

    async def _whole(self, limit: int) -> bytes:
        if int(self.headers.get("content-length") or 0) > limit:
            raise HttpError(413)
        chunks, size = [], 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise HttpError(400)
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > limit:
                raise HttpError(413)
            chunks.append(await self._kept(chunk))
            if not message.get("more_body"):
                break
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def _kept(self, part: bytes) -> bytes:
        bodies = self._load.bodies
        for _ in range(_TURNS_FOR_ROOM):
            if bodies.hold(self, len(part)):
                return part
            bodies.make_room()
            await asyncio.sleep(0)
        raise too_busy("Too many large requests at once.")

    def give_up(self) -> bool:
        """Stop reading the body soon, see `bodies.Reader`."""
        if self._reading is not None:
            self._reading.reschedule(asyncio.get_running_loop().time())
            self._reading, self._gives_up = None, True
        return self._gives_up

    def turn(self) -> AbstractAsyncContextManager[asyncio.Timeout]:
        """Work on the request, see `Load.turn`."""
        return self._load.turn()

    def let_go(self) -> None:
        """Count the body's memory as free again: the request is answered."""
        self._load.bodies.let_go(self)

    def failure(self, error: HttpError) -> Response:
        """Make the response of an error; one without a body gets the container's page."""
        extra = list(error.headers)
        if error.body is not None:
            return Response(error.body, error.status, headers=extra)
        if "application/json" in self.headers.get("accept", "").lower():
            return Response(container_json(error.status, self.path), error.status, headers=extra)
        return Response(error_page(error.status), error.status, _HTML, extra)

    async def respond(self, send: Send, response: Response) -> None:
        """Send the response; see `responses.send_response`."""
        head_only = self.method == "HEAD"
        takes_gzip = "gzip" in accepted(",".join(self.values("accept-encoding")))
        await send_response(send, response, self._gone, takes_gzip=takes_gzip, head_only=head_only)

    async def _gone(self) -> None:
        """Wait until the client has gone; its body must have been read, or not be wanted."""
        for _ in range(2):  # the first message may be the end of the request
            if (await self._receive())["type"] == "http.disconnect":
                return
        await asyncio.get_running_loop().create_future()  # nobody can tell


def accepted(header: str) -> set[str]:
    """Return what an Accept or Accept-Encoding header admits, in lower case, without parameters.

    A weight of 0 refuses what it stands at (RFC 9110, section 12.4.2).
    """
    admitted = set()
    for part in header.split(","):
        value, *parameters = (text.strip().lower() for text in part.split(";"))
        if not any(map(_NO_WEIGHT.fullmatch, parameters)):
            admitted.add(value)
    return admitted
