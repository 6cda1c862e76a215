"""Values of data as people read them: numbers with few digits, instants as they are written."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def value_text(value: float | None) -> str:
    """Write a number with four digits: `0.1235`, `1,204`, `1.2e+09`."""
    if value is None or math.isnan(value):
        return ""
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value == int(value) and abs(value) < 1e9:
        return f"{int(value):,}"
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e9 else f"{value:.4g}"


def instant_text(microseconds: float, *, zoned: bool) -> str:
    """Write microseconds since 1970-01-01 as RFC 3339; without a zone where none is known.

    A time that has no such form (before the year 1, after 9999) is written in seconds.
    """
    try:
        instant = _EPOCH + timedelta(microseconds=microseconds)
    except (OverflowError, ValueError):
        return f"{microseconds / 1e6:.0f} s"
    text = instant.replace(tzinfo=None).isoformat(timespec="auto")
    return f"{text}Z" if zoned else text
