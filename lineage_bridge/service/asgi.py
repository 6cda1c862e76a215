"""The middleware of ASGI services: FastAPI, Starlette, and whatever else speaks ASGI."""

from __future__ import annotations

import logging
from asyncio import CancelledError
from collections.abc import Awaitable, Callable, MutableMapping
from time import perf_counter
from typing import Any

from lineage_bridge.service.predictions import CURRENT, Request
from lineage_bridge.service.recorder import Service

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class ServiceMiddleware:
    """Counts the requests to the service's endpoints, and writes the last minute at shutdown.

    Args:
        app: what answers.
        service: what counts.
    """

    def __init__(self, app: App, service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the app does."""
        if scope["type"] == "http":
            endpoint = self._service.endpoint_of(scope["path"])
            if endpoint is not None:
                return await self._count(Request(endpoint), scope, receive, send)
        elif scope["type"] == "lifespan":
            return await _Life(self._service).live(self._app, scope, receive, send)
        return await self._app(scope, receive, send)

    async def _count(self, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
        status, ended = 500, 0.0

        async def noted(message: Message) -> None:
            nonlocal status, ended
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                ended = perf_counter()  # what runs behind the answer is not waited for

        token = CURRENT.set(request)
        begun = perf_counter()
        try:
            await self._app(scope, receive, noted)
        except BaseException as exc:
            if not ended:
                status = 504 if isinstance(exc, CancelledError) else 500
            raise
        finally:
            CURRENT.reset(token)
            self._service.finish(request, ((ended or perf_counter()) - begun) * 1e3, status)


class _Life:
    """The lifespan of an app, also of one that knows none."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._is_asked = False
        self._has_answered = False

    async def live(self, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        async def asked() -> Message:
            message = await receive()
            self._is_asked = True
            return message

        async def answered(message: Message) -> None:
            self._has_answered = True
            self._take_note(message["type"])
            await send(message)

        try:
            await app(scope, asked, answered)
        except Exception:
            if self._has_answered:
                raise
            log.debug("The app knows no lifespan", exc_info=True)
        if not self._has_answered:
            await self._alone(receive, answered)

    async def _alone(self, receive: Receive, send: Send) -> None:
        if not self._is_asked:
            await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    def _take_note(self, kind: str) -> None:
        if kind == "lifespan.startup.complete":
            self._service.start()
        elif kind.startswith("lifespan.shutdown."):
            self._service.close()
