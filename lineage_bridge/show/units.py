"""Numbers and times as people read them: each in its unit, none with more digits than it has.

Numbers may come from strangers, so none of these functions fails on a value: what is no number is
shown as it is, what is too large for its unit in powers of ten, and nothing as nothing.
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
    """An age in its two largest units: `6 d 8 h`, `12 min 5 s`; `-5 min` lies in the future."""
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
    """A time without the fraction of its second: `2026-04-07T10:30:00Z`."""
    if isinstance(instant, datetime):
        return format_time(instant.replace(microsecond=0))
    return "" if instant is None else _FRACTION.sub("", str(instant))


def number(value: float | None) -> str:
    """A number: what is under 100 to three digits, what is larger in full and in thousands."""
    if value is None:
        return ""
    if not math.isfinite(value):
        return str(value)
    value += 0.0  # nothing has no sign
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}" if abs(value) < _LARGEST_IN_FULL else f"{value:.3g}"
    return f"{value:.3g}"


def counted(count: int, what: str, plural: str = "") -> str:
    """How many there are: `1 edge`, `1,024 edges`."""
    return f"{count:,} {what if count == 1 else plural or f'{what}s'}"


def percent(ratio: float | None) -> str:
    """A ratio in per cent, to three digits: `42 %`; only all is `100 %`, only nothing `0 %`."""
    if ratio is None:
        return ""
    text = number(ratio * 100)
    if abs(ratio) < 1 and text.lstrip("-") == "100":
        text = text.replace("100", "99.9")
    return f"{text} %"


def percent_floor(ratio: float) -> str:
    """A ratio in per cent, to two digits and never more than it is: for what is certain of one."""
    if not 1e-9 < ratio < 1:
        return percent(ratio)
    value = ratio * 100
    scale = 10 ** (1 - math.floor(math.log10(value)))
    # A hair more than it is: 29 per cent are not 28 because a float has no 0.29.
    return f"{number(math.floor(value * scale * (1 + 1e-12)) / scale)} %"


def in_unit(value: object, unit: Unit | None) -> str:
    """A value in its unit: a ratio in per cent, seconds as an age, `812 ms`, a count in full."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "" if value is None else str(value)
    try:
        real = float(value)
    except OverflowError:  # JSON has integers of any length, floats end
        return str(value)
    if unit == "ratio":
        return percent(real)
    if unit == "seconds":
        return age(real)
    return f"{number(real)} ms" if unit == "ms" else number(real)
