"""When a dataset is late: by its rhythm, by a schedule, by what somebody states, by default."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_bridge.assess.expectations import Stated, expectation_of
from lineage_bridge.assess.freshness import assess_freshness
from lineage_bridge.assess.rhythm import MOST_BUILDS, Build, rhythm_of
from lineage_bridge.facets.freshness import FreshnessFacet
from lineage_bridge.schedule import Schedule

DAWN = datetime(2026, 3, 1, 2, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def daily(days, *, delay=None):
    builds = [DAWN + n * DAY for n in range(days)]
    return [Build(built, None if delay is None else built - delay) for built in builds]


def status(expected, at, *, built=None, data=None):
    return assess_freshness(build_time=built, data_time=data, at=at, policy=expected.rule).status


def scheduled(text, **ages):
    return Stated("cron", schedule=Schedule.parse(text), **ages)


@pytest.mark.parametrize(
    ("gaps", "expected"),
    [((1, 1, 5), 1), ((1, 3), 2), ((2, 2, 2, 40), 2), ((7, 1, 1, 1, 30, 1), 1)],
)
def test_a_rhythm_is_the_median_gap_and_late_and_stale_follow_from_it(gaps, expected):
    builds = [Build(DAWN + sum(gaps[:n]) * HOUR) for n in range(len(gaps) + 1)]
    newest = builds[-1].built
    found = expectation_of(None, None, rhythm_of(builds, newest))

    assert found.source == "rhythm"
    assert found.rhythm.gap_seconds == expected * 3600
    assert found.next_build(newest) == newest + expected * HOUR
    late, stale, moment = expected * 1.5 * HOUR, expected * 3 * HOUR, timedelta(microseconds=1)
    ages = (late - moment, late, stale - moment, stale)
    told = [status(found, newest + age, built=newest) for age in ages]
    assert told == ["FRESH", "LATE", "LATE", "STALE"]


def test_of_fewer_than_three_builds_nothing_is_learned_and_the_half_hour_holds():
    assert rhythm_of([], DAWN) is None
    twice = [*daily(2), Build(DAWN + DAY)]  # one of them said again
    assert rhythm_of(twice, DAWN + 9 * DAY) is None

    found = expectation_of(None, None, None)
    assert found.source == "default"
    ages = (1799, 1800, 3599, 3600)
    told = [status(found, DAWN + timedelta(seconds=age), built=DAWN) for age in ages]
    assert told == ["FRESH", "LATE", "LATE", "STALE"]


@given(
    st.lists(
        st.builds(
            Build,
            st.integers(0, 500).map(lambda n: DAWN + n * HOUR),
            st.none() | st.integers(-200, 500).map(lambda n: DAWN + n * HOUR),
        ),
        max_size=40,
    ),
    st.randoms(use_true_random=False),
    st.integers(0, 500),
)
def test_no_order_of_builds_matters_nor_how_often_one_is_told(builds, chance, hours):
    at = DAWN + hours * HOUR
    again = [*builds, *random.Random(1).choices(builds, k=len(builds))]
    chance.shuffle(again)

    found = rhythm_of(again, at)

    assert found == rhythm_of(builds, at)
    known = {build.built for build in builds if build.built <= at}
    assert (found is None) == (len(known) < 3)
    assert found is None or (found.gap_seconds > 0 and 3 <= found.builds <= MOST_BUILDS)


def test_the_builds_of_the_past_count_and_only_the_newest_of_them():
    old = [Build(DAWN + n * HOUR) for n in range(50)]
    builds = [*old, *(Build(old[-1].built + n * DAY) for n in range(1, 31))]

    assert rhythm_of(builds, old[-1].built).gap_seconds == 3600
    assert rhythm_of(builds, builds[-1].built).gap_seconds == 86_400


def test_data_may_be_as_far_behind_its_builds_as_usual():
    builds = daily(8, delay=DAY)
    newest = builds[-1]
    found = expectation_of(None, None, rhythm_of(builds, newest.built))

    def told(hours):
        return status(found, newest.built + hours * HOUR, built=newest.built, data=newest.data)

    assert [told(hours) for hours in (0, 35, 36, 71, 72)] == [
        "FRESH",
        "FRESH",
        "LATE",
        "LATE",
        "STALE",
    ]
    same_data_again = newest.built + 3 * DAY
    assert status(found, same_data_again, built=same_data_again, data=newest.data) == "STALE"


def test_data_that_stands_still_never_becomes_what_is_usual():
    builds = [Build(build.built, DAWN - 200 * DAY) for build in daily(30)]
    newest = builds[-1]
    found = expectation_of(None, None, rhythm_of(builds, newest.built))

    assert found.rhythm.delay_seconds is None
    assert status(found, newest.built, built=newest.built, data=newest.data) == "STALE"


def test_a_schedule_is_late_by_one_missing_build_and_stale_by_two():
    found = expectation_of(scheduled("0 2 * * * Europe/Berlin"), None, None)
    built = datetime(2026, 3, 27, 1, 5, tzinfo=UTC)  # Friday, 02:05 in Berlin

    def told(day, hour, minute):
        return status(found, datetime(2026, 3, day, hour, minute, tzinfo=UTC), built=built)

    assert [told(27, 2, 0), told(28, 1, 29), told(28, 1, 30)] == ["FRESH", "FRESH", "LATE"]
    # On Sunday the clocks skip 02:00 to 03:00, which is 01:00 in UTC; from then on it is 00:00.
    assert [told(29, 1, 29), told(29, 1, 30)] == ["LATE", "STALE"]
    assert found.next_build(built) == datetime(2026, 3, 28, 1, tzinfo=UTC)


def test_a_schedule_knows_of_weekends():
    found = expectation_of(scheduled("0 2 * * 1-5"), None, None)
    friday = datetime(2026, 3, 27, 2, 5, tzinfo=UTC)

    assert status(found, friday + 2.9 * DAY, built=friday) == "FRESH"
    assert status(found, friday + 3.1 * DAY, built=friday) == "LATE"
    assert found.next_build(friday) == datetime(2026, 3, 30, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ages", "late", "stale"),
    [
        ({}, 30, 24 * 60 + 30),
        ({"warn_seconds": 60}, 1, 24 * 60 + 1),
        ({"error_seconds": 600}, 10, 10),
        ({"error_seconds": 7200}, 30, 120),
        ({"warn_seconds": 600, "error_seconds": 7200}, 10, 120),
    ],
)
def test_ages_beside_a_schedule_count_from_the_missing_build(ages, late, stale):
    found = expectation_of(scheduled("0 2 * * *", **ages), None, None)
    due, moment = DAWN + DAY, timedelta(seconds=1)

    def told(minutes):
        after = due + timedelta(minutes=minutes)
        return [status(found, at, built=DAWN) for at in (after - moment, after)]

    assert told(late) == ["FRESH", "LATE" if late < stale else "STALE"]
    assert told(stale)[1] == "STALE"


@pytest.mark.parametrize("builds", [1, 9])
@pytest.mark.parametrize("delay", [timedelta(), 2 * HOUR, 20 * HOUR])
def test_a_build_in_time_is_fresh_by_its_schedule_until_the_next_is_missing(builds, delay):
    known = daily(builds, delay=delay)
    newest = known[-1]
    found = expectation_of(scheduled("0 2 * * *"), None, rhythm_of(known, newest.built))

    for hours in (0, 12, 24):
        at = newest.built + hours * HOUR
        assert status(found, at, built=newest.built, data=newest.data) == "FRESH"
    at = newest.built + 25 * HOUR
    assert status(found, at, built=newest.built, data=newest.data) == "LATE"


def test_a_schedule_holds_data_too_that_stands_still():
    found = expectation_of(scheduled("0 2 * * *"), None, rhythm_of(daily(9, delay=2 * HOUR), DAWN))

    assert status(found, DAWN, built=DAWN, data=DAWN - 9 * DAY) == "STALE"


@pytest.mark.parametrize(
    ("stated", "limits"),
    [((600, 3600), (600, 3600)), ((600, None), (600, 1200)), ((None, 3600), (1800, 3600))],
)
def test_stated_ages_go_before_a_rhythm_and_late_can_be_reached_by_one_alone(stated, limits):
    rhythm = rhythm_of(daily(5), DAWN + 9 * DAY)
    found = expectation_of(Stated("declared", "a key", *stated), None, rhythm)

    policy = found.rule.limits("build", DAWN)
    assert (policy.warn_seconds, policy.error_seconds) == limits
    assert found.next_build(DAWN) == DAWN + DAY


@pytest.mark.parametrize(
    ("warn", "error", "source"),
    [(1800, 1800, "rhythm"), (None, None, "rhythm"), (1800, 3600, "facet"), (9, None, "facet")],
)
def test_the_ages_of_a_facet_count_unless_they_are_what_every_facet_had(warn, error, source):
    facet = FreshnessFacet(
        status="FRESH", evaluated_at=DAWN, warn_seconds=warn, error_seconds=error
    )

    assert expectation_of(None, facet, rhythm_of(daily(5), DAWN + 9 * DAY)).source == source


ENDS = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


@pytest.mark.parametrize("at", ENDS)
def test_the_ends_of_the_calendar_are_no_bug(at):
    builds = [Build(at), Build(DAWN), Build(DAWN + DAY, at)]
    rhythm = rhythm_of(builds, ENDS[1])
    for stated in (None, scheduled("0 2 * * * Asia/Tokyo"), Stated("declared", None, 1e300)):
        found = expectation_of(stated, None, rhythm)
        found.next_build(at)
        assert status(found, DAWN, built=at, data=at) in {"FRESH", "LATE", "STALE", "UNKNOWN"}
