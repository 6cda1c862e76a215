"""How much the reference varies by itself: rows of one entity and day resemble each other.

A test counts rows as if each told something new. So p is given once more as if all rows of one
entity and day told no more than one, and the PSI is held against the largest that one period of the
reference has against its others.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lineage_bridge.assess.drift.cells import Cells, cells_of_labels, cells_of_numbers
from lineage_bridge.assess.drift.evidence import Sides
from lineage_bridge.assess.drift.feature import Compared
from lineage_bridge.assess.drift.finding import Place
from lineage_bridge.assess.drift.pairs import Categories, Numbers
from lineage_bridge.assess.drift.policy import DriftPolicy
from lineage_bridge.profiles.profile import Part, Profile

_FEWEST_PERIODS: Final = 2


def blocks_a_row(reference: Profile, current: Profile) -> Sides | None:
    """Return how many blocks there are for a row, on both sides; None where that is not known.

    Where only the reference's are known, each current row counts as one.
    """
    if reference.blocks is None or not reference.blocks.number:
        return None
    now = current.blocks.number if current.blocks is not None else current.rows
    return Sides(
        min(1.0, reference.blocks.number / reference.rows), min(1.0, now / current.rows or 1.0)
    )


def largest_variation(compared: Compared, reference: Profile, policy: DriftPolicy) -> float | None:
    """Return the largest PSI above its floor of a period against the others; None if not known."""
    if len(reference.periods) < _FEWEST_PERIODS:
        return None
    found = [
        psi
        for part in reference.periods.values()
        if (psi := _against_rest(compared, reference.whole, part, policy)) is not None
    ]
    return max(found) if found else None


def _against_rest(compared: Compared, whole: Part, part: Part, policy: DriftPolicy) -> float | None:
    rest = whole.rows - part.rows
    if min(part.rows, rest) < policy.fewest_rows:
        return None
    cells = _cells(compared, whole, part, policy.cells_for(min(part.rows, rest)))
    return (
        None if cells is None else Cells.of([*cells, *_others(compared, whole, part)]).above_floor()
    )


def _cells(
    compared: Compared, whole: Part, part: Part, parts: int
) -> Iterator[tuple[Place, float, float]] | None:
    there, now = whole.column(compared.feature), part.column(compared.feature)
    if compared.kind == "number":
        numbers = Numbers.of(there.numbers, now.numbers).against_rest()
        if numbers.reference.any() and numbers.current.any():
            return cells_of_numbers(numbers, parts)
    elif compared.kind == "label":
        if there.labels.overflows or now.labels.overflows:
            return None
        return cells_of_labels(Categories.of(there.labels, now.labels).against_rest())
    values = [column.by_kind.get(compared.kind, 0) for column in (there, now)]
    return iter([(Place("value"), float(values[0] - values[1]), float(values[1]))])


def _others(compared: Compared, whole: Part, part: Part) -> Iterator[tuple[Place, float, float]]:
    """Count all rows without a value of the feature's kind in one cell."""
    counts = [
        side.rows - side.column(compared.feature).by_kind.get(compared.kind, 0)
        for side in (whole, part)
    ]
    yield Place("null"), float(counts[0] - counts[1]), float(counts[1])
