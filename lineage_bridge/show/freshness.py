"""Freshness of datasets as a table: worst first, with both clocks and which of them decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

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
_CLOCKS: Final = {"build": "build", "data": "data", "mtime": "file's time"}


def freshness_table(shape: Mapping[str, Any]) -> Table:
    """One line for each dataset version."""
    table = Table(*_COLUMNS, title=f"Freshness at {moment(shape['at'])}")
    for item in worst_first(shape["datasets"]):
        table.add(*_cells(item))
    return table


def freshness_summary(shape: Mapping[str, Any]) -> str:
    """`2 datasets: 1 stale, 1 fresh`."""
    return summary("dataset", (item["status"] for item in shape["datasets"]))


def worst_first(datasets: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """By status; those of one status stay as they are."""
    return sorted(datasets, key=lambda item: status_of(item["status"]).rank)


def _cells(item: Mapping[str, Any]) -> tuple[Cell, ...]:
    basis = item.get("basis", "")
    return (
        item["name"],
        item["version"],
        status_of(item["status"]),
        _age(item, "data_time", "data_age_seconds"),
        _age(item, "build_time", "build_age_seconds"),
        _CLOCKS.get(basis, basis),
        moment(item.get("data_time")),
        moment(item.get("build_time")),
    )


def _age(item: Mapping[str, Any], time: str, seconds: str) -> str:
    """How old; a time that lies ahead has no age."""
    return age(item[seconds]) if seconds in item else "in the future" if time in item else ""
