"""What people see of a backfill and of health: tables on a terminal, plain text elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from lineage_bridge.graph.fitted import Column, Fitted

if TYPE_CHECKING:
    from lineage_bridge.ingest.backfill import Backfill
    from lineage_bridge.ingest.gaps import Gap
    from lineage_bridge.ingest.quarantine import Rejected
    from lineage_bridge.settings import Settings

STATUS_STYLES = {
    "healthy": "green",
    "idle": "cyan",
    "unknown": "yellow",
    "degraded": "dark_orange",
    "unhealthy": "bold red",
    "FRESH": "green",
    "LATE": "yellow",
    "STALE": "red",
    "UNKNOWN": "yellow",
}
# Reasons whose value is how long nothing came.
WAITING = frozenset({"silent", "stopped", "finished", "no_traffic", "no_requests_yet"})
SHOWN_REJECTIONS = 20


def console() -> Console:
    """Standard output; wide enough not to break names where it is no terminal."""
    out = Console(soft_wrap=False, highlight=False)
    return out if out.is_terminal else Console(width=200, highlight=False, color_system=None)


def safe(text: object) -> str:
    """A name for a table: on one line, control characters shown, no markup."""
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(text))
    return escape(shown)


def styled(status: str) -> str:
    """A status in its colour."""
    style = STATUS_STYLES.get(status)
    return f"[{style}]{status}[/{style}]" if style else safe(status)


def table(*columns: Column | str, title: str | None = None) -> Fitted:
    """A table in the one form that all commands use."""
    return Fitted(*columns, title=title)


def say_time(text: str) -> str:
    """A time for people: without the fraction of its second."""
    return re.sub(r"\.\d+", "", text)


def print_backfill(done: Backfill, settings: Settings) -> None:
    """What was read, what was ignored, what was rejected and why."""
    out = console()
    read = table(
        Column("Read", wraps=True), "Records", title=f"Backfill into {safe(settings.home)}"
    )
    for what, count in sorted(done.read.items()):
        read.add_row(what, str(count))
    if done.windows:
        read.add_row("p5 windows", str(done.windows))
    if done.duplicates:
        read.add_row("p5 windows that counted before", str(done.duplicates))
    if done.unchanged:
        read.add_row("unchanged files", str(done.unchanged))
    for reason, count in sorted(done.ignored.items()):
        read.add_row(f"ignored: {reason}", str(count))
    read.add_row("[bold]events appended[/bold]", f"[bold]{done.events}[/bold]")
    out.print(read)
    print_rejected(out, done.rejected)
    faults = [gap for gap in done.gaps if not gap.is_note]
    if faults:
        out.print(
            f"\n{len(faults)} edges could not be linked; `lineage-bridge doctor` says which, why, "
            "and what mends them."
        )


def print_rejected(out: Console, items: Sequence[Rejected]) -> None:
    """The rejected files and lines, each with its reason."""
    if not items:
        return
    rows = table("Where", "Field", Column("Why", wraps=True), title=f"\nRejected: {len(items)}")
    for item in items[:SHOWN_REJECTIONS]:
        where = f"{item.path}:{item.line}" if item.line else item.path
        rows.add_row(safe(where), safe(item.field or ""), safe(item.reason))
    out.print(rows)
    if len(items) > SHOWN_REJECTIONS:
        more = len(items) - SHOWN_REJECTIONS
        out.print(f"… and {more} more; --json or `lineage-bridge doctor` lists all.")


def print_gaps(out: Console, gaps: Sequence[Gap]) -> None:
    """What could not be linked: place, edge, and the line that mends it."""
    for gap in gaps:
        place = f"{gap.path or ''}{f':{gap.line}' if gap.line else ''}"
        out.print(f"[bold]{safe(gap.what)}[/bold]")
        for label, value in (
            ("where", " ".join(filter(None, [place, gap.field and f"field `{gap.field}`"]))),
            ("costs", gap.edge),
            ("mend", gap.mend),
        ):
            if value:
                # The terminal wraps it: a line to copy stays one line.
                out.print(f"  {label:<6}{safe(value)}", soft_wrap=True)


def print_health(out: Console, shape: Mapping[str, Any]) -> None:
    """One line for each deployment, and one more for each further reason."""
    rows = table(
        "Deployment",
        "Status",
        Column("Reasons", wraps=True),
        "Model",
        "Trained on",
        "Requests",
        title=f"Deployments at {say_time(shape['at'])}",
    )
    for item in shape["deployments"]:
        name = f"{item['environment']}/{item['deployment']}"
        rows.add_row(
            safe(name),
            styled(item["status"]),
            "\n".join(safe(say_reason(reason)) for reason in item["reasons"]),
            safe(_versioned(item.get("model"))),
            safe(_versioned(item.get("dataset"))),
            str(item["totals"]["requests"]),
        )
    out.print(rows)


def say_reason(reason: Mapping[str, Any]) -> str:
    """A reason in one line: `failure_ratio 0.42 > 0.05 (at least 0.31) since 09:12:00Z`."""
    text = str(reason["code"])
    since = say_time(reason.get("since", ""))
    if text in WAITING and "value" in reason:
        return f"{text} for {say_seconds(reason['value'])} since {since}"
    if "value" in reason:
        text += f" {reason['value']:g}"
    if "threshold" in reason:
        text += f" > {reason['threshold']:g}"
    if "lower" in reason:
        text += f" (at least {reason['lower']:.2g})"
    return f"{text} since {since}" if since else text


def _versioned(named: Mapping[str, Any] | None) -> str:
    if named is None:
        return ""
    name = named["name"].removeprefix("models.").removeprefix("features.")
    return f"{name}@{named['version']}" if "version" in named else name


def print_freshness(out: Console, shape: Mapping[str, Any]) -> None:
    """One line for each dataset."""
    rows = table(
        "Dataset",
        "Version",
        "Status",
        "Built",
        Column("Age", label="Age of the build"),
        "Newest data",
        Column("Age", label="Age of the data"),
        "Decided by",
        title=f"Freshness at {say_time(shape['at'])}",
    )
    for item in shape["datasets"]:
        rows.add_row(
            safe(item["name"]),
            safe(item["version"]),
            styled(item["status"]),
            say_time(item.get("build_time", "")),
            say_seconds(item.get("build_age_seconds")),
            say_time(item.get("data_time", "")),
            say_seconds(item.get("data_age_seconds")),
            item.get("basis", ""),
        )
    out.print(rows)


def say_seconds(seconds: float | None) -> str:
    """An age in its two largest units: `6 d 8 h`, `12 min 5 s`."""
    if seconds is None:
        return ""
    parts = []
    left = int(seconds)
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, length)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"
