"""The order of serving statuses and reasons.

A deployment takes the worst of its endpoints, an endpoint the worst of its reasons.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from lineage_bridge.facets.serving_health import Level, Reason, Status
from lineage_bridge.times import from_micros

HEALTHY: Final = "healthy"
IDLE: Final = "idle"
UNKNOWN: Final = "unknown"
DEGRADED: Final = "degraded"
UNHEALTHY: Final = "unhealthy"

_RANK: Final[Mapping[Status, int]] = {
    HEALTHY: 0,
    IDLE: 1,
    UNKNOWN: 2,
    DEGRADED: 3,
    UNHEALTHY: 4,
}


def reason_since(
    code: str,
    level: Level,
    since_us: int,
    endpoint: str,
    *,
    value: float,
    threshold: float,
    lower: float | None = None,
) -> Reason:
    """Make a reason that began at an instant, in microseconds since the epoch."""
    return Reason(
        code=code,
        level=level,
        since=from_micros(since_us),
        value=value,
        threshold=threshold,
        lower=lower,
        endpoint=endpoint or None,
    )


def worst_of(statuses: Iterable[Status]) -> Status:
    """Return the worst of several statuses; `healthy` if there are none."""
    return max(statuses, key=_RANK.__getitem__, default=HEALTHY)


def worst_first(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Sort reasons as they are shown: by level, then start, then code and endpoint."""
    return tuple(
        sorted(reasons, key=lambda r: (-_RANK[r.level], r.since, r.code, r.endpoint or ""))
    )


def rank(status: Status) -> int:
    """Return how bad a status is; healthy is 0."""
    return _RANK[status]
