"""A profile as a table: a line for each column, with its distribution drawn in eight blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lineage_bridge.profiles.bars import shares
from lineage_bridge.show.data.blocks import blocks
from lineage_bridge.show.data.values import instant_text, value_text
from lineage_bridge.show.tables import Cell, Column, Table
from lineage_bridge.show.units import counted, number, percent

if TYPE_CHECKING:
    from lineage_bridge.observe.kept_profiles import Profiled
    from lineage_bridge.profiles.column import Column as Values

_LABELS_SHOWN: Final = 3
_LABEL_PLACES: Final = 14
_COLUMNS: Final = (
    Column("column", fold="anywhere", narrowest=16),
    Column("kind", 3),
    Column("null", 5, right=True),
    Column("distinct", 4, right=True),
    Column("values", 6, fold="blanks", narrowest=20),
    Column("spread", 7),
)


def profile_table(found: Profiled) -> Table:
    """Make a table with one line for each column of a file."""
    profile = found.profile
    columns = profile.whole.columns
    title = f"{found.path}: {counted(profile.rows, 'row')}, {counted(len(columns), 'column')}"
    table = Table(*_COLUMNS, title=title, caption="; ".join(sorted(profile.notes)))
    for name, column in columns.items():
        table.add(*_cells(name, column, profile.rows))
    return table


def _cells(name: str, column: Values, rows: int) -> tuple[Cell, ...]:
    nulls = rows - column.values + column.nans
    return (
        name,
        "empty" if column.kind == "none" else column.kind,
        percent(nulls / rows) if rows else "",
        "" if column.others else _distinct(column),
        _values(column),
        blocks(shares(column)[0]),
    )


def _distinct(column: Values) -> str:
    return f"{number(column.distinct)}{'' if column.is_distinct_exact else '+'}"


def _values(column: Values) -> str:
    parts = [*_numbers(column), *_times(column), *_labels(column)]
    if column.others:
        parts.append(f"{counted(column.others, 'value')} of {', '.join(sorted(column.types))}")
    return "; ".join(parts)


def _numbers(column: Values) -> list[str]:
    finite = column.numbers.finite()
    infinite = [f"{number(column.infinities)} infinite"] if column.infinities else []
    if not finite.total:
        return infinite
    low, high = value_text(finite.smallest), value_text(finite.largest)
    if low == high and len(finite.firsts) == 1:
        return [f"always {low}", *infinite]
    return [f"{low} … {high}, median {value_text(finite.quantiles([0.5])[0])}", *infinite]


def _times(column: Values) -> list[str]:
    if not column.instants.total:
        return []
    zoned = bool(column.zones)
    ends = column.instants.smallest, column.instants.largest
    low, high = (instant_text(end, zoned=zoned) for end in ends)
    return [f"always {low}" if low == high else f"{low} … {high}"]


def _labels(column: Values) -> list[str]:
    labels = column.labels
    if labels.overflows:
        return ["too many different ones to tell apart"]
    most = labels.most_frequent(_LABELS_SHOWN)
    listed = ", ".join(f"{_cut(name)} {percent(count / labels.total)}" for name, count in most)
    return [listed] if listed else []


def _cut(label: str) -> str:
    return label if len(label) <= _LABEL_PLACES else f"{label[: _LABEL_PLACES - 1]}…"
