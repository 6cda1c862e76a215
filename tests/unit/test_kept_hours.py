"""Hours of inference logs in the home: what was put in, in whatever parts, is what comes out."""

from __future__ import annotations

import sqlite3

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_bridge.journal.migrations import migrate
from lineage_bridge.naming import Slot
from lineage_bridge.observe.logs.hours import (
    HOUR_US,
    Answered,
    Hour,
    add_hours,
    forget_hours,
    list_answered,
    list_hours,
    profile_of,
)
from lineage_bridge.observe.logs.tables import LOGS
from lineage_bridge.profiles.arrow import column_of
from lineage_bridge.profiles.profile import Part, Profile

EU, US = Slot("s", "prod", "eu"), Slot("s", "prod", "us")
ONE, TWO = Answered(EU, "fraud", "1"), Answered(EU, "fraud", "2")


def profile(*amounts: float) -> Profile:
    return Profile(Part(len(amounts), {"amount": column_of(pa.array(amounts, pa.float64()))}))


@pytest.fixture
def home():
    return with_tables()


def with_tables():
    connection = sqlite3.connect(":memory:")
    migrate(connection, LOGS)
    return connection


def amounts(home, hour):
    return list(profile_of(home, hour).whole.column("amount").numbers.values)


def test_a_home_without_a_log_has_no_hours():
    home = sqlite3.connect(":memory:")
    assert list_hours(home, EU) == []
    assert list_answered(home) == []


def test_hours_are_listed_by_time_of_one_deployment_alone(home):
    add_hours(home, 1, [(ONE, 2 * HOUR_US, profile(3.0)), (TWO, HOUR_US, profile(1.0, 2.0))])
    add_hours(home, 2, [(Answered(US, "fraud", "1"), 0, profile(9.0))])
    assert list_hours(home, EU) == [
        Hour(EU, "fraud", "2", HOUR_US, 2),
        Hour(EU, "fraud", "1", 2 * HOUR_US, 1),
    ]
    assert list_hours(home, EU, 2 * HOUR_US) == [Hour(EU, "fraud", "1", 2 * HOUR_US, 1)]
    assert list_hours(home, US) == [Hour(US, "fraud", "1", 0, 1)]
    assert list_answered(home) == [ONE, TWO, Answered(US, "fraud", "1")]


def test_a_file_replaces_what_it_brought_itself_and_nothing_else(home):
    add_hours(home, 1, [(ONE, 0, profile(1.0))])
    add_hours(home, 2, [(ONE, 0, profile(2.0))])
    (hour,) = list_hours(home, EU)
    assert hour.rows == 2
    forget_hours(home, 1)
    add_hours(home, 1, [(ONE, 0, profile(5.0, 6.0))])
    (hour,) = list_hours(home, EU)
    assert hour.rows == 3
    assert amounts(home, hour) == [2.0, 5.0, 6.0]


def test_an_hour_before_1970_is_one(home):
    add_hours(home, 1, [(ONE, -HOUR_US, profile(1.0))])
    assert [hour.begin_us for hour in list_hours(home, EU)] == [-HOUR_US]


@given(st.lists(st.tuples(st.integers(1, 3), st.floats(0, 9)), min_size=1, max_size=12))
def test_however_rows_were_cut_an_hour_is_their_sum(rows):
    home = with_tables()
    for file, amount in rows:
        add_hours(home, file, [(ONE, 0, profile(amount))])
    (hour,) = list_hours(home, EU)
    assert hour.rows == len(rows)
    assert profile_of(home, hour).whole == profile(*(amount for _, amount in rows)).whole
