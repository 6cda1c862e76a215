"""The page's HTML: what can be done from here, deployments with reasons, datasets with ages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from lineage_bridge.page.content import Content
from lineage_bridge.page.markup import Fragment, document, element, joined
from lineage_bridge.page.style import STYLE
from lineage_bridge.times import format_time, parse_time

MAX_ROWS: Final = 500

# Status -> class of its colour, worst first; the word is always there as well.
_TONES: Final = {
    "unhealthy": "bad",
    "degraded": "warn",
    "unknown": None,
    "idle": None,
    "healthy": "good",
    "STALE": "bad",
    "LATE": "warn",
    "UNKNOWN": None,
    "FRESH": "good",
}
# Reasons whose value is nothing but how long they hold.
_WAITING: Final = frozenset({"silent", "stopped", "finished", "no_traffic", "no_requests_yet"})
_UNITS: Final = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))


def index_html(content: Content, *, metrics_url: str | None) -> str:
    """The page.

    Args:
        content: what it shows.
        metrics_url: where Prometheus finds the metrics; no link without it.
    """
    body = joined(
        [
            _header(content),
            element(
                "main",
                _navigation(content, metrics_url),
                _deployments(content),
                _datasets(content),
            ),
        ]
    )
    return document(title="lineage_bridge", style=STYLE, body=body)


def _header(content: Content) -> Fragment:
    counted = f"{content.events:,} events in the journal. Judged at "
    return element(
        "header",
        element("h1", "lineage_bridge"),
        element("p", counted, _time(content.at), class_="soft"),
    )


def _navigation(content: Content, metrics_url: str | None) -> Fragment:
    links = [
        ("/health.json", "Health as JSON"),
        ("/api/v1/events/lineage?limit=100", "Newest events"),
        ("/api/v1/namespaces", "Namespaces"),
        *((_namespace_path(name) + "/jobs", f"Jobs of {name}") for name in content.namespaces[:10]),
    ]
    if metrics_url is not None:
        links.append((metrics_url, "Metrics for Prometheus"))
    items = [element("li", element("a", text, href=path)) for path, text in links]
    return element("nav", element("ul", *items), aria_label="What can be asked here")


def _deployments(content: Content) -> Fragment:
    if not content.deployments:
        return _section("Deployments", (), _empty("No deployment is known.", "--p5 DIR"))
    rows = [_deployment(node, found, content.at) for node, found in content.deployments[:MAX_ROWS]]
    heads = ("Deployment", "Status", "Why", "Model", "Trained on", "Requests")
    statuses = [found["status"] for _, found in content.deployments]
    return _section("Deployments", statuses, _table("Deployments", heads, rows, len(statuses)))


def _deployment(node: str, found: Mapping[str, Any], at: datetime) -> Fragment:
    lineage = f"/api/v1/lineage?nodeId={quote(node, safe='')}&depth=20"
    place = f"{found['environment']}, {found['service']}"
    return element(
        "tr",
        element(
            "th",
            element("a", found["deployment"], href=lineage),
            element("br"),
            element("small", place),
            scope="row",
        ),
        element("td", _status(found["status"])),
        element("td", element("ul", *(_reason(reason, at) for reason in found["reasons"]))),
        element("td", _versioned(found.get("model"))),
        element("td", _versioned(found.get("dataset"))),
        element("td", f"{found['totals']['requests']:,}", class_="number"),
    )


def _reason(reason: Mapping[str, Any], at: datetime) -> Fragment:
    numbers = ""
    if reason["code"] not in _WAITING and "value" in reason and "threshold" in reason:
        numbers = f" {number_text(reason['value'])} (limit {number_text(reason['threshold'])})"
    where = f" on {reason['endpoint']}" if reason.get("endpoint") else ""
    seconds = (at - parse_time(reason["since"])[0]).total_seconds()
    since = element("time", age_text(seconds), datetime=reason["since"], title=reason["since"])
    return element(
        "li", element("code", reason["code"]), numbers, where, element("small", " for ", since)
    )


def number_text(value: float) -> str:
    """A ratio to three digits, a count or milliseconds in full."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _datasets(content: Content) -> Fragment:
    if not content.datasets:
        return _section("Datasets", (), _empty("No dataset says its age.", "--p2 DIR"))
    rows = [_dataset(found) for found in content.datasets[:MAX_ROWS]]
    heads = ("Dataset", "Status", "Newest version", "Built", "Newest data")
    statuses = [found["status"] for found in content.datasets]
    return _section("Datasets", statuses, _table("Datasets", heads, rows, len(statuses)))


def _dataset(found: Mapping[str, Any]) -> Fragment:
    path = f"{_namespace_path(found['namespace'])}/datasets/{quote(found['name'], safe='')}"
    return element(
        "tr",
        element(
            "th",
            element("a", found["name"], href=path),
            element("br"),
            element("small", found["namespace"]),
            scope="row",
        ),
        element("td", _status(found["status"])),
        element("td", element("code", found["version"])),
        element("td", _age(found, "build_time", "build_age_seconds"), class_="number"),
        element("td", _age(found, "data_time", "data_age_seconds"), class_="number"),
    )


def _age(found: Mapping[str, Any], time: str, age: str) -> Fragment | str:
    if time not in found:
        return "not known"
    text = f"{age_text(found[age])} ago" if age in found else "in the future"
    return element("time", text, datetime=found[time], title=found[time])


def age_text(seconds: float) -> str:
    """An age in its two largest units: `3 h 12 min`."""
    left = int(seconds)
    counts: list[tuple[int, str]] = []
    for unit, length in _UNITS:
        count, left = divmod(left, length)
        if count or counts:
            counts.append((count, unit))
    return " ".join(f"{count} {unit}" for count, unit in counts[:2] if count) or "0 s"


def _section(title: str, statuses: Iterable[str], content: Fragment) -> Fragment:
    counted = Counter(statuses)
    summary = ", ".join(
        f"{counted[status]} {status.lower()}" for status in _TONES if counted[status]
    )
    note = element("small", f" {summary}") if summary else None
    return element("section", element("h2", title, note), content)


def _table(name: str, heads: Sequence[str], rows: Sequence[Fragment], known: int) -> Fragment:
    table = element(
        "table",
        element("thead", element("tr", *(element("th", head, scope="col") for head in heads))),
        element("tbody", *rows),
        aria_label=name,
    )
    # A table that scrolls sideways must be reachable without a mouse.
    card = element("div", table, class_="card", tabindex="0", role="region", aria_label=name)
    if known <= len(rows):
        return card
    more = f"{known - len(rows):,} more are not shown: the command line lists all."
    return joined([card, element("p", more, class_="soft")])


def _empty(text: str, option: str) -> Fragment:
    command = element("code", f"lineage-bridge backfill {option}")
    return element("p", text, " Read some artifacts with ", command, ".", class_="card empty")


def _status(status: str) -> Fragment:
    tone = _TONES.get(status)
    return element("span", status.lower(), class_=f"status {tone}" if tone else "status")


def _versioned(named: Mapping[str, Any] | None) -> Fragment | str:
    if named is None:
        return "not known"
    version = element("small", named["version"]) if "version" in named else None
    return joined([element("code", named["name"]), element("br"), version])


def _time(instant: datetime) -> Fragment:
    text = format_time(instant)
    return element("time", text, datetime=text)


def _namespace_path(namespace: str) -> str:
    return f"/api/v1/namespaces/{quote(namespace, safe='')}"
