"""A distribution in eight blocks, or in more bins: shares of its values, on one scale for all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from lineage_bridge.profiles.column import Column, Kind
from lineage_bridge.profiles.keys import Floats
from lineage_bridge.profiles.points import Points

BLOCKS: Final = 8
_MOST_SINGLE: Final = 24  # numbers: of no more different ones each has a bin of its own
_BINS: Final = 40  # at most
_LABELS: Final = 14
_OUTERMOST: Final = (0.01, 0.99)  # quantiles: what lies beyond is counted in the outer blocks


@dataclass(frozen=True, slots=True)
class Histogram:
    """The distributions of several columns in the same bins.

    Attributes:
        names: of each bin, where it is one label or one number; the last may be `others`.
        ends: where bins are of numbers or times: where each begins, and the end of the last.
        others: whether the last bin is of all labels that have none.
        shares: of each column's values, in each bin; empty for a column that has no such values.
    """

    names: tuple[str | float, ...] = ()
    ends: tuple[float, ...] = ()
    others: bool = False
    shares: tuple[tuple[float, ...], ...] = ()


def histogram(*columns: Column) -> Histogram:
    """Cut columns into bins that are fine enough to look at; into none for what has no order."""
    kind = _kind_of(columns)
    if kind == "label":
        names, others = _largest_names(columns)
        cut = tuple(tuple(_labelled(c, names, has_others=others)) for c in columns)
        return Histogram(tuple(names), (), others, cut)
    if kind not in {"number", "time"}:
        return Histogram(shares=((),) * len(columns))
    sides = [(c.numbers if kind == "number" else c.instants).finite() for c in columns]
    values = np.unique(np.concatenate([side.values for side in sides]))
    if len(values) <= _MOST_SINGLE and all(side.singles.all() for side in sides):
        return Histogram(tuple(values.tolist()), shares=_cuts(sides, values[1:]))
    low, high = _outermost(sides)
    if low == high:  # nearly all are one value
        low, high = float(values[0]), float(values[-1])
    ends = _round_ends(low, high) if kind == "number" else _steps(low, high, _BINS)
    ends = np.concatenate(([low], ends, [high])) if kind == "time" else ends
    return Histogram((), tuple(ends.tolist()), shares=_cuts(sides, ends[1:-1]))


def shares(*columns: Column) -> list[list[float]]:
    """Return the share of each column's values in each block; nothing for what has no order.

    Numbers and times have blocks of equal width, labels a block each for the most frequent ones of
    the first column that has any; if there are more, the last block is all others.
    """
    kind = _kind_of(columns)
    if kind == "label":
        names, others = _names(columns, BLOCKS)
        return [_labelled(column, names, has_others=others) for column in columns]
    if kind in {"number", "time"}:
        points = [c.numbers if kind == "number" else c.instants for c in columns]
        return _of_points([part.finite() for part in points])
    return [[] for _ in columns]


def _kind_of(columns: Sequence[Column]) -> Kind:
    return next((c.main_kind for c in columns if c.main_kind != "none"), "none")


def _names(columns: Sequence[Column], most: int) -> tuple[list[str], bool]:
    """Choose labels, so many at most, and say whether there are others besides."""
    first = next(c.labels for c in columns if c.labels.total)
    every = {label for c in columns for label in c.labels.counts}
    listed = most if len(every) <= most else most - 1
    names = [name for name, _ in first.most_frequent(listed)]
    names += sorted(every.difference(names))[: listed - len(names)]
    return names, len(every) > listed


def _largest_names(columns: Sequence[Column]) -> tuple[list[str], bool]:
    """Choose the labels that most of any column's values have, and say whether there are others."""
    largest: dict[str, float] = {}
    for column in columns:
        for name, count in column.labels.counts.items():
            largest[name] = max(largest.get(name, 0.0), count / column.labels.total)
    most = _LABELS if len(largest) <= _LABELS else _LABELS - 1
    names = sorted(largest, key=lambda name: (-largest[name], name))[:most]
    return names, len(largest) > most


def _labelled(column: Column, names: Sequence[str], *, has_others: bool) -> list[float]:
    total, counts = column.labels.total, column.labels.counts
    if not total or column.labels.overflows:
        return []
    found = [counts.get(name, 0) / total for name in names]
    return [*found, max(0.0, 1 - sum(found))] if has_others else found


def _of_points(sides: Sequence[Points]) -> list[list[float]]:
    if not any(side.total for side in sides):
        return [[] for _ in sides]
    inner = _steps(*_outermost(sides), BLOCKS)
    return [_cut(side, inner) for side in sides]


def _outermost(sides: Sequence[Points]) -> tuple[float, float]:
    ends = [end for side in sides if side.total for end in side.quantiles(_OUTERMOST)]
    return min(ends), max(ends)


def _steps(low: float, high: float, parts: int) -> Floats:
    # Each end as a share of both, since their difference may be beyond the largest float.
    steps = np.arange(1, parts) / parts
    inner: Floats = low * (1 - steps) + high * steps
    return inner


def _round_ends(low: float, high: float) -> Floats:
    """Return ends of bins of equal width that are short to write, from below `low` to `high`."""
    width = high / _BINS - low / _BINS
    if not 1e-300 < width < 1e300:  # no such ends could be computed
        return np.concatenate(([low], _steps(low, high, _BINS), [high]))
    power = 10.0 ** math.floor(math.log10(width))
    step = next(nice * power for nice in (1.0, 2.0, 5.0, 10.0) if nice * power >= width)
    first, last = math.floor(low / step), math.ceil(high / step)
    return np.arange(first, max(last, first + 1) + 1).astype(np.float64) * step


def _cuts(sides: Sequence[Points], inner: Floats) -> tuple[tuple[float, ...], ...]:
    """Cut at these ends; a number at an end belongs to the bin that begins there."""
    return tuple(tuple(_cut(side, inner, "left")) for side in sides)


def _cut(side: Points, inner: Floats, at_end: Literal["left", "right"] = "right") -> list[float]:
    if not side.total:
        return []
    ends = np.searchsorted(side.values, inner, side=at_end)
    up_to = np.concatenate(([0], np.cumsum(side.counts)))[[0, *ends, len(side.values)]]
    return [float(share) for share in np.diff(up_to) / side.total]
