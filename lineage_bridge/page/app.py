"""The page as parts of a site: `/` for people, `/health.json` for scripts.

The collector serves it on its own port, so that the page's links to the API are short.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from lineage_bridge.answers import Snapshots
from lineage_bridge.errors import JournalError, JudgingError, log_bug
from lineage_bridge.http import Call, Part, Response
from lineage_bridge.journal import Journal
from lineage_bridge.page.content import read_content
from lineage_bridge.page.html import page_html
from lineage_bridge.page.style import content_security_policy
from lineage_bridge.show.shapes import health_json

_LOG = logging.getLogger(__name__)

# The page is of this moment, and nobody's business but the reader's.
_HEADERS = [
    ("cache-control", "no-store"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
]
_HTML = "text/html; charset=utf-8"
_PLAIN = "text/plain; charset=utf-8"


def page_parts(
    journal: Journal,
    snapshots: Snapshots,
    now: Callable[[], datetime],
    *,
    metrics_url: str | None = None,
) -> dict[str, Part]:
    """Make the parts of the page, by path.

    Args:
        journal: the home's journal.
        snapshots: those of this journal.
        now: returns the instant to show; the graph is loaded and judged as of then.
        metrics_url: where Prometheus finds the metrics; the page links to it.
    """

    def index(_: Call) -> Response:
        content = read_content(snapshots.at(now()), journal.last_seq())
        html = page_html(content, metrics_url=metrics_url)
        headers = [*_HEADERS, ("content-security-policy", content_security_policy())]
        return Response(html.encode(), 500 if content.has_bug else 200, _HTML, headers)

    def health(_: Call) -> Response:
        snapshot = snapshots.at(now())
        return Response(
            health_json(snapshot.health, snapshot.at, snapshot.statuses.amiss()),
            headers=list(_HEADERS),
        )

    return {
        "/": Part("page", _careful(index), for_browsers=True),
        "/health.json": Part("page", _careful(health)),
    }


def _careful(answer: Callable[[Call], Response]) -> Callable[[Call], Response]:
    """Say in the answer what went wrong: who may see the page may know."""

    def answered(call: Call) -> Response:
        try:
            return answer(call)
        except JournalError as exc:
            return Response(f"{exc}\n".encode(), 503, _PLAIN, list(_HEADERS))
        except JudgingError as exc:
            log_bug(_LOG, "The page lacks an answer", exc)
            return Response({"error": str(exc)}, 500, headers=list(_HEADERS))

    return answered
