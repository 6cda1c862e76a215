"""Instants as Marquez reads and prints them: wider than RFC 3339, beyond the year 9999.

In memory they are integers: nanoseconds since the Unix epoch for the feed, whose times keep nine
digits, microseconds in the tables. Source: Java's `ZonedDateTime` as Jackson reads it, PostgreSQL's
`timestamptz` as Marquez writes it.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from lineage_bridge.times import EPOCH

NANOS = 1_000_000_000
DAY_SECONDS = 86_400
MAX_SECONDS = 2**62 // 1_000_000  # in microseconds still less than `FOREVER_US` of `reduce_runs`
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_CYCLE_YEARS = 400
_CYCLE_DAYS = 146_097  # of 400 years of the Gregorian calendar
_EPOCH = EPOCH.replace(tzinfo=None)
_FAR_US = 253_402_300_800_000_000  # the year 10000
_WHOLE_SECONDS = len("2026-04-07T10:30:00")
_MONTH_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

_TIME = re.compile(
    r"(\d{4}|[+-]\d{4,9})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?"
    r"([Zz]|[+-]\d\d(?::\d\d)?)?",
    re.ASCII,
)
# Times that are valid and canonical at a glance: only days that every month has, no hour 24.
_CANONICAL = re.compile(
    r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d"
    r"(?:\.\d{0,8}[1-9])?Z",
    re.ASCII,
)


def parse_nanos(value: Any) -> int:
    """Read an `eventTime` or a nominal time: a text, or a number of seconds since the epoch.

    A text without an offset is read as UTC, the zone that Marquez's images run in.

    Raises:
        ValueError: the value is no such text or number.
    """
    if isinstance(value, str):
        return _parse_text(value)[0]
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return _checked(value) * NANOS + round(value % 1 * NANOS)
    raise ValueError("expected a time")


def _checked(seconds: float | Decimal) -> int:
    if not -MAX_SECONDS < seconds < MAX_SECONDS:
        raise ValueError("the time is too far away")
    return int(seconds // 1)


def parse_zoned_nanos(text: str) -> int:
    """Read a text as `parse_nanos` does; it must name its offset and its seconds.

    Raises:
        ValueError: the text is no such time.
    """
    nanos, complete = _parse_text(text)
    if not complete:
        raise ValueError("expected an offset and seconds")
    return nanos


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
    cycles, year_of_cycle = divmod(year - 1, _CYCLE_YEARS)
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    last = 28 if month == 2 and not leap else _MONTH_DAYS[month - 1]
    ordinal = date(year_of_cycle + 1, month, min(day, last)).toordinal()
    return cycles * _CYCLE_DAYS + ordinal - _EPOCH_DAY


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


def to_micros(nanos: int) -> int:
    """Round half up, as PostgreSQL does."""
    return (nanos + 500) // 1000


@lru_cache(maxsize=4096)
def format_micros(micros: int | None) -> str | None:
    """Print an entity's timestamp with no fraction, or with 3 or 6 digits."""
    if micros is None:
        return None
    if not 0 <= micros < _FAR_US:
        seconds, fraction = divmod(micros, 1_000_000)
        text = f"{_date_time(seconds)}.{fraction:06d}" if fraction else _date_time(seconds)
    else:
        text = (_EPOCH + timedelta(microseconds=micros)).isoformat()
    return f"{text[:-3]}Z" if len(text) > _WHOLE_SECONDS and text.endswith("000") else f"{text}Z"


def format_nanos(nanos: int) -> str:
    """Print a time of the feed, with as few fraction digits as it needs, up to nine."""
    seconds, fraction = divmod(nanos, NANOS)
    digits = f".{fraction:09d}".rstrip("0") if fraction else ""
    return f"{_date_time(seconds)}{digits}Z"


def is_canonical(text: str) -> bool:
    """Return whether the feed would print the text's time exactly as the text spells it."""
    return _CANONICAL.fullmatch(text) is not None


def format_zoned(nanos: int) -> str:
    """Print as `ZonedDateTime.toString()` in UTC: seconds only where they are not zero."""
    seconds, fraction = divmod(nanos, NANOS)
    text = _date_time(seconds)
    if fraction:
        digits = f"{fraction:09d}"
        while digits.endswith("000"):
            digits = digits[:-3]
        text = f"{text}.{digits}"
    elif text.endswith(":00"):
        text = text[:-3]
    return f"{text}Z[UTC]"


def _date_time(seconds: int) -> str:
    cycles, within = divmod(seconds, _CYCLE_DAYS * DAY_SECONDS)
    moment = EPOCH + timedelta(seconds=within)
    year = moment.year + cycles * _CYCLE_YEARS
    sign = "" if 0 <= year <= 9999 else "+" if year > 0 else "-"
    return f"{sign}{abs(year):04d}-{moment:%m-%dT%H:%M:%S}"


def day_micros(text: str) -> int:
    """Return midnight UTC of a day written `YYYY-MM-DD`.

    Raises:
        ValueError: there is no such day.
    """
    return int((datetime.fromisoformat(f"{text}T00:00:00+00:00") - EPOCH).total_seconds()) * 10**6
