"""Sums of windows by model version; where two sources counted the same windows, the larger ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from lineage_bridge.assess.serving_facet import Totals
from lineage_bridge.facets.serving_health import Totals as TotalsOfFacet
from lineage_bridge.facets.serving_health import TotalsByVersion

_COUNTS: Final = TotalsOfFacet.__struct_fields__


def told(by_version: Iterable[TotalsByVersion]) -> list[Totals]:
    """Return the sums that a finding in the journal has."""
    found: list[Totals] = []
    for part in by_version:
        totals = of_version(found, part.model, part.model_version)
        for name in _COUNTS:
            setattr(totals, name, getattr(part, name) or 0)
    return found


def of_version(sums: list[Totals], model: str, version: str) -> Totals:
    """Return the sums of one model version, which are added if there are none."""
    for totals in sums:
        if totals.version == version and totals.model == model:
            return totals
    totals = Totals(model, version)
    sums.append(totals)
    sums.sort(key=lambda t: (t.model, t.version))
    return totals


def copy(sums: Sequence[Totals]) -> list[Totals]:
    """Return sums that are independent of these."""
    return larger(sums, ())


def larger(one: Sequence[Totals], other: Sequence[Totals]) -> list[Totals]:
    """Return the larger of two counts, number by number."""
    found: list[Totals] = []
    for part in (*one, *other):
        totals = of_version(found, part.model, part.version)
        for name in _COUNTS:
            setattr(totals, name, max(getattr(totals, name), getattr(part, name)))
    return found


def move(totals: Totals, before: Totals, after: Totals) -> None:
    """Change sums by what one part of them has changed."""
    for name in _COUNTS:
        difference = getattr(after, name) - getattr(before, name)
        setattr(totals, name, getattr(totals, name) + difference)


def count_windows(sums: Iterable[Totals]) -> int:
    """Return how many windows were counted."""
    return sum(totals.windows for totals in sums)
