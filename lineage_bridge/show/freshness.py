"""Freshness of datasets as a table: worst first, with all clocks and what they are held to."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from math import isfinite
from typing import Final

from lineage_bridge.answers import DatasetFreshness
from lineage_bridge.show.statuses import status_of, summary
from lineage_bridge.show.tables import Cell, Column, Table
from lineage_bridge.show.units import age, moment

_COLUMNS: Final = (
    Column("dataset", fold="anywhere", narrowest=24),
    Column("version", 7, fold="anywhere", narrowest=20),
    Column("status"),
    Column("data age", 6),
    Column("build age", 4),
    Column("live age", 5),
    Column("decided by", 2),
    Column("late, stale after", 4),
    Column("policy", 6, fold="blanks", narrowest=10),
    Column("next build", 3),
    Column("newest data", 0),
    Column("built", 1),
)
_LIVE: Final = "live age"
_CLOCKS: Final = {
    "build": "build",
    "data": "data",
    "mtime": "file's time",
    "effective": "live data",
    None: "",
}
_POLICIES: Final = {
    "declared": "declared",
    "freshness_sla": "freshness_sla",
    "facet": "its facet",
    "default": "default",
}


def freshness_table(found: Iterable[DatasetFreshness], at: datetime) -> Table:
    """Make a table with one line for each dataset version."""
    rows = worst_first(found)
    has_live = any(one.finding.effective_time is not None for one in rows)
    shown = [n for n, column in enumerate(_COLUMNS) if has_live or column.header != _LIVE]
    table = Table(*(_COLUMNS[n] for n in shown), title=f"Freshness at {moment(at)}")
    for one in rows:
        cells = _cells(one)
        table.add(*(cells[n] for n in shown))
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


def policy_text(one: DatasetFreshness) -> str:
    """Say where the policy comes from: `declared`, `rhythm of 7 builds`, `cron 0 2 * * * UTC`."""
    expected = one.expectation
    text = _POLICIES.get(expected.source, "")
    if expected.schedule is not None:
        text = f"cron {expected.schedule.text}"
    elif expected.source == "rhythm" and expected.rhythm is not None:
        text = f"rhythm of {expected.rhythm.builds} builds"
    return text if one.expected_of is one.node else f"{text} of {one.expected_of.name}"


def limits_text(one: DatasetFreshness) -> str:
    """Say from which ages on it is late and stale, by the clock that decided."""
    limits = one.finding.policy
    if not isfinite(limits.error_seconds):
        return "never"
    return f"{age(limits.warn_seconds)}, {age(limits.error_seconds)}"


def _cells(one: DatasetFreshness) -> tuple[Cell, ...]:
    finding = one.finding
    return (
        one.node.name,
        one.version or "",
        status_of(finding.status),
        age_text(finding.data_time, finding.data_age_seconds),
        age_text(finding.build_time, finding.build_age_seconds),
        age_text(finding.effective_time, finding.effective_age_seconds),
        _CLOCKS[finding.basis],
        limits_text(one),
        policy_text(one),
        moment(one.next_build),
        moment(finding.data_time),
        moment(finding.build_time),
    )
