"""Counts of a minute, per endpoint and model: what a window says, before anybody writes it."""

from __future__ import annotations

import math
import threading
from array import array
from collections.abc import Iterable, Mapping, Sequence
from random import random
from typing import Any, Final, NamedTuple

from lineage_bridge.service.model import Model

MAX_SAMPLES: Final = 20_000  # latencies of a window; of more, an even sample of so many is kept
MAX_TALLIES: Final = 500  # windows in memory that the writer has not come for

# How a request ended -> the counters that say so; one of success, failure and rejected each.
OUTCOMES: Final[Mapping[str, tuple[str, ...]]] = {
    "success": ("success_count",),
    "rejected": ("rejected_count", "validation_error_count"),
    "input_schema": ("rejected_count", "validation_error_count", "input_schema_failure_count"),
    "missing_field": ("rejected_count", "validation_error_count", "missing_required_field_count"),
    "invalid_type": ("rejected_count", "validation_error_count", "invalid_type_count"),
    "domain": ("rejected_count", "validation_error_count", "domain_violation_count"),
    "unknown_entity": ("rejected_count", "feature_lookup_error_count"),
    "limited": ("rejected_count",),
    "timeout": ("failure_count", "timeout_count"),
    "feature_lookup": ("failure_count", "feature_lookup_error_count"),
    "model_load": ("failure_count", "model_load_error_count"),
    "inference": ("failure_count", "inference_runtime_error_count"),
    "dependency": ("failure_count", "dependency_error_count"),
    "internal": ("failure_count", "internal_error_count"),
}
_BY_STATUS: Final[Mapping[int, str]] = {
    404: "unknown_entity",
    408: "timeout",
    422: "input_schema",
    429: "limited",
    502: "dependency",
    503: "model_load",
    504: "timeout",
}

REQUIRED: Final = (
    *("request_count", "success_count", "failure_count", "rejected_count", "timeout_count"),
    *("validation_error_count", "feature_lookup_error_count", "model_load_error_count"),
    *("inference_runtime_error_count", "dependency_error_count", "internal_error_count"),
    *("input_schema_failure_count", "missing_required_field_count", "invalid_type_count"),
    *("domain_violation_count", "prediction_count", "prediction_null_count"),
    *("prediction_non_finite_count", "prediction_out_of_range_count", "fallback_prediction_count"),
)
OPTIONAL: Final = (
    *("missing_feature_count", "default_imputed_feature_count", "stale_feature_count"),
    "feature_vector_build_failure_count",
)


class Key(NamedTuple):
    """Which window a request belongs to: the minute (since 1970) in which it ended."""

    minute: int
    endpoint: str
    model: Model


class Tally:
    """The counts of one window."""

    __slots__ = ("counts", "exec_ms", "latencies_ms")

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.latencies_ms = array("d")
        self.exec_ms = array("d")

    def add(self, fields: Iterable[str], latency_ms: float, exec_ms: float | None) -> None:
        """Count one request."""
        counts = self.counts
        requests = counts["request_count"] = counts.get("request_count", 0) + 1
        for field in fields:
            counts[field] = counts.get(field, 0) + 1
        _keep(self.latencies_ms, latency_ms, requests)
        if exec_ms is not None:
            _keep(self.exec_ms, exec_ms, requests)

    def as_fields(self) -> dict[str, Any]:
        """Return the numbers of a window under the contract's names."""
        counts, latencies = self.counts, sorted(self.latencies_ms)
        found: dict[str, Any] = {field: counts.get(field, 0) for field in REQUIRED}
        found |= {field: counts.get(field) for field in OPTIONAL}
        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
            found[f"latency_{name}_ms"] = nearest_rank(latencies, share)
        found["feature_lookup_p95_ms"] = None
        found["model_exec_p95_ms"] = (
            nearest_rank(sorted(self.exec_ms), 0.95) if self.exec_ms else None
        )
        return found


class Tallies:
    """The windows that are not written yet. Threads may count at once.

    The lock is held for a few steps. It may be entered again, because a signal's handler may come
    in the midst of them, in the same thread.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._open: dict[Key, Tally] = {}

    def add(
        self, key: Key, fields: Iterable[str], latency_ms: float, exec_ms: float | None = None
    ) -> bool:
        """Count a request; return whether there was room for it."""
        with self._lock:
            tally = self._open.get(key)
            if tally is None:
                if len(self._open) >= MAX_TALLIES:
                    return False
                tally = self._open[key] = Tally()
            tally.add(fields, latency_ms, exec_ms)
            return True

    def take(self, current: int | None, seconds: float) -> list[tuple[Key, Tally]] | None:
        """Take out all windows but those of the current minute; None: the lock was not free.

        Args:
            current: the minute that is left; None takes it as well.
            seconds: to wait for the lock at most. A signal may have come while it was held, and its
                handler waits for the thread that asks here.
        """
        if not self._lock.acquire(timeout=seconds):
            return None
        try:
            taken = [item for item in self._open.items() if item[0].minute != current]
            for key, _ in taken:
                del self._open[key]
            return taken
        finally:
            self._lock.release()


def outcome_of(status: int) -> str:
    """Return how a request ended, by its HTTP status."""
    if status < 400:
        return "success"
    return _BY_STATUS.get(status) or ("rejected" if status < 500 else "internal")


def nearest_rank(ordered: Sequence[float], share: float) -> float:
    """Return the smallest value that at least a share of all are not above; 0.0 of none."""
    if not ordered:
        return 0.0
    return round(ordered[max(0, math.ceil(share * len(ordered)) - 1)], 3)


def _keep(values: array[float], value: float, seen: int) -> None:
    """Keep a value; once there are many, each has the same chance (Vitter's algorithm R)."""
    if len(values) < MAX_SAMPLES:
        values.append(value)
    elif (place := int(random() * seen)) < MAX_SAMPLES:  # noqa: S311 - no secret
        values[place] = value
