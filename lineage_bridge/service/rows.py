"""Rows of the inference log, as they wait for the writer and as they are written."""

from __future__ import annotations

import math
from collections import deque
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import orjson

from lineage_bridge.times import format_time

MAX_ROWS: Final = 10_000  # that wait

_OPTIONS: Final = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE


class Row(NamedTuple):
    """One prediction, as it is when it is made: nothing is encoded in a request."""

    at: float
    request_id: str
    model: tuple[str, str]
    features: Any
    value: Any
    probability: float | None
    entity: str | None
    group: str | None
    latency_ms: float
    error: str | None


class Rows:
    """The rows that wait; what comes while there are too many is left out."""

    def __init__(self) -> None:
        self._waiting: deque[Row] = deque()

    def put(self, row: Row) -> bool:
        """Add a row; return whether there was room for it."""
        if len(self._waiting) >= MAX_ROWS:
            return False
        self._waiting.append(row)
        return True

    def take(self) -> list[Row]:
        """Take out all that wait now."""
        return [self._waiting.popleft() for _ in range(len(self._waiting))]


def encode(row: Row, slot: dict[str, str]) -> bytes | None:
    """Write a row as a line of JSON; None if JSON cannot hold it."""
    name, version = row.model
    document: dict[str, Any] = {
        "request_id": row.request_id,
        "timestamp": format_time(datetime.fromtimestamp(row.at, UTC)),
        **slot,
        "model": {"name": name, "version": version},
        "entity_id": row.entity,
        "group": row.group,
        "features": row.features,
        "prediction": _spelled(row.value),
        "probability": _share(row.probability),
        "latency_ms": round(row.latency_ms, 3),
        "error": row.error,
    }
    try:
        return orjson.dumps(
            {field: value for field, value in document.items() if value is not None},
            default=_plain,
            option=_OPTIONS,
        )
    except (TypeError, ValueError, RecursionError, RuntimeError):
        return None


def _spelled(value: Any) -> Any:
    """Spell what is not finite as the text that log readers take for it; JSON has no word."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    return "NaN" if isinstance(value, float) and not math.isfinite(value) else value


def _share(value: Any) -> Any:
    spelled = _spelled(value)
    return None if spelled == "NaN" else spelled  # no share at all


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    return str(value)
