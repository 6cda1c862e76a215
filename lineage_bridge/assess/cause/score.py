"""The score of a candidate: a product of parts, each from 0 to 1 and printed with it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple

from lineage_bridge.assess.cause.kinds import Sort
from lineage_bridge.assess.status.faults import BAD, Level

TOLERANCE_SECONDS: Final = 120.0  # a cause may be noticed so much after what it causes
LIVE_ONSET: Final = 0.7
_SLOW: Final = (3600.0, 0.3)  # decay in seconds, floor
_RELEASE: Final = (600.0, 0.0)
SEVERE: Final = 1.0
MILD: Final = 0.7
CHANGED: Final = 0.8


class Parts(NamedTuple):
    """The parts of a score."""

    kind: float
    onset: float
    severity: float
    link: float
    specificity: float

    @property
    def score(self) -> float:
        """Their product."""
        return math.prod(self)

    def as_dict(self) -> Mapping[str, float]:
        """By name, in the order in which they are printed."""
        return self._asdict()


def onset_of(sort: Sort, reached: datetime | None, since: datetime | None) -> float:
    """Return how well the times fit: 1 if the symptom began when the fault reached it, 0 if before.

    Args:
        sort: of the fault; each has its own lag.
        reached: when the fault reached what shows the symptom; None where nobody knows.
        since: when the symptom began; None likewise.
    """
    lag = 0.0 if reached is None or since is None else (since - reached).total_seconds()
    if lag < -TOLERANCE_SECONDS:
        return 0.0
    if sort in {"content_live", "age_live"}:
        return LIVE_ONSET
    if sort == "slot" or since is None or reached is None:
        return 1.0
    decay, floor = _RELEASE if sort == "release" else _SLOW
    return floor + (1 - floor) * math.exp(-max(0.0, lag) / decay)


def severity_of(level: Level) -> float:
    """Return how much a fault of a level counts."""
    return SEVERE if level == BAD else MILD


def specificity(both: int, showing: int, having: int) -> float:
    """Return whether those who have the fault upstream are those who show the symptom.

    It is Ochiai's coefficient with one imagined node that has both: so one node alone gives 1, and
    healthy siblings lower it and never exclude.

    Args:
        both: how many have the fault upstream and show the symptom.
        showing: how many show the symptom.
        having: how many have the fault upstream.
    """
    return (both + 1) / math.sqrt((showing + 1) * (having + 1))
