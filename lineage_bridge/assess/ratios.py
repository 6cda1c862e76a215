"""Ratios with their bounds: how sure is it that the true share is above a limit?

The bounds are Wilson's score interval: it behaves at few requests and at shares near 0 and 1, where
the normal approximation does not.
"""

from __future__ import annotations

from math import sqrt

DEFAULT_Z = 1.96


def wilson_bounds(bad: int, of: int, z: float = DEFAULT_Z) -> tuple[float, float]:
    """The interval that holds the true share of `bad` among `of`; nothing seen is (0, 1)."""
    if of <= 0:
        return 0.0, 1.0
    share, square = bad / of, z * z
    scale = 1.0 + square / of
    centre = (share + square / (2 * of)) / scale
    spread = z * sqrt(share * (1.0 - share) / of + square / (4.0 * of * of)) / scale
    return max(0.0, centre - spread), min(1.0, centre + spread)


def wilson_lower(bad: int, of: int, z: float = DEFAULT_Z) -> float:
    """The lower bound alone."""
    return wilson_bounds(bad, of, z)[0]


def wilson_upper(bad: int, of: int, z: float = DEFAULT_Z) -> float:
    """The upper bound alone."""
    return wilson_bounds(bad, of, z)[1]
