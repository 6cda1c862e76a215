"""What is served on one port: parts by path, the rest by one of them, and who may ask for which.

Each request is checked, in this order: its size, the name it gives the server, its origin, its key,
and whether there is room to work on it. Probes need none of that, and tell nothing else.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from lineage_bridge.errors import HomeGoneError, LineageBridgeError
from lineage_bridge.http.access import Surface
from lineage_bridge.http.errors import CLOSE, HttpError, refusal, too_busy, unexpected
from lineage_bridge.http.limits import HttpConfig
from lineage_bridge.http.messages import Call, Load, Receive, Scope, accepted
from lineage_bridge.http.repeats import Repeats
from lineage_bridge.http.responses import Response, Send

AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]
Answer = Callable[[Call], Awaitable[Response]]

READY_SECONDS = 1.0  # an answer about readiness holds so long, however often it is asked for
THREADS = 2
PARTS_AT_ONCE = 32  # a crowd at the page or the metrics takes no place of the API's
_STOPPING = (
    "The server stops. Whether anything of this request was kept is not known: send it again, the "
    "same event is kept once."
)
_SHOWN = 200  # characters of a path in a log line
_PLAIN = "text/plain; charset=utf-8"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """What answers GET and HEAD of one path; it may take its time.

    Attributes:
        surface: whose access rules apply.
        answer: makes the response, in a thread.
        for_browsers: only clients that accept HTML or anything get it, as browsers do.
    """

    surface: Surface
    answer: Callable[[Call], Response]
    for_browsers: bool = False

    def is_for(self, call: Call) -> bool:
        """Return whether it answers a request for its path."""
        if not call.is_read:
            return False
        types = accepted(call.headers.get("accept", ""))
        return not self.for_browsers or bool(types & {"text/html", "*/*"})


class Site:
    """An ASGI application. `close()` ends its threads after their current work.

    Args:
        config: who may ask, and how much.
        parts: what is served, by path.
        rest: answers all other requests; None answers them 404.
        surface: of the rest.
        is_ready: whether the server can answer now; asked in a thread.
        count: called with method and status of each answered request.
    """

    def __init__(
        self,
        config: HttpConfig,
        parts: Mapping[str, Part],
        rest: Answer | None = None,
        *,
        surface: Surface = "api",
        is_ready: Callable[[], bool],
        count: Callable[[str, int], None] | None = None,
    ) -> None:
        self._access = config.access
        self._load = Load(config.limits)
        self._parts_load = Load(replace(config.limits, requests_max=PARTS_AT_ONCE))
        self._parts = dict(parts)
        self._rest = rest
        self._surface = surface
        self._count = count
        self._threads = ThreadPoolExecutor(THREADS, "site")
        self._readiness = _Readiness(is_ready)
        self._repeats = Repeats()

    def close(self) -> None:
        """End the threads after their current work."""
        self._threads.shutdown()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        call = Call(scope, receive, self._load)
        if call.path in {"/healthz", "/readyz"}:
            await call.respond(send, await self._probe(call))
            return
        try:
            response = await self._answer(call)
        finally:
            call.let_go()
        if self._count is not None:
            self._count(call.method, response.status)
        try:
            await call.respond(send, response)
        except Exception as exc:  # noqa: BLE001 - the server ends the connection: it is not whole
            self._repeats.log_failure(_log, f"{_named(call)} while it was answered", exc)

    async def _probe(self, call: Call) -> Response:
        if not call.is_read:
            return call.failure(refusal(405, "HTTP 405 Method Not Allowed", ("allow", "GET, HEAD")))
        if call.path == "/healthz":
            return Response(b"ok\n", media_type=_PLAIN)
        is_ready = await self._readiness.ask()
        return Response(*((b"ready\n", 200) if is_ready else (b"not ready\n", 503)), _PLAIN)

    async def _answer(self, call: Call) -> Response:
        try:
            return await self._dispatch(call)
        except TimeoutError:
            return call.failure(too_busy("There was no answer in time."))
        except asyncio.CancelledError:  # by the server, when it stops
            return call.failure(refusal(503, _STOPPING, CLOSE))
        except HttpError as error:
            return call.failure(error)
        except LineageBridgeError as error:
            if not isinstance(error, HomeGoneError):  # the journal has logged that one, once
                self._repeats.warn(_log, f"A request failed: {error}")
            return call.failure(too_busy("The journal cannot be used now."))
        except Exception as exc:  # noqa: BLE001 - a request never breaks the server
            self._repeats.log_failure(_log, _named(call), exc)
            return call.failure(unexpected())

    async def _dispatch(self, call: Call) -> Response:
        part = self._parts.get(call.path)
        if part is not None and not part.is_for(call):
            part = None
        call.check_size()
        self._access.check(call, self._surface if part is None else part.surface)
        if part is not None:
            async with self._parts_load.turn():
                return await self._in_thread(part, call)
        if self._rest is None:
            raise refusal(404, "HTTP 404 Not Found")
        return await self._rest(call)

    async def _in_thread(self, part: Part, call: Call) -> Response:
        return await asyncio.get_running_loop().run_in_executor(self._threads, part.answer, call)


def _named(call: Call) -> str:
    return f"{call.method} {call.path[:_SHOWN]} failed"


class _Readiness:
    """Asks whether the server is ready, at most once at a time and once a second."""

    def __init__(self, is_ready: Callable[[], bool]) -> None:
        self._is_ready = is_ready
        self._asked_at = 0.0
        self._answer: asyncio.Future[bool] | None = None

    async def ask(self) -> bool:
        is_due = time.monotonic() - self._asked_at >= READY_SECONDS
        if self._answer is None or (is_due and self._answer.done()):
            self._asked_at = time.monotonic()
            self._answer = asyncio.ensure_future(asyncio.to_thread(self._is_ready))
        return await asyncio.shield(self._answer)
