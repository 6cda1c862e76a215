"""The ASGI application: Marquez's API over a journal.

One event loop takes requests and events; a few threads answer reads, so that a slow one blocks
nobody. An event is answered 201 only when it is durable and in the tables.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from lineage_bridge.collector import access, instants, runs, wire
from lineage_bridge.collector.api import Api
from lineage_bridge.collector.config import CollectorConfig
from lineage_bridge.collector.errors import ApiError, coded, generic
from lineage_bridge.collector.intake import Intake
from lineage_bridge.collector.metrics import Metrics
from lineage_bridge.collector.model import REFUSED
from lineage_bridge.collector.poison import poison
from lineage_bridge.collector.requests import EmptyBodyError, Request, Response, check_names
from lineage_bridge.collector.routes import Match, Route, Router, all_routes
from lineage_bridge.collector.stats import Stats
from lineage_bridge.collector.validation import check_event, decode
from lineage_bridge.collector.wire import Receive, Scope, Send
from lineage_bridge.errors import LineageBridgeError
from lineage_bridge.events import Event, event_id_of, kind_of
from lineage_bridge.journal import Journal

AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

LARGE_BYTES = 256 * 1024  # a body beyond is read in a thread, so that it holds up nobody
_METRICS_PATHS = frozenset({"/metrics", "/v2beta/metrics"})
_log = logging.getLogger(__name__)


class CollectorApp:
    """The application. `close()` ends its threads and its writer, not the journal.

    Args:
        journal: open for writing.
        config: limits and keys.
        pages: ASGI applications by path, outside of `/api`; the same keys open them. Marquez has
            nothing there, so only somebody who names no JSON, as a browser, is given them.
    """

    def __init__(
        self,
        journal: Journal,
        config: CollectorConfig | None = None,
        pages: Mapping[str, AsgiApp] | None = None,
    ) -> None:
        self.config = config or CollectorConfig()
        self.api = Api(journal)
        self.api.seed(dict(self.config.tags))
        self.metrics = Metrics()
        self._pages = dict(pages or {})
        self._router = Router(all_routes(Stats()))
        self._readers = ThreadPoolExecutor(self.config.readers, "collector-reader")
        self._intake = Intake(self.api.submit)
        self._active = 0

    def close(self) -> None:
        """End the threads after what they are doing."""
        self._readers.shutdown()
        self.api.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await _lifespan(scope, receive, send)
            return
        path = scope["raw_path"].decode("latin-1")
        headers = wire.headers_of(scope)
        page = self._pages.get(path)
        if page is not None and _takes_pages(headers):
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
        except LineageBridgeError:
            _log.exception("%s %s failed", scope["method"], path)
            return wire.failure(ApiError(503), path, headers)
        except EmptyBodyError:
            return wire.failure(generic(), path, headers)
        except Exception:  # noqa: BLE001 - as Marquez: a request never breaks the server
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
        if route.handler is None:
            return await self._take_event(request.body)
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
        if "id" in match.names:  # Marquez looks for the run before it looks at the method
            await self._in_thread(self._find_run, request)
        allow = ("allow", _allowed(match))
        body = coded(405, "HTTP 405 Method Not Allowed").body
        return ApiError(405, body, (allow,))

    def _find_run(self, request: Request) -> Response:
        with self.api.reading() as connection:
            runs.find(connection, request.uuid("id"))
        return Response()

    def _show_metrics(self) -> Response:
        with self.api.reading() as connection:
            text = self.metrics.text(connection)
        return Response(text.encode(), media_type="text/plain;version=0.0.4;charset=utf-8")

    async def _take_event(self, body: bytes) -> Response:
        if len(body) > LARGE_BYTES:
            loop = asyncio.get_running_loop()
            event = await loop.run_in_executor(self._readers, self._checked, body)
        else:
            event = self._checked(body)
        seq = await self._intake.append(event)
        status = self.api.model.status_of(seq)
        if status >= 400:
            raise ApiError(status)
        return Response(status=status, media_type=None)

    def _checked(self, body: bytes) -> Event:
        """The event of a body, as it goes into the journal.

        Raises:
            ApiError: Marquez would not take it.
        """
        document, body = decode(body)
        kind = kind_of(document) if isinstance(document, dict) else "run"
        check_event(document, kind, body, self.config.limits)
        time_us = instants.to_micros(instants.parse_nanos(document["eventTime"]))
        if poison(document, kind) is not None:
            return Event(body, REFUSED, time_us)
        return Event(body, kind, time_us, event_id_of(document))


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
) -> CollectorApp:
    """Make the application of an open journal; close it before the journal."""
    return CollectorApp(journal, config, pages)
