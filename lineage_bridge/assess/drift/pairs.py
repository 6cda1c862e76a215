"""One feature of two sides, on one scale: numbers over the same cells, labels by name."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Final, Self

import numpy as np

from lineage_bridge.profiles.keys import Counts, Floats
from lineage_bridge.profiles.labels import Labels
from lineage_bridge.profiles.points import Points, mean_and_deviation, shifted

# A rank may be off by so much of the distance, or of a significant one, or there is no p.
_ERROR_TO_DISTANCE: Final = 0.25
_SIGNIFICANT: Final = 1.358  # times sqrt(1 / effective rows): a distance of p = 0.05


@dataclass(frozen=True, slots=True)
class Numbers:
    """Numbers of both sides.

    Attributes:
        values: ascending; each stands for a cell of both.
        reference: how many of the reference there are in each.
        current: how many of the current side.
        rank_error: the largest share that a rank can be wrong by.
    """

    values: Floats
    reference: Counts
    current: Counts
    rank_error: float

    @classmethod
    def of(cls, reference: Points, current: Points) -> Self:
        """Bring both sides to the coarser one's cells."""
        level = max(reference.level, current.level)
        sides = [side.coarser(level) for side in (reference, current)]
        ids = [shifted(side.firsts, level) for side in sides]
        every = np.sort(np.concatenate(ids), kind="stable")
        every = every[np.concatenate(([True], every[1:] != every[:-1]))]
        values = np.zeros(len(every))
        counts = []
        for side, own in reversed([*zip(sides, ids, strict=True)]):  # the reference's values stay
            at = np.searchsorted(every, own)
            count = np.zeros(len(every), dtype=np.int64)
            count[at] = side.counts
            values[at] = side.values
            counts.append(count)
        error = max(side.rank_error for side in sides)
        return cls(values, counts[1], counts[0], error)

    def against_rest(self) -> Self:
        """Compare the current side, which is a part of the reference, with the rest of that."""
        return type(self)(self.values, self.reference - self.current, self.current, self.rank_error)

    def is_fine_enough(self, distance: float) -> bool:
        """Return whether a distance means something, with numbers that share cells.

        It does if it is much larger than what a rank can be off by, or if that is much less than
        what would be significant among so many rows.
        """
        rows = self.reference.sum(), self.current.sum()
        significant = _SIGNIFICANT * sqrt(sum(1 / n for n in rows))
        return self.rank_error <= _ERROR_TO_DISTANCE * max(distance, significant)

    def distance(self) -> float:
        """Return the largest distance between the cumulative shares (Kolmogorov-Smirnov)."""
        return float(np.abs(self.apart()).max())

    def beyond(self) -> int:
        """Count the current numbers outside of the reference's range."""
        seen = np.flatnonzero(self.reference)
        return int(self.current[: seen[0]].sum() + self.current[seen[-1] + 1 :].sum())

    def shift(self) -> float | None:
        """Return how far the numbers moved, in standard deviations of the reference.

        Wasserstein's distance of those that are finite; None where the reference is constant.
        """
        finite = np.isfinite(self.values)
        part = type(self)(
            self.values[finite], self.reference[finite], self.current[finite], self.rank_error
        )
        if not (part.reference.any() and part.current.any()):
            return None
        _, deviation = mean_and_deviation(part.values, part.reference)
        with np.errstate(over="ignore", invalid="ignore"):
            moved = float((np.abs(part.apart())[:-1] * np.diff(part.values)).sum())
        return moved / deviation if deviation > 0 and np.isfinite(moved / deviation) else None

    def apart(self) -> Floats:
        """Return how much larger the reference's share is up to each value."""
        apart: Floats = (
            np.cumsum(self.reference) / self.reference.sum()
            - np.cumsum(self.current) / self.current.sum()
        )
        return apart


@dataclass(frozen=True, slots=True)
class Categories:
    """Labels of both sides.

    Attributes:
        names: those that the reference has, the most frequent first.
        reference: how many of the reference there are of each.
        current: how many of the current side.
        unseen: how many of the current side have a label that the reference does not have.
        singletons: how many labels the reference has once.
    """

    names: tuple[str, ...]
    reference: Counts
    current: Counts
    unseen: int
    singletons: int

    @classmethod
    def of(cls, reference: Labels, current: Labels) -> Self:
        """Pair the labels by name."""
        pairs = reference.most_frequent(len(reference.counts))
        names = tuple(name for name, _ in pairs)
        seen = np.array([count for _, count in pairs], dtype=np.int64)
        now = np.array([current.counts.get(name, 0) for name in names], dtype=np.int64)
        unseen = sum(current.counts.values()) - int(now.sum())
        return cls(names, seen, now, unseen, int((seen == 1).sum()))

    def against_rest(self) -> Self:
        """Compare the current side, which is a part of the reference, with the rest of that."""
        rest = self.reference - self.current
        kept = rest > 0
        return type(self)(
            tuple(name for name, keep in zip(self.names, kept, strict=True) if keep),
            rest[kept],
            self.current[kept],
            int(self.current[~kept].sum()),
            int((rest == 1).sum()),
        )
