"""Schedules against another way to know: a look at the zone's clock in every minute."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lineage_bridge.schedule import Schedule

MINUTE = timedelta(minutes=1)
# Jumps of an hour in both hemispheres, of two hours, at midnight, and none. When, in UTC.
JUMPS = {
    "Europe/Berlin": ("2026-03-29T01:00Z", "2026-10-25T01:00Z"),
    "America/New_York": ("2026-03-08T07:00Z", "2026-11-01T06:00Z"),
    "Australia/Sydney": ("2026-10-03T16:00Z", "2026-04-04T16:00Z"),
    "Antarctica/Troll": ("2026-03-29T01:00Z", "2026-10-25T01:00Z"),
    "Africa/Cairo": ("2026-04-23T22:00Z", "2026-10-29T21:00Z"),
    "Asia/Kolkata": ("2026-03-29T01:00Z", "2026-10-25T01:00Z"),
}


def runs_of(minute, hour, zone, start, minutes):
    """The instants at which a job of this minute and hour (None: every) runs, by looking."""
    found = []
    local = (start - MINUTE).astimezone(zone).replace(tzinfo=None)
    for n in range(minutes):
        instant = start + n * MINUTE
        before, local = local, instant.astimezone(zone).replace(tzinfo=None)
        is_repeated = bool(instant.astimezone(zone).fold)
        if hour is None:
            if local.minute == minute:
                found.append(instant)
        elif (local.hour, local.minute) == (hour, minute):
            found += [] if is_repeated else [instant]
        elif local - before > MINUTE and _is_skipped(before, local, hour, minute):
            found.append(instant)
    return found


def _is_skipped(before, after, hour, minute):
    skipped = (before + n * MINUTE for n in range(1, int((after - before) / MINUTE)))
    return any((time.hour, time.minute) == (hour, minute) for time in skipped)


@example(
    zone="Europe/Berlin", spring=False, minute=30, hour=2, at=10
)  # in the hour that is repeated
@given(
    st.sampled_from(sorted(JUMPS)),
    st.booleans(),
    st.sampled_from([0, 5, 30, 59]),
    st.none() | st.sampled_from([0, 1, 2, 3, 12, 23]),
    st.integers(-1500, 200),
)
def test_the_next_time_is_the_one_that_a_look_at_each_minute_finds(zone, spring, minute, hour, at):
    jump = datetime.fromisoformat(JUMPS[zone][0 if spring else 1])
    start = jump + at * MINUTE
    schedule = Schedule.parse(f"{minute} {'*' if hour is None else hour} * * * {zone}")

    expected = runs_of(minute, hour, ZoneInfo(zone), start + MINUTE, 26 * 60)
    found, instant = [], start
    while len(found) < len(expected):
        instant = schedule.after(instant)
        found.append(instant)

    assert found == expected
    assert found


def test_a_time_is_after_the_instant_however_short():
    schedule = Schedule.parse("0 2 * * * UTC")
    two = datetime(2026, 3, 1, 2, tzinfo=UTC)

    assert schedule.after(two - timedelta(microseconds=1)) == two
    assert schedule.after(two) == two + timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "five fields"),
        ("@daily", "five fields"),
        ("0 2 * * * * Europe/Berlin", "five fields"),
        ("0 2 * * * Europe/Atlantis", "no time zone"),
        ("0 2 * * * /etc/localtime", "no time zone"),
        ("0 2 * * * ..", "no time zone"),
        ("60 2 * * *", "minute"),
        ("0 24 * * *", "hour"),
        ("0 0 31 2 *", "day-of-month"),
        ("0 0 * * 8", "day-of-week"),
        ("*/0 * * * *", "minute"),
    ],
)
def test_what_is_no_schedule_is_said(text, said):
    with pytest.raises(ValueError, match=said):
        Schedule.parse(text)


@given(
    st.lists(st.text("*/,-#L0123456789", min_size=1, max_size=5), min_size=5, max_size=5),
    st.text("*/,-#LWMONabc0129", min_size=1, max_size=6),
)
def test_any_text_is_a_schedule_or_a_clear_error(fields, zone):
    for text in (" ".join(fields), " ".join([*fields, zone])):
        start = datetime(2026, 3, 29, tzinfo=UTC)
        with contextlib.suppress(ValueError):
            found = Schedule.parse(text).after(start)
            assert found is None or found > start
