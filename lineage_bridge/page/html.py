"""The page's HTML, from its template.

Jinja2 is set up to escape every text. Before that, every character that would not show as itself is
written as an escape, as on a terminal.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from lineage_bridge.page.content import Content
from lineage_bridge.page.style import STYLE
from lineage_bridge.show.freshness import age_text
from lineage_bridge.show.reasons import reason_text
from lineage_bridge.show.statuses import status_of
from lineage_bridge.show.text import printable
from lineage_bridge.show.units import age, moment
from lineage_bridge.times import format_time

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


def _shown(value: Any) -> Any:
    # Numbers and finished HTML stay as they are.
    return printable(value) if type(value) is str else value


def _seconds_since(instant: datetime, at: datetime) -> float:
    return max(0.0, (at - instant).total_seconds())


def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("lineage_bridge.page"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "age": age,
        "moment": moment,
        "path": lambda text: quote(text, safe=""),
        "reason": reason_text,
        "rfc3339": format_time,
        "seconds_since": _seconds_since,
        "status": status_of,
    }
    made.globals["age_text"] = age_text
    return made


_ENVIRONMENT: Final = _environment()
