"""The page's HTML, from its template, which escapes every text (`show.html.escaping`)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from markupsafe import Markup

from lineage_bridge.page.content import Content
from lineage_bridge.show.freshness import age_text
from lineage_bridge.show.html.escaping import environment
from lineage_bridge.show.html.style import STYLE
from lineage_bridge.show.reasons import reason_text
from lineage_bridge.show.trouble.nodes import fault_text
from lineage_bridge.show.units import age, moment
from lineage_bridge.times import format_time

if TYPE_CHECKING:
    from jinja2 import Environment

NAMESPACES_SHOWN: Final = 10


def page_html(content: Content, *, metrics_url: str | None) -> str:
    """Write the page.

    Args:
        content: what the page shows.
        metrics_url: where Prometheus finds the metrics; no link without it.
    """
    return _ENVIRONMENT.get_template("page.html").render(
        content=content,
        namespaces=content.namespaces[:NAMESPACES_SHOWN],
        metrics_url=metrics_url,
        style=Markup(STYLE),  # noqa: S704 # our own CSS
    )


def _seconds_since(instant: datetime, at: datetime) -> float:
    return max(0.0, (at - instant).total_seconds())


def _environment() -> Environment:
    made = environment("lineage_bridge.page")
    made.filters |= {
        "age": age,
        "fault": fault_text,
        "moment": moment,
        "path": lambda text: quote(text, safe=""),
        "reason": reason_text,
        "rfc3339": format_time,
        "seconds_since": _seconds_since,
    }
    made.globals["age_text"] = age_text
    return made


_ENVIRONMENT: Final = _environment()
