"""Health of deployments as a table, worst first, with reasons in words; and counts by status."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from lineage_bridge.answers import DeploymentHealth, Versioned
from lineage_bridge.answers.fairness import warned_of
from lineage_bridge.naming import short_name
from lineage_bridge.show.data.fairness import gap_text
from lineage_bridge.show.reasons import reason_text
from lineage_bridge.show.statuses import status_of, summary
from lineage_bridge.show.tables import Cell, Column, Table
from lineage_bridge.show.units import moment

_SERVICE: Final = Column("service", 4, fold="anywhere", narrowest=12)
_COLUMNS: Final = (
    Column("deployment", fold="anywhere", narrowest=28),
    Column("status"),
    Column("why", fold="blanks", narrowest=32),
    Column("model", 3, fold="anywhere", narrowest=16),
    Column("trained on", 1, fold="anywhere", narrowest=24),
    Column("requests", 2, right=True),
)


def health_table(
    found: Iterable[DeploymentHealth], at: datetime, *, whole: str = "--json has all"
) -> Table:
    """Make a table with one line for each deployment, and one more for each further reason."""
    ordered = worst_first(found)
    # Usually there is one service, and its name would be the same in each line.
    has_services = len({one.slot.service for one in ordered}) > 1
    table = Table(
        *_COLUMNS[:1],
        *([_SERVICE] if has_services else []),
        *_COLUMNS[1:],
        title=f"Deployments at {moment(at)}",
        whole=whole,
    )
    for one in ordered:
        first, *rest = _cells(one)
        table.add(first, *([one.slot.service] if has_services else []), *rest)
    return table


def health_summary(found: Iterable[DeploymentHealth]) -> str:
    """Count by status: `17 deployments: 2 unhealthy, 4 degraded, 1 idle, 10 healthy`."""
    return summary("deployment", (one.health.status for one in found))


def worst_first(found: Iterable[DeploymentHealth]) -> list[DeploymentHealth]:
    """Sort by status; deployments of one status keep their order."""
    return sorted(found, key=lambda one: status_of(one.health.status).rank)


def _cells(one: DeploymentHealth) -> tuple[Cell, ...]:
    place = f"{one.slot.environment}/{one.slot.deployment}"
    return (
        place if one.namespace is None else f"{one.namespace}: {place}",
        status_of(one.health.status),
        list(reason_lines(one)),
        versioned(one.model),
        versioned(one.dataset),
        f"{one.requests:,}",
    )


def reason_lines(one: DeploymentHealth) -> Iterator[str]:
    """Yield one line for each reason, with its endpoint where there are several."""
    has_several = len(one.health.endpoints) > 1
    for reason in one.health.reasons:
        where = f" on {reason.endpoint}" if has_several and reason.endpoint else ""
        yield f"{reason_text(reason)}{where}, since {moment(reason.since)}"
    gap = warned_of(one.fairness)
    if gap is not None:
        yield gap_text(gap)


def versioned(named: Versioned | None) -> str:
    """Write a model or dataset with its version, short enough for a table."""
    if named is None:
        return ""
    name = short_name(named.name)
    return name if named.version is None else f"{name}@{named.version}"
