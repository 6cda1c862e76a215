"""Marquez's API over a journal: what answers a request that may be answered.

One event loop takes requests and events; a few threads answer reads, so that a slow read blocks
nobody. An event is answered 201 when it is durable; a refusal is known by then. The tables follow
at once, and a read waits for them: up to `PATIENCE_SECONDS` for all events that were in the journal
when the read came, and as long as it takes for the events that its own connection sent.

Invariant: who is answered 503 knows whether anything was kept. So the time limit of a request ends
where its event is handed to the writer, and where its change has begun.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from lineage_bridge.collector.accept.checking import Checked, CheckProcess, check
from lineage_bridge.collector.accept.intake import Intake
from lineage_bridge.collector.accept.screen import Namespaces
from lineage_bridge.collector.answer import lookup
from lineage_bridge.collector.answer.stats import Stats
from lineage_bridge.collector.api import Api, MakeFollower
from lineage_bridge.collector.config import CollectorConfig
from lineage_bridge.collector.dialect.encoding import encode
from lineage_bridge.collector.dialect.errors import ApiError, coded
from lineage_bridge.collector.dialect.requests import Request, check_names
from lineage_bridge.collector.media import check_types
from lineage_bridge.collector.metrics import Metrics
from lineage_bridge.collector.pace import Pace
from lineage_bridge.collector.routes import Match, Route, Router, all_routes
from lineage_bridge.collector.rows.refused import REFUSED
from lineage_bridge.errors import JournalError
from lineage_bridge.events import Event
from lineage_bridge.http import Call, Response
from lineage_bridge.journal import Journal
from lineage_bridge.journal.follower import Mark

PATIENCE_SECONDS = 0.25
WAKE_SECONDS = 0.02  # events that come within this time are folded together: that costs half
MAX_CLIENTS = 10_000  # connections whose last event is remembered
LARGE_BYTES = 256 * 1024  # a larger body is checked in a thread, so that it delays nobody
HUGE_BYTES = 2 * 1024 * 1024  # and one larger than this in another process


class CollectorApp:
    """The API. `close()` ends its threads and its writer, not the journal.

    Args:
        journal: open for writing.
        config: how large an event may be, threads, tags.
        make_follower: makes what keeps the tables up to date; the default is a thread.
    """

    def __init__(
        self,
        journal: Journal,
        config: CollectorConfig | None = None,
        make_follower: MakeFollower | None = None,
    ) -> None:
        self.config = config or CollectorConfig()
        self.api = Api(journal, make_follower)
        self.api.seed(dict(self.config.tags))
        self.pace = Pace(time.monotonic)
        self.metrics = Metrics(self.api, self.pace)
        self._namespaces = Namespaces(self.api.list_namespaces())
        self._checker = CheckProcess(self.config.limits)
        self._sent: OrderedDict[object, int] = OrderedDict()
        self._epoch = journal.epoch
        self._wakes_soon = False
        self._router = Router(all_routes(Stats()))
        self._readers = ThreadPoolExecutor(self.config.readers, "collector-reader")
        # Of their own: a change waits until it is in the tables, which must not hold up reading.
        self._changers = ThreadPoolExecutor(self.config.changers, "collector-changer")
        self._intake = Intake(self.api.submit)

    def close(self) -> None:
        """End the threads after their current work."""
        self._readers.shutdown()
        self._changers.shutdown()
        self._checker.close()
        self.api.close()

    async def answer(self, call: Call) -> Response:
        """Answer a request.

        Raises:
            HttpError: it is refused.
            TimeoutError: there was no answer in time, and nothing was kept.
        """
        method = "GET" if call.method == "HEAD" else call.method
        match = self._router.match(call.path)
        if method == "OPTIONS":
            return Response(_allowed(match).encode(), media_type="text/plain")
        request = Request(method, call.path, call.query, match.names, call.headers)
        route = match.methods.get(method)
        if route is None:
            raise await self._not_allowed(call, request, match)
        check_types(route, call.headers, method)
        check_names(match.names)
        if method != "GET":
            request.body = await call.body()
        async with call.turn() as deadline:
            if route.handler is None:
                return await self._take_event(request.body, call.client, deadline)
            await self._catch_up(call.client)
            if method == "GET":
                return await self._in_thread(self._handle, route, request)
            return await self._change(route, request)

    async def _in_thread(self, work: Callable[..., Response], *args: object) -> Response:
        return await asyncio.get_running_loop().run_in_executor(self._readers, work, *args)

    async def _change(self, route: Route, request: Request) -> Response:
        """Make a change in a thread; once that has begun, no time limit ends it."""
        work = self._changers.submit(self._handle, route, request)
        waiting = asyncio.wrap_future(work)
        try:
            return await asyncio.shield(waiting)
        except asyncio.CancelledError:
            if work.cancel():
                raise
            return await waiting

    def _handle(self, route: Route, request: Request) -> Response:
        assert route.handler is not None
        self.api.forget_writing()
        try:
            result = route.handler(self.api, request)
        except JournalError as exc:
            if not self.api.has_written():
                raise
            raise coded(503, f"The change is kept, but cannot be shown now: {exc}") from exc
        response = result if isinstance(result, Response) else Response(result)
        if not isinstance(response.body, bytes | Iterator | None):
            response.body = encode(response.body)
        return response

    async def _not_allowed(self, call: Call, request: Request, match: Match) -> ApiError:
        if "id" in match.names:  # Marquez looks the run up before it checks the method
            async with call.turn():
                await self._in_thread(self._find_run, request)
        allow = ("allow", _allowed(match))
        body = coded(405, "HTTP 405 Method Not Allowed").body
        return ApiError(405, body, (allow,))

    def _find_run(self, request: Request) -> Response:
        with self.api.reading() as connection:
            lookup.find_run(connection, request.uuid("id"))
        return Response()

    async def _take_event(self, body: bytes, client: object, deadline: asyncio.Timeout) -> Response:
        checked = await self._check(body)
        event = Event(checked.body or body, checked.kind, checked.time_us, checked.id)
        status = await self._status_of(event, checked, client)
        await self._keep_pace(len(event.body))
        deadline.reschedule(None)  # from here on the event may be kept
        seq = await self._intake.append(event)
        self._wake_soon()
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

    def _wake_soon(self) -> None:
        """Wake what folds, after more events may have come; a read that waits wakes it at once."""
        if not self._wakes_soon:
            self._wakes_soon = True
            asyncio.get_running_loop().call_later(WAKE_SECONDS, self._wake)

    def _wake(self) -> None:
        self._wakes_soon = False
        self.api.follower.wake()

    def _remember(self, client: object, seq: int | None) -> None:
        """Remember what a client must read; None: the journal has its event, under some number."""
        self._sent[client] = self.api.mark().seq if seq is None else seq
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


def _allowed(match: Match) -> str:
    methods = list(match.methods)
    head = ["HEAD"] if "GET" in methods else []
    return ", ".join([*head, *sorted(methods, reverse=True), "OPTIONS"])
