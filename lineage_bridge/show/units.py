"""Numbers and times as people read them: each in its unit, with no more digits than are of use.

Numbers may come from strangers, so none of these functions fails on a value: one that is no number
is shown as it is, one too large for its unit in powers of ten, and None as an empty text.
"""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import Final, Literal

from lineage_bridge.times import format_time

Unit = Literal["ratio", "ms", "seconds", "count"]

_LENGTHS: Final = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))
_FRACTION: Final = re.compile(r"(?<=:\d\d)\.\d+")
_LARGEST_IN_FULL: Final = 1e15  # a float has no more digits
_LONGEST_IN_FULL: Final = 1e12  # seconds


def age(seconds: float | None) -> str:
    """Write an age in its two largest units: `6 d 8 h`, `12 min 5 s`; `-5 min` is in the future."""
    if seconds is None:
        return ""
    if not math.isfinite(seconds) or abs(seconds) >= _LONGEST_IN_FULL:
        return f"{number(seconds / 86_400)} d"
    counts: list[tuple[int, str]] = []
    left = int(abs(seconds))
    for unit, length in _LENGTHS:
        count, left = divmod(left, length)
        if count or counts:
            counts.append((count, unit))
    text = " ".join(f"{count:,} {unit}" for count, unit in counts[:2] if count)
    return f"{'-' if seconds < 0 and text else ''}{text or '0 s'}"


def moment(instant: datetime | str | None) -> str:
    """Write a time without the fraction of its second: `2026-04-07T10:30:00Z`."""
    if isinstance(instant, datetime):
        return format_time(instant.replace(microsecond=0))
    return "" if instant is None else _FRACTION.sub("", str(instant))


def number(value: float | None) -> str:
    """Write a number: below 100 with three digits, a larger one in full, in groups of thousands."""
    if value is None:
        return ""
    if not math.isfinite(value):
        return str(value)
    value += 0.0  # makes -0.0 into 0.0
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}" if abs(value) < _LARGEST_IN_FULL else f"{value:.3g}"
    return f"{value:.3g}"


def counted(count: int, what: str, plural: str = "") -> str:
    """Write a count and its noun: `1 edge`, `1,024 edges`."""
    return f"{count:,} {what if count == 1 else plural or f'{what}s'}"


def percent(ratio: float | None) -> str:
    """Write a ratio in per cent, to three digits: `42 %`; only 1 is `100 %`, only 0 is `0 %`."""
    if ratio is None:
        return ""
    text = number(ratio * 100)
    if abs(ratio) < 1 and text.lstrip("-") == "100":
        text = text.replace("100", "99.9")
    return f"{text} %"


def percent_floor(ratio: float) -> str:
    """Write a ratio in per cent, to two digits and rounded down: for the part that is certain."""
    if not 1e-9 < ratio < 1:
        return percent(ratio)
    value = ratio * 100
    scale = 10 ** (1 - math.floor(math.log10(value)))
    # Made larger by a hair: a float has no exact 0.29, and 29 per cent must not become 28.
    return f"{number(math.floor(value * scale * (1 + 1e-12)) / scale)} %"


def in_unit(value: object, unit: Unit | None) -> str:
    """Write a value in its unit: a ratio in per cent, seconds as an age, `812 ms`, a count."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "" if value is None else str(value)
    try:
        real = float(value)
    except OverflowError:  # JSON has integers of any length, floats have a largest one
        return str(value)
    if unit == "ratio":
        return percent(real)
    if unit == "seconds":
        return age(real)
    return f"{number(real)} ms" if unit == "ms" else number(real)
