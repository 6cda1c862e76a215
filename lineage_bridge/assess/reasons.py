"""Statuses and reasons: the words in which a serving finding is said.

A deployment takes the worst of its endpoints, an endpoint the worst of its reasons.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from lineage_bridge.times import format_time, from_micros

HEALTHY: Final = "healthy"
IDLE: Final = "idle"
UNKNOWN: Final = "unknown"
DEGRADED: Final = "degraded"
UNHEALTHY: Final = "unhealthy"

_RANK: Final[Mapping[str, int]] = {
    HEALTHY: 0,
    IDLE: 1,
    UNKNOWN: 2,
    DEGRADED: 3,
    UNHEALTHY: 4,
}


class Reason(NamedTuple):
    """Why a status is not healthy. `value` and `threshold` are in the unit that the code names.

    `lower` is what is certain of the value: a Wilson lower bound, or the share that is proven slow.
    """

    code: str
    level: str
    since_us: int
    endpoint: str = ""
    value: float | None = None
    threshold: float | None = None
    lower: float | None = None

    def as_facts(self) -> dict[str, Any]:
        """As the facet carries it."""
        facts: dict[str, Any] = {
            "code": self.code,
            "level": self.level,
            "since": format_time(from_micros(self.since_us)),
        }
        if self.endpoint:
            facts["endpoint"] = self.endpoint
        for name in ("value", "threshold", "lower"):
            number = getattr(self, name)
            if number is not None:
                facts[name] = number
        return facts


def worst_of(statuses: Iterable[str]) -> str:
    """The worst of several statuses; none is healthy."""
    return max(statuses, key=_RANK.__getitem__, default=HEALTHY)


def worst_first(reasons: Iterable[Reason]) -> list[Reason]:
    """In the order in which they are shown: level, then since when, then the rest."""
    return sorted(reasons, key=lambda r: (-_RANK[r.level], r.since_us, r.code, r.endpoint))


def rank(status: str) -> int:
    """How bad a status is; healthy is 0."""
    return _RANK[status]


def worst_facts_first(reasons: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """`worst_first` for reasons as a facet carries them."""
    return sorted(
        (dict(reason) for reason in reasons),
        key=lambda r: (-_RANK[r["level"]], r["since"], r["code"], r.get("endpoint", "")),
    )
