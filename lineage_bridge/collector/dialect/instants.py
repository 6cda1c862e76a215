"""Instants as Marquez prints them: entities' with 0, 3 or 6 digits, the feed's with up to nine.

In memory they are integers since the Unix epoch: nanoseconds for the feed, microseconds in the
tables. Years beyond 9999 and before 0 have a sign. How times are read is `events.event_time`.
Source: Java's `Instant` and `ZonedDateTime` as Jackson writes them.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import lru_cache

from lineage_bridge.events.event_time import CYCLE_DAYS, CYCLE_YEARS, DAY_SECONDS, NANOS
from lineage_bridge.times import EPOCH

_EPOCH = EPOCH.replace(tzinfo=None)
_FAR_US = 253_402_300_800_000_000  # the year 10000
_WHOLE_SECONDS = len("2026-04-07T10:30:00")

# Times that are valid and canonical at a glance: only days that every month has, no hour 24.
_CANONICAL = re.compile(
    r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d"
    r"(?:\.\d{0,8}[1-9])?Z",
    re.ASCII,
)


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
    cycles, within = divmod(seconds, CYCLE_DAYS * DAY_SECONDS)
    moment = EPOCH + timedelta(seconds=within)
    year = moment.year + cycles * CYCLE_YEARS
    sign = "" if 0 <= year <= 9999 else "+" if year > 0 else "-"
    return f"{sign}{abs(year):04d}-{moment:%m-%dT%H:%M:%S}"


def day_micros(text: str) -> int:
    """Return midnight UTC of a day written `YYYY-MM-DD`.

    Raises:
        ValueError: there is no such day.
    """
    return int((datetime.fromisoformat(f"{text}T00:00:00+00:00") - EPOCH).total_seconds()) * 10**6
