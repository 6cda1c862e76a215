"""Instants: aware UTC datetimes inside, RFC 3339 with `Z` outside, microseconds in SQLite.

All instants lie in one range, the years 1 to 9999: that is what a datetime holds and RFC 3339 can
write. What lies outside, by what others wrote or by our own arithmetic, becomes its first or last
microsecond. The bottom layer of the package: it imports none of our other modules.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST = datetime.min.replace(tzinfo=UTC)
_LATEST = datetime.max.replace(tzinfo=UTC)

_ASKED = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)(?:[Tt ](?P<clock>\d\d:\d\d)(?P<seconds>:\d\d(?:\.\d{1,9})?)?"
    r" ?(?P<zone>[Zz]|[+-]\d\d:\d\d)?)?",
    re.ASCII,
)
_UNIT_SECONDS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_AGO = re.compile(
    r"-(?=\d)" + "".join(rf"(?:(\d{{1,9}}){unit})?" for unit in _UNIT_SECONDS), re.ASCII
)
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


def asked_time(text: str, now: datetime) -> datetime:
    """Return the instant that somebody means who asks for a time.

    Args:
        text: `2026-04-07` (its first instant), `2026-04-07T10:30`, with seconds or without, with a
            blank for the `T`, with a zone or without, which is UTC; `now`; or how long ago, such as
            `-90m`, `-2d` or `-1h30m` (w, d, h, m, s).
        now: what `now` and `-1h` count from.

    Raises:
        ValueError: it is nothing of these, or names no real instant.
    """
    if text == "now":
        return now
    if ago := _AGO.fullmatch(text):
        parts = zip(ago.groups(default="0"), _UNIT_SECONDS.values(), strict=True)
        return moved(now, -sum(int(count) * seconds for count, seconds in parts))
    match = _ASKED.fullmatch(text)
    if match is None:
        raise ValueError("expected a time such as 2026-04-07T10:30:00Z, a date, or -1h")
    clock, seconds = match["clock"] or "00:00", match["seconds"] or ":00"
    return parse_time(f"{match['date']}T{clock}{seconds}{match['zone'] or 'Z'}").instant


def format_time(instant: datetime) -> str:
    """Format as RFC 3339 in UTC with `Z`; the fraction is left out when it is zero."""
    text = instant.astimezone(UTC).replace(tzinfo=None).isoformat()
    return f"{text}Z"


def to_micros(instant: datetime) -> int:
    """Return the exact number of microseconds since the Unix epoch."""
    since = instant - EPOCH  # to divide it takes four times as long
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


EARLIEST_US = to_micros(_EARLIEST)
LATEST_US = to_micros(_LATEST)


def within_range(micros: int) -> int:
    """Return a time in microseconds since the epoch, moved to the end of the range if it is beyond.

    Every event time in the journal's column has passed through here, whoever sent the event.
    """
    return min(max(micros, EARLIEST_US), LATEST_US)


def from_micros(micros: int) -> datetime:
    """Undo `to_micros`; an instant outside of the range becomes the end beyond which it lies."""
    try:
        return EPOCH + timedelta(microseconds=micros)
    except OverflowError:
        return _LATEST if micros > 0 else _EARLIEST


def moved(instant: datetime, seconds: float) -> datetime:
    """Return an instant so many seconds later, or earlier; the range ends the move.

    Durations of others may have any size, and times of others may lie at the ends of the range.
    """
    try:
        return instant + timedelta(seconds=seconds)
    except OverflowError:
        return _LATEST if seconds > 0 else _EARLIEST
