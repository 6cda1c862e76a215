"""What a symptom is: the reasons that a deployment shows, each of a class."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, NamedTuple, TypeAlias, get_args

from lineage_bridge.assess.status.faults import Level

Class: TypeAlias = Literal[
    "errors", "values", "rejections", "fallback", "latency", "silence", "drift", "inherited"
]
CLASSES: Final[tuple[Class, ...]] = get_args(Class)

_CLASSES: Final[Mapping[str, Class]] = {
    "failure_ratio": "errors",
    "timeout_ratio": "errors",
    "prediction_non_finite_ratio": "values",
    "prediction_null_ratio": "values",
    "prediction_out_of_range_ratio": "values",
    "rejection_ratio": "rejections",
    "prediction_fallback_ratio": "fallback",
    "latency_p95_ms": "latency",
    "latency_p99_ms": "latency",
    "windows_missing": "silence",
    "window_gap_seconds": "silence",
    "silent": "silence",
    "stopped": "silence",
    "no_requests_yet": "silence",
    "no_evidence": "silence",
    "drift_critical": "drift",
}


class Reason(NamedTuple):
    """One reason for which somebody asks.

    Attributes:
        code: what is shown; see docs/findings.md.
        of: its class.
        since: when it began; None where nobody says it.
        level: how bad it is.
        value: what was found.
        threshold: what it is held against.
        columns: of drift, the features that drifted far.
    """

    code: str
    of: Class
    since: datetime | None
    level: Level
    value: float | str | None = None
    threshold: float | str | None = None
    columns: tuple[str, ...] = ()


def class_of(code: str) -> Class:
    """Return the class of a reason; one that we do not know is an error of some sort."""
    return _CLASSES.get(code, "errors")
