"""The two-sample Kolmogorov-Smirnov test: exact for small samples, the limit for large ones.

The exact chance counts the orders in which the rows of two samples can come, as paths through a
grid from one corner to the other: those that never stray too far from the diagonal have a smaller
distance (Hodges, 1958). With ties it is too large, never too small.
"""

from __future__ import annotations

from math import floor
from typing import Final

import numpy as np

from lineage_bridge.assess.drift.chances import kolmogorov

# Pairs of rows up to which all paths are counted (10 ms); beyond it the limit is off by less than
# a tenth of p where p is 0.0001 to 0.05.
EXACT_PAIRS: Final = 1_000_000
_SMALLEST_EXACT: Final = 1e-9  # below it, 1 - (paths inside) has lost its digits


def chance_of_distance(distance: float, reference: int, current: int) -> float:
    """Return the chance of a distance of at least this between two samples of one distribution.

    Args:
        distance: the largest between the two cumulative shares, from 0 to 1.
        reference: how many rows the one sample has.
        current: how many the other has.
    """
    if min(reference, current) < 1 or distance <= 0:
        return 1.0
    if reference * current <= EXACT_PAIRS:
        found = _exact(distance, reference, current)
        if found > _SMALLEST_EXACT:
            return min(1.0, found)
    return kolmogorov(distance, reference * current / (reference + current))


def _exact(distance: float, reference: int, current: int) -> float:
    short, long = sorted((reference, current))
    # The distance is a multiple of 1 / (short * long); paths must stay below it.
    below = (0.5 + floor(distance * short * long - 1e-7)) / (short * long)
    share = np.arange(long + 1) / long
    inside = np.where(share <= below, 1.0, 0.0)
    for step in range(1, short + 1):
        begin, end = np.searchsorted(share, [step / short - below, step / short + below + 1e-12])
        band = slice(max(int(begin), 0), min(int(end), long + 1))
        weight = step / (step + long)
        row = np.zeros(long + 1)
        row[band] = np.cumsum(weight * inside[band])
        inside = row
    return float(1.0 - inside[long])
