"""The ASGI application: Marquez's API over a journal.

One event loop takes requests and events; a few threads answer reads, so that a slow read blocks
nobody. An event is answered 201 when it is durable; a refusal is known by then. The tables follow
at once, and a read waits for them: up to `PATIENCE_SECONDS` for all events that were in the journal
when the read came, and as long as it takes for the events that its own connection sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from lineage_bridge.collector import access, wire
from lineage_bridge.collector.accept.checking import Checked, CheckProcess, check
from lineage_bridge.collector.accept.intake import Intake
from lineage_bridge.collector.accept.screen import Namespaces
from lineage_bridge.collector.answer import lookup
from lineage_bridge.collector.answer.stats import Stats
from lineage_bridge.collector.api import Api, MakeFollower
from lineage_bridge.collector.config import CollectorConfig
from lineage_bridge.collector.dialect.errors import ApiError, coded, generic
from lineage_bridge.collector.dialect.requests import EmptyBodyError, Request, Response, check_names
from lineage_bridge.collector.metrics import METRICS_TYPE, Metrics
from lineage_bridge.collector.pace import Pace
from lineage_bridge.collector.routes import Match, Route, Router, all_routes
from lineage_bridge.collector.rows.refused import REFUSED
from lineage_bridge.collector.wire import Receive, Scope, Send
from lineage_bridge.errors import HomeGoneError, LineageBridgeError
from lineage_bridge.events import Event
from lineage_bridge.journal import Journal
from lineage_bridge.journal.follower import Mark

AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

PATIENCE_SECONDS = 0.25
MAX_CLIENTS = 10_000  # connections whose last event is remembered
LARGE_BYTES = 256 * 1024  # a larger body is checked in a thread, so that it delays nobody
HUGE_BYTES = 2 * 1024 * 1024  # and one larger than this in another process
_METRICS_PATHS = frozenset({"/metrics", "/v2beta/metrics"})
_log = logging.getLogger(__name__)


class CollectorApp:
    """The application. `close()` ends its threads and its writer, not the journal.

    Args:
        journal: open for writing.
        config: limits and keys.
        pages: ASGI applications by path, outside of `/api`; the same keys protect them. Marquez has
            nothing there, so only clients that accept HTML or anything, as browsers do, get them.
        make_follower: makes what keeps the tables up to date; the default is a thread.
    """

    def __init__(
        self,
        journal: Journal,
        config: CollectorConfig | None = None,
        pages: Mapping[str, AsgiApp] | None = None,
        make_follower: MakeFollower | None = None,
    ) -> None:
        self.config = config or CollectorConfig()
        self.api = Api(journal, make_follower)
        self.api.seed(dict(self.config.tags))
        self.pace = Pace(time.monotonic)
        self.metrics = Metrics(self.pace)
        self._namespaces = Namespaces(self.api.list_namespaces())
        self._checker = CheckProcess(self.config.limits)
        self._sent: OrderedDict[object, int] = OrderedDict()
        self._epoch = journal.epoch
        self._pages = dict(pages or {})
        self._router = Router(all_routes(Stats()))
        self._readers = ThreadPoolExecutor(self.config.readers, "collector-reader")
        self._intake = Intake(self.api.submit)
        self._active = 0

    def close(self) -> None:
        """End the threads after their current work."""
        self._readers.shutdown()
        self._checker.close()
        self.api.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await _lifespan(scope, receive, send)
            return
        path = scope["raw_path"].decode("latin-1")
        headers = wire.headers_of(scope)
        page = self._pages.get(path)
        if page is not None and (path.endswith(".json") or _takes_pages(headers)):
            await self._show_page(page, scope, receive, send, headers)
            return
        self._active += 1
        try:
            response = await self._answer(scope, receive, path, headers)
        finally:
            self._active -= 1
        self.metrics.count(scope["method"], response.status)
        await wire.respond(send, response, headers, is_head=scope["method"] == "HEAD")

    async def _show_page(
        self,
        page: AsgiApp,
        scope: Scope,
        receive: Receive,
        send: Send,
        headers: Mapping[str, str],
    ) -> None:
        try:
            wire.check_size(scope, self.config)
            access.check(self.config, scope["method"], headers)
        except ApiError as error:
            response = wire.failure(error, scope["path"], headers)
            await wire.respond(send, response, headers, is_head=False)
            return
        await page(scope, receive, send)

    async def _answer(
        self, scope: Scope, receive: Receive, path: str, headers: Mapping[str, str]
    ) -> Response:
        try:
            self._check_load()
            wire.check_size(scope, self.config)
            access.check(self.config, scope["method"], headers)
            async with asyncio.timeout(self.config.request_seconds):
                return await self._dispatch(scope, receive, path, headers)
        except TimeoutError:
            return wire.failure(ApiError(503), path, headers)
        except ApiError as error:
            return wire.failure(error, path, headers)
        except LineageBridgeError as error:
            if not isinstance(error, HomeGoneError):  # the journal has logged that one, once
                _log.exception("%s %s failed", scope["method"], path)
            return wire.failure(ApiError(503), path, headers)
        except EmptyBodyError:
            return wire.failure(generic(), path, headers)
        except Exception:  # noqa: BLE001 - as in Marquez: a request never breaks the server
            _log.exception("%s %s failed", scope["method"], path)
            return wire.failure(generic(), path, headers)

    def _check_load(self) -> None:
        if self._active > self.config.requests_max:
            raise ApiError(503, headers=(("retry-after", "1"),))

    async def _dispatch(
        self, scope: Scope, receive: Receive, path: str, headers: Mapping[str, str]
    ) -> Response:
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        if path in _METRICS_PATHS and method == "GET":
            return await self._in_thread(self._show_metrics)
        match = self._router.match(path)
        if method == "OPTIONS":
            return Response(_allowed(match).encode(), media_type="text/plain")
        request = Request(
            method, path, scope["query_string"].decode("latin-1"), match.names, headers
        )
        route = match.methods.get(method)
        if route is None:
            raise await self._not_allowed(request, match)
        wire.check_types(route, headers, method)
        check_names(match.names)
        if method != "GET":
            request.body = await wire.read_body(receive, headers, self.config.body_max_bytes)
        client = scope.get("client")
        if route.handler is None:
            return await self._take_event(request.body, client)
        await self._catch_up(client)
        return await self._in_thread(self._handle, route, request)

    async def _in_thread(self, work: Callable[..., Response], *args: object) -> Response:
        return await asyncio.get_running_loop().run_in_executor(self._readers, work, *args)

    def _handle(self, route: Route, request: Request) -> Response:
        assert route.handler is not None
        result = route.handler(self.api, request)
        response = result if isinstance(result, Response) else Response(result)
        response.body = response.content() or None
        return response

    async def _not_allowed(self, request: Request, match: Match) -> ApiError:
        if "id" in match.names:  # Marquez looks the run up before it checks the method
            await self._in_thread(self._find_run, request)
        allow = ("allow", _allowed(match))
        body = coded(405, "HTTP 405 Method Not Allowed").body
        return ApiError(405, body, (allow,))

    def _find_run(self, request: Request) -> Response:
        with self.api.reading() as connection:
            lookup.find_run(connection, request.uuid("id"))
        return Response()

    def _show_metrics(self) -> Response:
        with self.api.reading() as connection:
            written = self.metrics.exposition(connection)
        return Response(written, media_type=METRICS_TYPE)

    async def _take_event(self, body: bytes, client: object) -> Response:
        checked = await self._check(body)
        event = Event(checked.body or body, checked.kind, checked.time_us, checked.id)
        status = await self._status_of(event, checked, client)
        await self._keep_pace(len(event.body))
        seq = await self._intake.append(event)
        self.api.follower.wake()
        if seq is not None:
            self.pace.appended(seq, len(event.body))
            self._remember(client, seq)
        if status >= 400:
            raise ApiError(status)
        return Response(status=status, media_type=None)

    async def _check(self, body: bytes) -> Checked:
        """Check the event of a body; a large one in a thread, a huge one in another process.

        Raises:
            ApiError: Marquez would not accept it.
        """
        if len(body) <= LARGE_BYTES:
            return check(body, self.config.limits)
        loop = asyncio.get_running_loop()
        if len(body) <= HUGE_BYTES:
            return await loop.run_in_executor(self._readers, check, body, self.config.limits)
        return await loop.run_in_executor(self._readers, self._checker.check, body)

    async def _status_of(self, event: Event, checked: Checked, client: object) -> int:
        """Return the status for an event; one that may be refused half-way is tried out first."""
        if event.kind == REFUSED:
            return 400
        may_collide = [self._namespaces.add(namespace) for namespace in checked.namespaces]
        if not checked.has_sign and not any(may_collide):
            return 201
        await self._catch_up(client)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self.api.try_out, event)

    async def _keep_pace(self, size: int) -> None:
        self._follow_epoch()
        self.pace.folded(self.api.follower.watermark.mark.seq)
        delay = self.pace.delay(size)
        if delay:
            await asyncio.sleep(delay)

    def _remember(self, client: object, seq: int) -> None:
        self._sent[client] = seq
        self._sent.move_to_end(client)
        if len(self._sent) > MAX_CLIENTS:
            self._sent.popitem(last=False)

    def _follow_epoch(self) -> None:
        if self._epoch != self.api.journal.epoch:  # in another journal these numbers mean nothing
            self._epoch = self.api.journal.epoch
            self._sent.clear()
            self.pace.forget()

    async def _catch_up(self, client: object) -> None:
        """Wait until the tables have the events that a read must not miss."""
        self._follow_epoch()
        self.pace.folded(self.api.follower.watermark.mark.seq)
        # If folding is already further behind than that, waiting is in vain and only adds delay.
        patience = PATIENCE_SECONDS if self.pace.lag_seconds < PATIENCE_SECONDS else 0
        if await self._is_reached(self.api.mark(), patience):
            self._sent.pop(client, None)
            return
        own = self._sent.get(client)
        if own is not None:  # only the time limit of the request ends this wait
            await self._is_reached(self.api.mark(own), None)

    async def _is_reached(self, wanted: Mark, seconds: float | None) -> bool:
        watermark = self.api.follower.watermark
        if watermark.mark.has(wanted):
            return True
        reached = asyncio.Event()
        call_off = watermark.when(wanted, partial(_set_in, asyncio.get_running_loop(), reached))
        self.api.follower.wake()
        try:
            async with asyncio.timeout(seconds):
                await reached.wait()
        except TimeoutError:
            return False
        finally:
            call_off()
        return True


def _set_in(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    with contextlib.suppress(RuntimeError):  # the loop may have ended meanwhile
        loop.call_soon_threadsafe(event.set)


def _takes_pages(headers: Mapping[str, str]) -> bool:
    accept = headers.get("accept", "")
    return "text/html" in accept or "*/*" in accept


def _allowed(match: Match) -> str:
    methods = list(match.methods)
    head = ["HEAD"] if "GET" in methods else []
    return ", ".join([*head, *sorted(methods, reverse=True), "OPTIONS"])


async def _lifespan(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "lifespan":
        return
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def build_app(
    journal: Journal,
    config: CollectorConfig | None = None,
    pages: Mapping[str, AsgiApp] | None = None,
    make_follower: MakeFollower | None = None,
) -> CollectorApp:
    """Make the application for an open journal; close it before the journal."""
    return CollectorApp(journal, config, pages, make_follower)
