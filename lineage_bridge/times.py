"""Instants: aware UTC datetimes inside, RFC 3339 with `Z` outside, microseconds in SQLite.

The bottom layer of the package: it imports none of our other modules.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
_LATEST = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)

_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:([Zz])|([+-]\d\d:\d\d))?", re.ASCII
)


class Stamp(NamedTuple):
    """A time as somebody wrote it down.

    Attributes:
        instant: in UTC. A time without a zone is read as UTC.
        zoned: the text named its zone. The caller decides whether it may go without, and flags it.
    """

    instant: datetime
    zoned: bool


def parse_time(text: str) -> Stamp:
    """Parse an RFC 3339 time.

    Fraction digits after the sixth are dropped.

    Raises:
        ValueError: it is not `YYYY-MM-DDTHH:MM:SS[.fraction][Z|±HH:MM]`, or names no real instant.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError("expected a time such as 2026-04-07T10:30:00Z")
    date, clock, fraction, zulu, offset = match.groups()
    zoned = bool(zulu or offset)
    micros = f".{(fraction or '')[:6]:0<6}"
    parsed = datetime.fromisoformat(f"{date}T{clock}{micros}{offset or '+00:00'}")
    try:
        return Stamp(parsed.astimezone(UTC), zoned)
    except OverflowError as exc:
        raise ValueError("the time is outside of the years 1 to 9999") from exc


def format_time(instant: datetime) -> str:
    """Format as RFC 3339 in UTC with `Z`; the fraction is left out when it is zero."""
    text = instant.astimezone(UTC).replace(tzinfo=None).isoformat()
    return f"{text}Z"


def to_micros(instant: datetime) -> int:
    """Return the exact number of microseconds since the Unix epoch."""
    return (instant - EPOCH) // timedelta(microseconds=1)


def from_micros(micros: int) -> datetime:
    """Undo `to_micros`; clamp instants outside of the years 1 to 9999."""
    try:
        return EPOCH + timedelta(microseconds=micros)
    except OverflowError:
        return _LATEST if micros > 0 else _EARLIEST
