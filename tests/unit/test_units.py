from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_bridge.show.units import (
    age,
    counted,
    in_unit,
    moment,
    number,
    percent,
    percent_floor,
)

anything = st.none() | st.booleans() | st.integers() | st.floats() | st.text()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0, "0 s"),
        (0.4, "0 s"),
        (59.9, "59 s"),
        (725, "12 min 5 s"),
        (86_400 + 5, "1 d"),
        (6 * 86_400 + 8 * 3600 + 59 * 60, "6 d 8 h"),
        (1e9, "11,574 d 1 h"),
        (-300, "-5 min"),
        (-0.2, "0 s"),
        (1e300, "1.16e+295 d"),
        (math.inf, "inf d"),
    ],
)
def test_an_age_is_told_in_its_two_largest_units(seconds, text):
    assert age(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (0, "0"),
        (-0.0, "0"),
        (0.277108, "0.277"),
        (12.0, "12"),
        (12.345, "12.3"),
        (99.96, "100"),
        (1234.5, "1,234"),
        (1_000_000, "1,000,000"),
        (-1234567, "-1,234,567"),
        (1e300, "1e+300"),
        (1e-9, "1e-09"),
        (math.nan, "nan"),
    ],
)
def test_a_number_has_as_many_digits_as_it_needs(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (None, ""),
        (0, "0 %"),
        (0.42, "42 %"),
        (0.29, "29 %"),
        (0.277108, "27.7 %"),
        (0.05, "5 %"),
        (0.0004, "0.04 %"),
        (0.99999, "99.9 %"),
        (1, "100 %"),
        (12.5, "1,250 %"),
        (-0.05, "-5 %"),
        (1e-12, "1e-10 %"),
    ],
)
def test_a_ratio_is_told_in_per_cent_and_only_all_is_all(ratio, text):
    assert percent(ratio) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (0.7599, "75 %"),
        (0.0199, "1.9 %"),
        (0.29, "29 %"),
        (0.9999, "99 %"),
        (1, "100 %"),
        (0, "0 %"),
    ],
)
def test_what_is_certain_is_never_rounded_up(ratio, text):
    assert percent_floor(ratio) == text


@given(st.floats(1e-6, 1, exclude_max=True))
def test_what_is_certain_is_never_more_than_it_is(ratio):
    assert float(percent_floor(ratio).removesuffix(" %")) <= ratio * 100 * (1 + 1e-9)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.42, "ratio", "42 %"),
        (812.4, "ms", "812 ms"),
        (1432.42, "ms", "1,432 ms"),
        (540, "seconds", "9 min"),
        (8.0, "count", "8"),
        (8, None, "8"),
        (None, "ratio", ""),
        ("many", "ratio", "many"),
        (True, "count", "True"),
        (10**400, "count", str(10**400)),
    ],
)
def test_a_value_is_told_in_its_unit(value, unit, text):
    assert in_unit(value, unit) == text


@given(anything, st.sampled_from(["ratio", "ms", "seconds", "count", None]))
def test_no_value_of_a_stranger_has_no_text(value, unit):
    assert isinstance(in_unit(value, unit), str)


def test_a_moment_has_no_fraction_of_a_second():
    assert moment("2026-04-07T09:25:00.123456Z") == "2026-04-07T09:25:00Z"
    assert moment(datetime(2026, 4, 7, 9, 25, 0, 123, UTC)) == "2026-04-07T09:25:00Z"
    assert moment(None) == ""
    assert moment("v1.25") == "v1.25"


def test_one_is_one_and_all_others_are_many():
    assert [counted(n, "edge") for n in (0, 1, 1024)] == ["0 edges", "1 edge", "1,024 edges"]
    assert [counted(n, "try", "tries") for n in (1, 2)] == ["1 try", "2 tries"]
