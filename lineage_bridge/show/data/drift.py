"""Drift as tables: what moved and how much, worst first; and one feature, cell by cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from lineage_bridge.profiles.bars import shares
from lineage_bridge.show.data.blocks import same_scale
from lineage_bridge.show.data.values import value_text
from lineage_bridge.show.statuses import status_of
from lineage_bridge.show.tables import Column, Table
from lineage_bridge.show.units import counted, number, percent

if TYPE_CHECKING:
    from lineage_bridge.assess.drift.finding import Cell as DriftCell
    from lineage_bridge.assess.drift.finding import Drift, FeatureDrift
    from lineage_bridge.profiles.profile import Profile

_COLUMNS: Final = (
    Column("feature", fold="anywhere", narrowest=14),
    Column("drift"),
    Column("PSI", 8, right=True),
    Column("shift", 4, right=True),
    Column("was", 7),
    Column("is", 7),
    Column("what moved most", 6, fold="blanks", narrowest=17),
)
_CELLS: Final = (
    Column("cell", fold="anywhere", narrowest=20),
    Column("was", right=True),
    Column("is", right=True),
    Column("PSI", right=True),
)
NOTES: Final = {
    "all_null": "no value now: a look-back longer than the data, or a lost column",
    "was_all_null": "no value in the reference",
    "kind_changed": "values are of another kind now",
    "too_many_labels": "too many labels to compare: only nulls were",
    "not_comparable": "binary or nested: only nulls were compared",
    "no_p": "too little detail is kept for a p: judged by the effect alone",
}
_LOW_POWER: Final = 0.8
_NAMES: Final = 12
WITHIN: Final = "the reference itself varies as much"


def drift_table(features: Sequence[FeatureDrift], reference: Profile, current: Profile) -> Table:
    """Make a table with one line for each of some features."""
    table = Table(*_COLUMNS)
    for one in features:
        was, now = bars_of(one.feature, reference, current)
        table.add(
            one.feature,
            status_of(one.severity),
            number(one.psi_above),
            effect_text(one),
            was,
            now,
            moved_most(one),
        )
    return table


def bars_of(feature: str, reference: Profile, current: Profile) -> list[str]:
    """Draw both distributions of a feature on one scale."""
    return same_scale(shares(*(side.whole.column(feature) for side in (reference, current))))


def drift_title(found: Drift, reference: object, current: object) -> str:
    """Say what was compared: `b.parquet (1,400 rows) against a.parquet (40,198 rows)`."""
    now, was = counted(found.current_rows, "row"), counted(found.reference_rows, "row")
    return f"{current} ({now}) against {reference} ({was})"


def drift_summary(found: Drift) -> list[str]:
    """Say the verdict in a sentence or two."""
    if found.status == "nothing_to_compare":
        return ["They have no feature in common."]
    if found.status == "insufficient_data":
        rows = min(found.current_rows, found.reference_rows)
        return [f"Too few rows to judge: {number(rows)}.", _power(found)]
    judged = counted(len(found.features), "feature")
    lines = [f"{number(found.drifted)} of {judged} drifted ({percent(found.share)})."]
    if found.weighted_share is not None:
        lines.append(f"By importance: {percent(found.weighted_share)}.")
    moved = [one.feature for one in found.calendar if one.severity != "none"]
    if moved:
        lines.append(f"Moved with the calendar, and not counted: {_listed(moved)}.")
    for what, names in (("Not in A", found.added), ("Not in B", found.missing)):
        if names:
            lines.append(f"{what}, so not compared: {_listed(names)}.")
    if found.power < _LOW_POWER:
        lines.append(_power(found))
    return lines


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:_NAMES])
    more = len(names) - _NAMES
    return f"{shown} and {number(more)} more" if more > 0 else shown


def _power(found: Drift) -> str:
    return (
        "With so few rows, a feature that moved by half a standard deviation is found in "
        f"{percent(found.power)} of cases."
    )


def feature_table(one: FeatureDrift) -> Table:
    """Make a table of the cells of one feature that moved most."""
    table = Table(*_CELLS)
    for cell in one.cells:
        shares_of = percent(cell.reference_share), percent(cell.current_share)
        table.add(cell_text(cell), *shares_of, number(cell.psi))
    return table


def feature_lines(one: FeatureDrift) -> list[str]:
    """Say all figures of one feature."""
    psi, floor = number(one.psi), number(one.psi_floor)
    nulls = percent(one.reference_null_share), percent(one.current_null_share)
    lines = [
        f"{one.feature}: {one.severity}. PSI {psi}, of which {floor} is to be expected.",
        f"Null: {nulls[0]} before, {nulls[1]} now.",
    ]
    if one.p is not None:
        tested = f"{one.test}, p {number(one.p)}"
        lines.append(tested + (f", q {number(one.q)}." if one.q is not None else "."))
    for share, what in ((one.beyond_share, "beyond the range"), (one.unseen_share, "unseen label")):
        if share:
            lines.append(f"Rows {what} of the reference: {percent(share)}.")
    return [*lines, *(f"{text[0].upper()}{text[1:]}." for text in remarks_of(one))]


def cell_text(cell: DriftCell) -> str:
    """Name a cell: a label, `4 to 12`, `above 41`, `null`."""
    return place_text(*cell.place)


def place_text(what: str, label: str | None, above: float | None, up_to: float | None) -> str:
    """Name a part of what a feature can be; see `assess.drift.finding.Place`."""
    if what == "label":
        return label or "(empty)"
    if what != "interval":
        names = {"null": "null", "unseen": "unseen labels", "other_kind": "of another kind"}
        return names.get(what, "any value")
    low, high = value_text(above), value_text(up_to)
    if low and high:
        return f"{low} to {high}"
    return f"above {low}" if low else f"up to {high}" if high else "any"


def effect_text(one: FeatureDrift) -> str:
    """Say how far a feature moved: `0.42 sd` of numbers, Cramer's V of labels."""
    return shift_text(one.effect, one.kind)


def shift_text(effect: float | None, kind: str) -> str:
    """Say how far a feature of a kind moved."""
    return "" if effect is None else f"{number(effect)}{' sd' if kind == 'number' else ''}"


def moved_most(one: FeatureDrift) -> str:
    """Say which cell moved most, and what else is to be known."""
    moved = [
        f"{cell_text(cell)}: {percent(cell.reference_share)} → {percent(cell.current_share)}"
        for cell in one.cells[:1]
    ]
    return "; ".join([*moved, *remarks_of(one)])


def remarks_of(one: FeatureDrift) -> list[str]:
    """Say what else is to be known of a feature."""
    remarks = [NOTES[note] for note in one.notes]
    return [*remarks, WITHIN] if one.within_reference_variation else remarks
