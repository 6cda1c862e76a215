"""How likely a real shift is found, so that "nothing found" is not taken for "nothing there"."""

from __future__ import annotations

from math import erf, log, sqrt
from typing import Final

SHIFT: Final = 0.5  # standard deviations of a normal feature
_TESTS: Final = 2  # of a feature of numbers without nulls
# The largest distance lies above that at the expected point: by so much over the root of the rows,
# as simulated for 30 to 100 rows.
_LARGEST_OF_MANY: Final = 0.37


def power(reference: int, current: int, features: int, false_share: float = 0.05) -> float:
    """Return the chance to find one feature of normal numbers that moved by half its deviation.

    By the limit of Kolmogorov's distribution, with the correction for the number of features as if
    no other moved; some 5 points off. docs/findings.md has the simulated figures beside it.

    Args:
        reference: rows of the reference.
        current: rows that are compared with it.
        features: how many are judged together.
        false_share: the share of false ones that is let pass.
    """
    if min(reference, current, features) < 1:
        return 0.0
    effective = sqrt(reference * current / (reference + current))
    least_p = false_share / (features * _TESTS)
    needed = sqrt(log(2 / least_p) / 2) / (effective + 0.12 + 0.11 / effective)
    below = _normal(SHIFT / 2)  # the share of the one below the point where they are most apart
    distance = 2 * below - 1 + _LARGEST_OF_MANY / effective
    spread = sqrt(below * (1 - below)) / effective
    return _normal((distance - needed) / spread)


def _normal(x: float) -> float:
    return (1 + erf(x / sqrt(2))) / 2
