"""The admin port: is the collector up, is it healthy. Source: Dropwizard's `AdminServlet`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from lineage_bridge.collector import wire
from lineage_bridge.collector.api import Api
from lineage_bridge.collector.dialect.errors import not_found
from lineage_bridge.collector.dialect.requests import Response
from lineage_bridge.collector.metrics import METRICS_TYPE, Metrics
from lineage_bridge.collector.wire import Receive, Scope, Send
from lineage_bridge.errors import JournalError
from lineage_bridge.times import format_time


class AdminApp:
    """An ASGI application with `/ping`, `/healthcheck` and `/metrics`."""

    def __init__(self, api: Api, metrics: Metrics) -> None:
        self._api = api
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        del receive
        response = await asyncio.to_thread(self._answer, scope["path"])
        is_head = scope["method"] == "HEAD"
        await wire.respond(send, response, wire.headers_of(scope), is_head=is_head)

    def _answer(self, path: str) -> Response:
        if path == "/ping":
            return Response(b"pong\n", media_type="text/plain")
        if path == "/healthcheck":
            return self._health()
        if path == "/metrics":
            with self._api.reading() as connection:
                written = self._metrics.exposition(connection)
            return Response(written, media_type=METRICS_TYPE)
        return wire.failure(not_found(), path, {})

    def _health(self) -> Response:
        now = format_time(datetime.now(UTC))
        try:
            with self._api.reading() as connection:
                connection.execute("SELECT count(*) FROM models").fetchone()
        except JournalError as exc:
            unwell = {"healthy": False, "message": str(exc), "timestamp": now}
            return Response({"journal": unwell}, 500)
        return Response({"journal": {"healthy": True, "timestamp": now}})
