"""Bounds of numbers that cannot be known exactly: the share of bad requests, and of slow ones.

A share of few requests has Wilson's score interval: it behaves at few requests and at shares near 0
and 1, where the normal approximation does not.

Percentiles of two windows cannot be averaged, but each proves a count. If percentile q (nearest
rank) of n requests is over a limit, at least n - ceil(q n) + 1 of the requests are over it; if it
is not, at most n - ceil(q n) are. Such counts may be added over windows. For q of 0.5, 0.95 and
0.99 the term n - ceil(q n) is n // 2, n // 20 and n // 100.
"""

from __future__ import annotations

from math import sqrt

DEFAULT_Z = 1.96


def wilson_bounds(bad: int, of: int, z: float = DEFAULT_Z) -> tuple[float, float]:
    """Compute the interval of the true share of `bad` among `of`; of none it is (0, 1)."""
    if of <= 0:
        return 0.0, 1.0
    share, square = bad / of, z * z
    scale = 1.0 + square / of
    centre = (share + square / (2 * of)) / scale
    spread = z * sqrt(share * (1.0 - share) / of + square / (4.0 * of * of)) / scale
    return max(0.0, centre - spread), min(1.0, centre + spread)


def wilson_lower(bad: int, of: int, z: float = DEFAULT_Z) -> float:
    """Compute the lower bound alone."""
    return wilson_bounds(bad, of, z)[0]


def wilson_upper(bad: int, of: int, z: float = DEFAULT_Z) -> float:
    """Compute the upper bound alone."""
    return wilson_bounds(bad, of, z)[1]


def proven_slow(requests: int, p50_ms: float, p95_ms: float, p99_ms: float, limit_ms: float) -> int:
    """Count the requests that were certainly slower than the limit."""
    if not requests:
        return 0
    if p50_ms > limit_ms:
        return requests // 2 + 1
    if p95_ms > limit_ms:
        return requests // 20 + 1
    if p99_ms > limit_ms:
        return requests // 100 + 1
    return 0


def possibly_slow(
    requests: int, p50_ms: float, p95_ms: float, p99_ms: float, limit_ms: float
) -> int:
    """Count the requests that can have been slower than the limit."""
    if p99_ms <= limit_ms:
        return requests // 100
    if p95_ms <= limit_ms:
        return requests // 20
    if p50_ms <= limit_ms:
        return requests // 2
    return requests
