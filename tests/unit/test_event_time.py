"""One reading of time, in one range: whoever reads an event gives it the same instant."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from contract.collector_world import event
from hypothesis import given
from hypothesis import strategies as st

from lineage_bridge.collector.accept.checking import check
from lineage_bridge.collector.accept.validation import Limits
from lineage_bridge.collector.dialect.errors import ApiError
from lineage_bridge.errors import EventError
from lineage_bridge.events import decode, event_of
from lineage_bridge.times import EARLIEST_US, LATEST_US, from_micros, moved, to_micros

YEARS = st.sampled_from(
    ["2026", "0000", "0001", "9999", "+10000", "+12026", "+58056", "-0001", "-0044", "+147441",
     "-999999999", "26"]
)  # fmt: skip
DAYS = st.sampled_from(["-02-30", "-12-31", "-01-01", "-13-01", "-00-10", ""])
CLOCKS = st.sampled_from(
    ["T10:30", "t10:30:59", "T24:00:00", "T24:00", "T23:59:60", "T23:59:59", " 10:30", ""]
)
FRACTIONS = st.just("") | st.from_regex(r"\.[0-9]{1,10}", fullmatch=True)
ZONES = st.sampled_from(["Z", "z", "", "+18", "-18:00", "+18:01", "+23:59", "+0200", "[UTC]"])
TEXTS = st.builds("".join, st.tuples(YEARS, DAYS, CLOCKS, FRACTIONS, ZONES))
NUMBERS = (
    st.integers()
    | st.integers(-(10**13), 10**13)
    | st.floats()
    | st.sampled_from([-1, 1769932800000, 1e300, -1e300, 10**400, 2**62 / 10**6, -62135596800.5])
)
ODD = st.sampled_from([None, True, [], {}, "", "yesterday", "1769932800", "٢٠٢٦-01-01T00:00:00Z"])


def by_collector(body):
    try:
        return check(body, Limits()).time_us
    except ApiError:
        return None


def by_everybody_else(body):
    try:
        return event_of(decode(body), body).time_us
    except EventError:
        return None


@given(TEXTS | NUMBERS | ODD)
def test_the_collector_and_all_others_read_the_same_time(time):
    body = json.dumps(event("START", "10:00:00") | {"eventTime": time}).encode()

    read = by_everybody_else(body)

    assert read == by_collector(body)
    assert read is None or EARLIEST_US <= read <= LATEST_US


OFFSETS = st.integers(-18 * 60, 18 * 60).map(lambda m: timezone(timedelta(minutes=m)))


@given(st.datetimes(timezones=OFFSETS), st.integers(0, 999))
def test_a_time_is_rounded_half_up_to_microseconds(instant, nanos):
    spelled = f"{instant.replace(tzinfo=None).isoformat(timespec='microseconds')}{nanos:03d}"
    offset = "Z" if instant.tzinfo is UTC else instant.isoformat()[-6:]
    exact_us = (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    expected = exact_us + (nanos >= 500)

    read = event_of({"eventTime": f"{spelled}{offset}"}, b"").time_us

    assert read == min(max(expected, EARLIEST_US), LATEST_US)


@pytest.mark.parametrize("begun", [from_micros(us) for us in (EARLIEST_US, 0, LATEST_US)])
@pytest.mark.parametrize("seconds", [0.0, -0.001, 0.001, -1e300, 1e300, -1e11, 1e11])
def test_a_move_ends_where_the_range_does(begun, seconds):
    there = moved(begun, seconds)

    assert EARLIEST_US <= to_micros(there) <= LATEST_US
    assert (there >= begun) if seconds >= 0 else (there <= begun)


@pytest.mark.parametrize("micros", [-(2**63), EARLIEST_US, -1, 0, LATEST_US, 2**63 - 1, 10**30])
def test_any_number_of_microseconds_is_an_instant(micros):
    assert to_micros(from_micros(micros)) == min(max(micros, EARLIEST_US), LATEST_US)
