"""Health of deployments as a table: worst first, why in words, and how many there are of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from lineage_bridge.show.reasons import reason_text, since_text
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


def health_table(shape: Mapping[str, Any], *, whole: str = "--json has all") -> Table:
    """One line for each deployment, and one more for each further reason."""
    deployments = worst_first(shape["deployments"])
    # Of one service, which is usual, its name would be the same in each line.
    has_services = len({item["service"] for item in deployments}) > 1
    table = Table(
        *_COLUMNS[:1],
        *([_SERVICE] if has_services else []),
        *_COLUMNS[1:],
        title=f"Deployments at {moment(shape['at'])}",
        whole=whole,
    )
    for item in deployments:
        first, *rest = _cells(item)
        table.add(first, *([item["service"]] if has_services else []), *rest)
    return table


def health_summary(shape: Mapping[str, Any]) -> str:
    """`17 deployments: 2 unhealthy, 4 degraded, 1 idle, 10 healthy`."""
    return summary("deployment", (item["status"] for item in shape["deployments"]))


def worst_first(deployments: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """By status; those of one status stay as they are."""
    return sorted(deployments, key=lambda item: status_of(item["status"]).rank)


def _cells(item: Mapping[str, Any]) -> tuple[Cell, ...]:
    return (
        f"{item['environment']}/{item['deployment']}",
        status_of(item["status"]),
        list(_reasons(item)),
        versioned(item.get("model")),
        versioned(item.get("dataset")),
        f"{item['totals']['requests']:,}",
    )


def _reasons(item: Mapping[str, Any]) -> Iterator[str]:
    """Each reason in one line; of which endpoint, where there are several."""
    has_several = len(item.get("endpoints", ())) > 1
    for reason in item["reasons"]:
        endpoint = reason.get("endpoint") if has_several else None
        where = f" on {endpoint}" if endpoint else ""
        since = since_text(reason)
        yield f"{reason_text(reason)}{where}{f', {since}' if since else ''}"


def versioned(named: Mapping[str, Any] | None) -> str:
    """A model or dataset with its version, short enough for a table."""
    if named is None:
        return ""
    name = named["name"].removeprefix("models.").removeprefix("features.")
    return f"{name}@{named['version']}" if "version" in named else name
