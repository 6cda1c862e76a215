"""Freshness of datasets as a table: worst first, with both clocks and which of them decided."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from lineage_bridge.answers import DatasetFreshness
from lineage_bridge.show.statuses import status_of, summary
from lineage_bridge.show.tables import Cell, Column, Table
from lineage_bridge.show.units import age, moment

_COLUMNS: Final = (
    Column("dataset", fold="anywhere", narrowest=24),
    Column("version", 5, fold="anywhere", narrowest=20),
    Column("status"),
    Column("data age", 4),
    Column("build age", 4),
    Column("decided by", 3),
    Column("newest data", 2),
    Column("built", 1),
)
_CLOCKS: Final = {"build": "build", "data": "data", "mtime": "file's time", None: ""}


def freshness_table(found: Iterable[DatasetFreshness], at: datetime) -> Table:
    """Make a table with one line for each dataset version."""
    table = Table(*_COLUMNS, title=f"Freshness at {moment(at)}")
    for one in worst_first(found):
        table.add(*_cells(one))
    return table


def freshness_summary(found: Iterable[DatasetFreshness]) -> str:
    """Count the datasets by status: `2 datasets: 1 stale, 1 fresh`."""
    return summary("dataset", (one.finding.status for one in found))


def worst_first(found: Iterable[DatasetFreshness]) -> list[DatasetFreshness]:
    """Sort by status; datasets of one status keep their order."""
    return sorted(found, key=lambda one: status_of(one.finding.status).rank)


def age_text(instant: datetime | None, age_seconds: float | None) -> str:
    """Write an age; a time that lies ahead has none and is `in the future`."""
    if age_seconds is not None:
        return age(age_seconds)
    return "" if instant is None else "in the future"


def _cells(one: DatasetFreshness) -> tuple[Cell, ...]:
    finding = one.finding
    return (
        one.node.name,
        one.version,
        status_of(finding.status),
        age_text(finding.data_time, finding.data_age_seconds),
        age_text(finding.build_time, finding.build_age_seconds),
        _CLOCKS[finding.basis],
        moment(finding.data_time),
        moment(finding.build_time),
    )
