"""A part of the hour that `watched_hour.py` runs: what is told does not depend on who dies when."""

from __future__ import annotations

import pytest
from durability.watched_hour import in_hour, watch_hour

MINUTES = 12


@pytest.fixture(scope="module")
def plain(nyc):
    return watch_hour(nyc, MINUTES)


def test_an_hour_with_kills_tells_the_same_events(nyc, plain):
    assert len(in_hour(plain["events"])) > 5
    assert watch_hour(nyc, MINUTES, kills=8)["events"] == plain["events"]


def test_two_watchers_tell_what_one_tells(nyc, plain):
    assert watch_hour(nyc, MINUTES, watchers=2)["events"] == plain["events"]
