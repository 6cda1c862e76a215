from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lineage_bridge.assess.freshness import (
    DATA,
    FreshnessPolicy,
    Live,
    assess_freshness,
    freshness_assertions,
    freshness_facet,
)

NOW = datetime(2026, 4, 7, 12, 0, tzinfo=UTC)


def ago(**since):
    return NOW - timedelta(**since)


def judged(build=None, data=None, **others):
    return assess_freshness(build_time=build, data_time=data, at=NOW, **others)


@pytest.mark.parametrize(
    ("age_seconds", "status"), [(0, "FRESH"), (1799, "FRESH"), (1800, "STALE"), (1801, "STALE")]
)
def test_the_limit_is_stale_and_just_below_it_fresh(age_seconds, status):
    assert judged(build=ago(seconds=age_seconds)).status == status


def test_between_warning_and_error_it_is_late():
    policy = FreshnessPolicy(warn_seconds=600, error_seconds=3600)

    assert judged(build=ago(minutes=9), policy=policy).status == "FRESH"
    assert judged(build=ago(minutes=10), policy=policy).status == "LATE"
    assert judged(build=ago(minutes=60), policy=policy).status == "STALE"


def test_built_now_from_old_data_is_stale_and_says_which_clock():
    found = judged(build=NOW, data=ago(days=200))

    assert (found.status, found.basis) == ("STALE", "data")
    assert found.build_age_seconds == 0
    assert found.data_age_seconds == 200 * 86400


def test_a_time_in_the_future_is_unknown_with_its_skew():
    found = judged(build=NOW + timedelta(seconds=90), data=ago(minutes=1))

    assert (found.status, found.basis, found.clock_skew_seconds) == ("UNKNOWN", "build", 90)
    assert found.build_age_seconds is None


def test_a_missing_build_time_falls_back_to_the_file_and_says_so():
    found = judged(file_time=ago(hours=1))

    assert (found.status, found.basis, found.build_is_mtime) == ("STALE", "mtime", True)


def test_the_files_time_is_not_asked_where_the_artifact_has_one():
    found = judged(build=ago(minutes=1), file_time=ago(hours=9))

    assert (found.status, found.basis, found.build_is_mtime) == ("FRESH", "build", False)


def test_without_any_time_it_is_unknown():
    found = judged()

    assert (found.status, found.basis) == ("UNKNOWN", None)


def test_what_is_read_live_is_a_clock_of_its_own():
    policy = FreshnessPolicy(warn_seconds=600, error_seconds=3600)
    live = Live(ago(minutes=30), DATA, policy)

    found = judged(build=NOW, live=live)

    assert (found.status, found.basis, found.effective_age_seconds) == ("LATE", "effective", 1800)
    assert freshness_facet(found).basis is None  # an event knows nothing of it


def test_it_is_asserted_by_the_clock_that_decided():
    policy = FreshnessPolicy(warn_seconds=600, error_seconds=3600)

    def asserted(**ages):
        (found,) = freshness_assertions(judged(**ages, policy=policy))
        return found.success, found.severity, found.expected, found.actual

    assert asserted(build=ago(minutes=1)) == (True, None, "build age < 600 s", "60 s")
    late = asserted(build=NOW, data=ago(minutes=11))
    assert late == (False, "warn", "data age < 600 s", "660 s")
    stale = asserted(build=ago(days=1), data=ago(minutes=11))
    assert stale == (False, "error", "build age < 3600 s", "86400 s")


@pytest.mark.parametrize("times", [{}, {"build": NOW + timedelta(hours=1)}])
def test_what_nobody_knows_is_not_asserted(times):
    assert not list(freshness_assertions(judged(**times)))
