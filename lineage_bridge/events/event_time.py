"""The one reading of an event's times: what a Marquez accepts, and which instant it is.

The collector, the transport, imports and checks of a journal all read `eventTime` here, so none of
them takes an event for another. The forms are wider than RFC 3339: a text may go without seconds or
offset, its year may have nine digits, and a number counts seconds since the Unix epoch. Source:
Java's `ZonedDateTime` as Jackson reads it; PostgreSQL's `timestamptz` as Marquez writes it.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

NANOS = 1_000_000_000
DAY_SECONDS = 86_400
CYCLE_YEARS = 400
CYCLE_DAYS = 146_097  # of 400 years of the Gregorian calendar
MAX_SECONDS = 2**62 // 1_000_000  # so that microseconds are an integer of SQLite, with room to add
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_MONTH_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

_TIME = re.compile(
    r"(\d{4}|[+-]\d{4,9})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?"
    r"([Zz]|[+-]\d\d(?::\d\d)?)?",
    re.ASCII,
)


def parse_nanos(value: Any) -> int:
    """Read an `eventTime` or a nominal time as nanoseconds since the epoch.

    A text without an offset is read as UTC, the zone that Marquez's images run in.

    Raises:
        ValueError: the value is no such text or number.
    """
    if isinstance(value, str):
        return _parse_text(value)[0]
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return _checked(value) * NANOS + round(value % 1 * NANOS)
    raise ValueError("expected a time such as 2026-04-07T10:30:00Z")


def parse_micros(value: Any) -> int:
    """Read a time as `parse_nanos` does, rounded half up to microseconds, as PostgreSQL does.

    Raises:
        ValueError: the value is no time.
    """
    return _rounded(parse_nanos(value))


def parse_zoned_micros(text: str) -> int:
    """Read a text as `parse_micros` does; it must name its offset and its seconds.

    Raises:
        ValueError: the text is no such time.
    """
    nanos, complete = _parse_text(text)
    if not complete:
        raise ValueError("expected an offset and seconds")
    return _rounded(nanos)


def _rounded(nanos: int) -> int:
    return (nanos + 500) // 1000


def _checked(seconds: float | Decimal) -> int:
    if not -MAX_SECONDS < seconds < MAX_SECONDS:
        raise ValueError("the time is too far away")
    return int(seconds // 1)


@lru_cache(maxsize=1024)  # an event's time is parsed twice: to check it, and to store it
def _parse_text(text: str) -> tuple[int, bool]:
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"expected a time such as 2026-04-07T10:30:00Z, got `{text}`")
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    seconds = _day(int(year), int(month), int(day)) * DAY_SECONDS
    seconds += _clock(int(hour), int(minute), int(second or 0), fraction) - _offset(zone)
    nanos = int((fraction or "0").ljust(9, "0"))
    return _checked(seconds) * NANOS + nanos, second is not None and zone is not None


def _day(year: int, month: int, day: int) -> int:
    """Count days since the epoch; a day that its month lacks becomes its last, as in Java."""
    if not 1 <= month <= 12 or not 1 <= day <= 31:
        raise ValueError("no such day")
    cycles, year_of_cycle = divmod(year - 1, CYCLE_YEARS)
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    last = 28 if month == 2 and not leap else _MONTH_DAYS[month - 1]
    ordinal = date(year_of_cycle + 1, month, min(day, last)).toordinal()
    return cycles * CYCLE_DAYS + ordinal - _EPOCH_DAY


def _clock(hour: int, minute: int, second: int, fraction: str | None) -> int:
    midnight = hour == 24 and not minute and not second and not int(fraction or 0)
    if (hour > 23 and not midnight) or minute > 59 or second > 59:
        raise ValueError("no such time of day")
    return (hour * 60 + minute) * 60 + second


def _offset(zone: str | None) -> int:
    if zone is None or zone in "Zz":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[4:6] or 0)
    if hours * 60 + minutes > 18 * 60 or minutes > 59:
        raise ValueError("no such offset")
    seconds = (hours * 60 + minutes) * 60
    return -seconds if zone[0] == "-" else seconds
