"""The cells in which two sides are counted, and PSI: how much more or less there is in each.

Numbers have the inner quantiles of the reference as limits, the outer two cells are open: what lies
beyond the reference's range is counted. A value that takes up several quantiles is a cell of its
own. Labels have a cell each, and one for all that the reference does not have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Self

import numpy as np

from lineage_bridge.assess.drift.finding import Cell, Place
from lineage_bridge.assess.drift.pairs import Categories, Numbers
from lineage_bridge.profiles.keys import Floats

_LEAST_SMOOTHING: Final = 0.5  # rows in each cell: an empty one has no infinite weight
_SMOOTHING: Final = 0.001  # of all rows
CELLS_LISTED: Final = 5


@dataclass(frozen=True, slots=True)
class Cells:
    """Both sides, counted in cells; no cell is empty on both.

    Attributes:
        places: what each cell is.
        reference: rows of the reference in each.
        current: rows of the current side.
    """

    places: tuple[Place, ...]
    reference: Floats
    current: Floats

    @classmethod
    def of(cls, counted: Iterable[tuple[Place, float, float]]) -> Self:
        """Take cells with their counts; those that are empty on both sides are left out."""
        kept = [(place, there, now) for place, there, now in counted if there or now]
        return cls(
            tuple(place for place, _, _ in kept),
            np.array([there for _, there, _ in kept], dtype=np.float64),
            np.array([now for _, _, now in kept], dtype=np.float64),
        )

    def psi_of_each(self) -> Floats:
        """Compute what each cell adds to the PSI."""
        there, now = _smoothed(self.reference), _smoothed(self.current)
        psi: Floats = (now - there) * np.log(now / there)
        return psi

    def noise_floor(self) -> float:
        """Compute the PSI that is to be expected if nothing moved."""
        rows = self.reference.sum(), self.current.sum()
        return float((len(self.places) - 1) * sum(1 / n for n in rows))

    def above_floor(self) -> float:
        """Compute the PSI above its noise floor."""
        return max(0.0, float(self.psi_of_each().sum()) - self.noise_floor())

    def moved(self) -> tuple[Cell, ...]:
        """List the cells that add most to the PSI."""
        psi = self.psi_of_each()
        there, now = self.reference / self.reference.sum(), self.current / self.current.sum()
        most = np.argsort(-psi, kind="stable")[:CELLS_LISTED]
        return tuple(
            Cell(self.places[i], float(there[i]), float(now[i]), float(psi[i]))
            for i in most
            if psi[i] > 0
        )


def _smoothed(counts: Floats) -> Floats:
    rows = counts.sum()
    extra = max(_LEAST_SMOOTHING, _SMOOTHING * rows)
    shares: Floats = (counts + extra) / (rows + extra * len(counts))
    return shares


def cells_of_numbers(numbers: Numbers, parts: int) -> Iterator[tuple[Place, float, float]]:
    """Cut numbers at the quantiles of the reference, into so many parts where it has no ties."""
    ends = _ends(numbers, parts)
    last = len(numbers.values) - 1
    for before, end in pairwise([-1, *ends, last]):
        cut = slice(before + 1, end + 1)
        above = float(numbers.values[before]) if before >= 0 else None
        up_to = float(numbers.values[end]) if end < last else None
        there, now = numbers.reference[cut].sum(), numbers.current[cut].sum()
        yield Place("interval", None, above, up_to), float(there), float(now)


def _ends(numbers: Numbers, parts: int) -> list[int]:
    """List where cells end, without the last."""
    ranks = np.cumsum(numbers.reference)
    rows = int(ranks[-1])
    wanted = [-(-rows * part // parts) for part in range(1, parts)]
    found, times = np.unique(np.searchsorted(ranks, wanted), return_counts=True)
    ends = {*found.tolist(), *(found[times > 1] - 1).tolist()}
    return sorted(end for end in ends if 0 <= end < len(numbers.values) - 1)


def cells_of_labels(labels: Categories) -> Iterator[tuple[Place, float, float]]:
    """Give each label of the reference a cell, and one to all others."""
    for name, there, now in zip(labels.names, labels.reference, labels.current, strict=True):
        yield Place("label", name), float(there), float(now)
    yield Place("unseen"), 0.0, float(labels.unseen)
