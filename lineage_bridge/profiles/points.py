"""The distribution of numbers: each different one with its count, or cells where these are many.

A cell holds the numbers whose keys have all but the last `level` bits in common. The level is the
lowest at which there are no more cells than the limit, and a subset never has more cells than the
whole: so the level, and with it the whole, is a function of the numbers alone, however they were
cut and in which order they came. A sketch of random choices (KLL, t-digest) has no such order.

What it costs is known, not estimated: all that a rank can be wrong by is the largest cell that
holds different numbers (`rank_error`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Final, Self

import numpy as np

from lineage_bridge.profiles.keys import (
    BITS,
    Counts,
    Flags,
    Floats,
    Keys,
    bits_apart,
    keys_of,
    values_of,
)

MOST_POINTS: Final = 32_768  # of one column: a rank among normal numbers is then 0.0003 off at most


@dataclass(frozen=True, eq=False)
class Points:
    """Numbers, in ascending order of their cells.

    Attributes:
        level: how many of the last bits of a key do not count; 0: every number is a cell.
        firsts: the smallest key in each cell.
        counts: how many numbers are in each cell.
        singles: whether all numbers of a cell are the same one.
        last: the largest key of all; 0 where there is none.
    """

    level: int
    firsts: Keys
    counts: Counts
    singles: Flags
    last: int

    @classmethod
    def of(cls, values: Floats, limit: int = MOST_POINTS) -> Self:
        """Take numbers in any order, none of them NaN."""
        if not len(values):
            return cls.none()
        keys = np.sort(keys_of(values))
        starts = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
        counts = np.diff(np.append(starts, len(keys)))
        firsts = keys[starts]
        singles = np.ones(len(firsts), dtype=np.bool_)
        return cls(0, firsts, counts, singles, int(keys[-1])).within(limit)

    @classmethod
    @cache  # most columns have only one kind of value
    def none(cls) -> Self:
        """No numbers."""
        no_counts = np.zeros(0, dtype=np.int64)
        return cls(0, np.zeros(0, dtype=np.uint64), no_counts, np.zeros(0, dtype=np.bool_), 0)

    @classmethod
    def sum(cls, parts: Iterable[Self], limit: int = MOST_POINTS) -> Self:
        """Add up: the numbers of all parts together."""
        listed = [part for part in parts if len(part.firsts)]
        if len(listed) < 2:
            return listed[0].within(limit) if listed else cls.none()
        level = max(part.level for part in listed)
        firsts = np.concatenate([part.firsts for part in listed])
        order = np.argsort(firsts, kind="stable")
        counts = np.concatenate([part.counts for part in listed])[order]
        singles = np.concatenate([part.singles for part in listed])[order]
        last = max(part.last for part in listed)
        return cls(0, firsts[order], counts, singles, last).coarser(level).within(limit)

    def coarser(self, level: int) -> Self:
        """Let numbers share a cell that differ in no more than so many of the last bits."""
        if not len(self.firsts):
            return self
        cells = shifted(self.firsts, level)
        starts = np.flatnonzero(np.concatenate(([True], cells[1:] != cells[:-1])))
        # What is cell by cell the same number in all parts is still one number.
        same = np.concatenate(([True], self.firsts[1:] == self.firsts[:-1]))
        same[starts] = True
        return type(self)(
            level,
            self.firsts[starts],
            np.add.reduceat(self.counts, starts),
            np.logical_and.reduceat(self.singles & same, starts),
            self.last,
        )

    def within(self, limit: int) -> Self:
        """Let as many numbers share a cell as it takes to have no more cells than that."""
        if len(self.firsts) <= limit:
            return self
        cells_by_level = (
            1 + np.cumsum(np.bincount(bits_apart(self.firsts), minlength=BITS + 1)[::-1])[::-1]
        )
        # At level n, neighbours are in two cells if they differ in more than n bits.
        level = int(np.flatnonzero(np.append(cells_by_level[1:], 1) <= limit)[0])
        return self.coarser(max(level, self.level))

    def exact_below(self, limit: float) -> Self:
        """Let what is not below this, in size, be different numbers: they lost digits before."""
        singles = self.singles & (np.abs(values_of(self.firsts)) < limit)
        return type(self)(self.level, self.firsts, self.counts, singles, self.last)

    @cached_property
    def total(self) -> int:
        """The number of numbers."""
        return int(self.counts.sum())

    @property
    def smallest(self) -> float:
        """The smallest number; NaN where there is none."""
        return float(values_of(self.firsts[:1])[0]) if len(self.firsts) else float("nan")

    @property
    def largest(self) -> float:
        """The largest number; NaN where there is none."""
        key = np.array([self.last], dtype=np.uint64)
        return float(values_of(key)[0]) if len(self.firsts) else float("nan")

    @cached_property
    def values(self) -> Floats:
        """A number for each cell: the one that is in it, or the middle of the cell."""
        rest = np.uint64((1 << self.level) - 1)
        ends = np.minimum(self.firsts | rest, np.uint64(self.last))
        middles = self.firsts + (ends - self.firsts) // np.uint64(2)
        return values_of(np.where(self.singles, self.firsts, middles))

    @property
    def rank_error(self) -> float:
        """The largest share of all numbers that a rank can be wrong by; 0 if each one is known."""
        mixed = self.counts[~self.singles]
        return float(mixed.max() / self.total) if len(mixed) else 0.0

    def quantiles(self, at: Sequence[float]) -> list[float]:
        """Return the smallest number that has at least this share of all at or below it."""
        if not len(self.firsts):
            return [float("nan")] * len(at)
        ranks = np.ceil(np.asarray(at) * self.total).clip(1)
        where = np.searchsorted(np.cumsum(self.counts), ranks)
        return [float(value) for value in self.values[where].clip(self.smallest, self.largest)]

    def finite(self) -> Self:
        """Leave out infinities."""
        kept = np.isfinite(values_of(self.firsts))
        if kept.all():
            return self
        firsts, counts, singles = self.firsts[kept], self.counts[kept], self.singles[kept]
        last = self.last
        if not np.isfinite(self.largest):
            last = int(firsts[-1]) if len(firsts) else 0
        return type(self)(self.level, firsts, counts, singles, last)

    def mean_and_deviation(self) -> tuple[float, float]:
        """Compute the mean and the standard deviation of those that are finite; NaN of none."""
        finite = self.finite()
        if not len(finite.firsts):
            return float("nan"), float("nan")
        return mean_and_deviation(finite.values, finite.counts)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Points):
            return NotImplemented
        return self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash(self._parts())

    def _parts(self) -> tuple[Any, ...]:
        arrays = (self.firsts, self.counts, self.singles)
        return self.level, self.last, *(array.tobytes() for array in arrays)


def mean_and_deviation(values: Floats, counts: Counts) -> tuple[float, float]:
    """Compute the mean and the standard deviation of numbers with their counts.

    Sums and no matrix products: those run on all cores, and are not the same on all machines.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        shares = counts / counts.sum()
        mean = float((shares * values).sum())
        return mean, float(np.sqrt((shares * (values - mean) ** 2).sum()))


def shifted(keys: Keys, level: int) -> Keys:
    """Drop the last bits of keys."""
    return keys >> np.uint64(level) if level < BITS else np.zeros_like(keys)
