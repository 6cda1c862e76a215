"""The page as an ASGI application: `/` for people, `/health.json` for scripts.

The collector serves it on its own port, so that the page's links to the API are short.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from lineage_bridge.answers import Snapshots
from lineage_bridge.errors import JournalError, JudgingError, log_bug
from lineage_bridge.journal import Journal
from lineage_bridge.page.content import read_content
from lineage_bridge.page.html import page_html
from lineage_bridge.page.style import content_security_policy
from lineage_bridge.show.shapes import health_json

if TYPE_CHECKING:
    from starlette.requests import Request

_LOG = logging.getLogger(__name__)

# The page is of this moment, and nobody's business but the reader's.
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def index_app(
    journal: Journal,
    snapshots: Snapshots,
    now: Callable[[], datetime],
    *,
    metrics_url: str | None = None,
) -> Starlette:
    """Make the application.

    Args:
        journal: the home's journal.
        snapshots: those of this journal.
        now: returns the instant to show; the graph is loaded and judged as of then.
        metrics_url: where Prometheus finds the metrics; the page links to it.
    """
    page_headers = {**_HEADERS, "Content-Security-Policy": content_security_policy()}

    # Not `async`: Starlette runs these in threads, so a large graph delays no other request.
    def index(_: Request) -> Response:
        content = read_content(snapshots.at(now()), journal.last_seq())
        html = page_html(content, metrics_url=metrics_url)
        return HTMLResponse(html, 500 if content.has_bug else 200, headers=page_headers)

    def health(_: Request) -> Response:
        snapshot = snapshots.at(now())
        return JSONResponse(health_json(snapshot.health, snapshot.at), headers=_HEADERS)

    return Starlette(
        routes=[Route("/", index), Route("/health.json", health)],
        exception_handlers={JournalError: _unavailable, JudgingError: _our_bug},
    )


def _unavailable(_: Request, exc: Exception) -> Response:
    return PlainTextResponse(f"{exc}\n", status_code=503, headers=_HEADERS)


def _our_bug(_: Request, exc: Exception) -> Response:
    log_bug(_LOG, "The page lacks an answer", exc)
    return JSONResponse({"error": str(exc)}, status_code=500, headers=_HEADERS)
