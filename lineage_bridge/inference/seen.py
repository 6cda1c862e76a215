"""Which request ids were there before: eight bytes an id, whatever they are.

An id is known by Python's hash of it, which differs from process to process and is never kept. Of
ten million ids, two have the same one with a chance of three in a million.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Hashes: TypeAlias = NDArray[np.int64]


def hashes_of(ids: Iterable[Any]) -> Hashes:
    """Return a number for each id."""
    return np.fromiter(map(hash, ids), dtype=np.int64)


class Seen:
    """Ids, in sorted runs of which each is larger than the next one."""

    def __init__(self) -> None:
        self._runs: list[Hashes] = []

    def add(self, hashes: Hashes) -> NDArray[np.bool_]:
        """Add ids; return for each whether it is here for the first time."""
        is_first = np.zeros(len(hashes), dtype=np.bool_)
        is_first[np.unique(hashes, return_index=True)[1]] = True
        for run in self._runs:
            is_first &= ~among(run, hashes)[1]
        self._runs.append(np.sort(hashes[is_first]))
        while len(self._runs) > 1 and len(self._runs[-2]) <= 2 * len(self._runs[-1]):
            last, before = self._runs.pop(), self._runs.pop()
            self._runs.append(np.sort(np.concatenate([before, last]), kind="stable"))
        return is_first


def among(run: Hashes, hashes: Hashes) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Find ids in a sorted run: the place of each, and whether it is there."""
    if not len(run):
        return np.zeros(len(hashes), dtype=np.intp), np.zeros(len(hashes), dtype=np.bool_)
    places = np.minimum(np.searchsorted(run, hashes), len(run) - 1)
    return places, run[places] == hashes
