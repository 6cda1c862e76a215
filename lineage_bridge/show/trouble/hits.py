"""Who is hit by a node: as a table, and as JSON."""

from __future__ import annotations

from typing import Any, Final

from lineage_bridge.answers.cause import Hit, Impact
from lineage_bridge.show.tables import Column, Table
from lineage_bridge.show.units import counted, moment, number
from lineage_bridge.times import format_time

_COLUMNS: Final = (
    Column("deployment", fold="anywhere", narrowest=28),
    Column("service", 2, fold="anywhere", narrowest=12),
    Column("requests a minute", right=True),
    Column("by way of", 1, fold="anywhere", narrowest=24),
)


def impact_table(found: Impact) -> Table:
    """Make a table of the deployments, those that are asked most first."""
    table = Table(*_COLUMNS, title=f"Hit by {found.end} at {moment(found.at)}")
    for hit in sorted(found.hits, key=lambda one: -one.requests_per_minute):
        slot = hit.deployment.slot
        way = [str(end) for end in hit.path[1:-1]]
        table.add(
            f"{slot.environment}/{slot.deployment}",
            slot.service,
            number(round(hit.requests_per_minute, 1)),
            way[-2:],
        )
    return table


def impact_summary(found: Impact) -> str:
    """Say how many are hit: `3 deployments, 210 requests a minute; 9 datasets and jobs below`."""
    hit = counted(len(found.hits), "deployment")
    asked = f"{number(round(found.requests_per_minute, 1))} requests a minute"
    below = counted(len(found.nodes), "dataset or job", "datasets and jobs")
    return f"{hit}, {asked}; {below} below"


def impact_json(found: Impact) -> dict[str, Any]:
    """Make the document of `impact --json`."""
    return {
        "at": format_time(found.at),
        "node": str(found.end),
        "deployments": [_hit(hit) for hit in found.hits],
        "requests_per_minute": round(found.requests_per_minute, 3),
        "nodes": list(found.nodes),
    }


def _hit(hit: Hit) -> dict[str, Any]:
    slot = hit.deployment.slot
    return {
        "service": slot.service,
        "environment": slot.environment,
        "deployment": slot.deployment,
        "requests_per_minute": round(hit.requests_per_minute, 3),
        "path": [str(end) for end in hit.path],
    }
