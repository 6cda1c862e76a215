"""Sources, and the passes of a watcher, in words and JSON."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lineage_bridge.show.tables import Column, Table
from lineage_bridge.show.units import counted, moment
from lineage_bridge.times import format_time

if TYPE_CHECKING:
    from lineage_bridge.ingest.sources import Source
    from lineage_bridge.ingest.watch import Pass


def sources_table(sources: Iterable[Source]) -> Table:
    """List sources, and who named them."""
    table = Table(Column("source", fold="anywhere", narrowest=32), Column("family"), Column("by"))
    for source in sources:
        table.add(source.path, source.family, "settings" if source.is_declared else "home")
    return table


def sources_json(sources: Iterable[Source]) -> dict[str, Any]:
    """Make the document of `sources list --json`."""
    return {
        "sources": [
            {"path": one.path, "family": one.family, "declared": one.is_declared} for one in sources
        ]
    }


def pass_line(one: Pass, at: datetime) -> str:
    """Say in a line what a pass read and what came of it."""
    done = one.done
    records = sum(done.read.values())
    parts = [counted(records, "record"), counted(done.windows, "window")]
    if done.rejected.count:
        parts.append(f"{done.rejected.count:,} rejected")
    read = ", ".join(parts)
    what = " (all was looked at)" if one.is_whole else ""
    return f"{moment(at)} {read}: {counted(one.events, 'event')} appended{what}"


def pass_json(one: Pass, at: datetime) -> dict[str, Any]:
    """Make a line of `watch --json`."""
    return {
        "at": format_time(at),
        "whole": one.is_whole,
        "seconds": round(one.seconds, 3),
        "read": dict(sorted(one.done.read.items())),
        "windows": one.done.windows,
        "events": one.events,
        "rejected": one.done.rejected.count,
    }
