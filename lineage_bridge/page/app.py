"""The page as an ASGI application: `/` for people, `/health.json` for scripts.

Made to stand behind the collector on the same port, so that its links to the API are short.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from lineage_bridge.errors import JournalError
from lineage_bridge.journal import Journal
from lineage_bridge.page.content import read_content, read_health
from lineage_bridge.page.index import index_html
from lineage_bridge.page.style import content_security_policy
from lineage_bridge.settings import Settings

if TYPE_CHECKING:
    from starlette.requests import Request

# What is shown is of this moment, and of nobody's business but the reader's.
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def index_app(
    journal: Journal,
    settings: Settings,  # noqa: ARG001 # every room that is served is made from the same three
    now: Callable[[], datetime],
    *,
    metrics_url: str | None = None,
) -> Starlette:
    """The application.

    Args:
        journal: writable: the graph's tables are brought up to date when somebody looks.
        settings: of the home.
        now: the instant that is shown: the graph as of then, judged then.
        metrics_url: where Prometheus finds the metrics; the page links to it.
    """
    page_headers = {**_HEADERS, "Content-Security-Policy": content_security_policy()}

    # Not `async`: Starlette runs these in threads, so a large graph holds up nobody else.
    def index(_: Request) -> Response:
        content = read_content(journal, now())
        return HTMLResponse(index_html(content, metrics_url=metrics_url), headers=page_headers)

    def health(_: Request) -> Response:
        return JSONResponse(read_health(journal, now()), headers=_HEADERS)

    return Starlette(
        routes=[Route("/", index), Route("/health.json", health)],
        exception_handlers={JournalError: _unavailable},
    )


def _unavailable(_: Request, exc: Exception) -> Response:
    return PlainTextResponse(f"{exc}\n", status_code=503, headers=_HEADERS)
