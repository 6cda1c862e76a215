"""What percentiles prove about slow requests.

Percentiles of two windows cannot be averaged, but each proves a count. If percentile q (nearest
rank) of n requests is over a limit, at least n - ceil(q n) + 1 of them were; if it is not, at most
n - ceil(q n) were. Such counts may be added over windows. For q of 0.5, 0.95 and 0.99 the term
n - ceil(q n) is n // 2, n // 20 and n // 100.
"""

from __future__ import annotations


def proven_slow(requests: int, p50_ms: float, p95_ms: float, p99_ms: float, limit_ms: float) -> int:
    """How many of the requests were certainly slower than the limit."""
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
    """How many of the requests can have been slower than the limit."""
    if p99_ms <= limit_ms:
        return requests // 100
    if p95_ms <= limit_ms:
        return requests // 20
    if p50_ms <= limit_ms:
        return requests // 2
    return requests
