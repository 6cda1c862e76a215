"""A distribution in eight blocks: the shares of its values, on one scale for all compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from lineage_bridge.profiles.column import Column
from lineage_bridge.profiles.keys import Floats
from lineage_bridge.profiles.points import Points

BLOCKS: Final = 8
_OUTERMOST: Final = (0.01, 0.99)  # quantiles: what lies beyond is counted in the outer blocks


def shares(*columns: Column) -> list[list[float]]:
    """Return the share of each column's values in each block; nothing for what has no order.

    Numbers and times have blocks of equal width, labels a block each for the most frequent ones of
    the first column that has any; if there are more, the last block is all others.
    """
    kind = next((c.main_kind for c in columns if c.main_kind != "none"), "none")
    if kind == "label":
        return _of_labels(columns)
    if kind in {"number", "time"}:
        points = [c.numbers if kind == "number" else c.instants for c in columns]
        return _of_points([part.finite() for part in points])
    return [[] for _ in columns]


def _of_labels(columns: Sequence[Column]) -> list[list[float]]:
    first = next(c.labels for c in columns if c.labels.total)
    every = {label for c in columns for label in c.labels.counts}
    listed = BLOCKS if len(every) <= BLOCKS else BLOCKS - 1
    names = [name for name, _ in first.most_frequent(listed)]
    names += sorted(every.difference(names))[: listed - len(names)]
    return [_labelled(column, names, len(every) > listed) for column in columns]


def _labelled(column: Column, names: Sequence[str], has_others: bool) -> list[float]:
    total, counts = column.labels.total, column.labels.counts
    if not total or column.labels.overflows:
        return []
    found = [counts.get(name, 0) / total for name in names]
    return [*found, max(0.0, 1 - sum(found))] if has_others else found


def _of_points(sides: Sequence[Points]) -> list[list[float]]:
    outermost = [end for side in sides if side.total for end in side.quantiles(_OUTERMOST)]
    if not outermost:
        return [[] for _ in sides]
    low, high = min(outermost), max(outermost)
    # Each end as a share of both, since their difference may be beyond the largest float.
    steps = np.arange(1, BLOCKS) / BLOCKS
    inner = low * (1 - steps) + high * steps
    return [_cut(side, inner) for side in sides]


def _cut(side: Points, inner: Floats) -> list[float]:
    if not side.total:
        return []
    ends = np.searchsorted(side.values, inner, side="right")
    up_to = np.concatenate(([0], np.cumsum(side.counts)))[[0, *ends, len(side.values)]]
    return [float(share) for share in np.diff(up_to) / side.total]
