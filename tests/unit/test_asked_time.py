from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_bridge.times import asked_time, format_time

NOW = datetime(2026, 4, 7, 10, 30, tzinfo=UTC)
LETTERS = {"weeks": "w", "days": "d", "hours": "h", "minutes": "m", "seconds": "s"}


@given(st.datetimes(timezones=st.just(UTC)))
def test_what_is_printed_is_understood(instant):
    assert asked_time(format_time(instant), NOW) == instant


@given(st.dictionaries(st.sampled_from(list(LETTERS)), st.integers(0, 500), min_size=1))
def test_how_long_ago_is_counted_from_now(ago):
    text = "-" + "".join(f"{ago[unit]}{LETTERS[unit]}" for unit in LETTERS if unit in ago)
    assert asked_time(text, NOW) == NOW - timedelta(**ago)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("now", NOW),
        ("2026-04-07", datetime(2026, 4, 7, tzinfo=UTC)),
        ("2026-04-07 08:15", datetime(2026, 4, 7, 8, 15, tzinfo=UTC)),
        ("2026-04-07t08:15:30.5", datetime(2026, 4, 7, 8, 15, 30, 500_000, tzinfo=UTC)),
        ("2026-04-07T08:15 -07:00", datetime(2026, 4, 7, 15, 15, tzinfo=UTC)),
        ("-999999999w", datetime.min.replace(tzinfo=UTC)),
    ],
)
def test_other_spellings(text, instant):
    assert asked_time(text, NOW) == instant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "1h",
        "-h",
        "-1",
        "-1x",
        "-1m1h",
        "2026-04",
        "2026-13-01",
        "10:30",
        "2026-04-0\u0667",
    ],
)
def test_all_else_is_refused(text):
    with pytest.raises(
        ValueError, match=r"expected a time|day is out of|month must be|hour must be"
    ):
        asked_time(text, NOW)
