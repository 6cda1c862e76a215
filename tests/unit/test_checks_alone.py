"""Checks of what stands alone: trainings, metric windows, requests in inference logs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_bridge.assess.checks import requests, training, windows
from lineage_bridge.assess.checks.alone import judge_alone
from lineage_bridge.assess.checks.policy import CheckPolicy
from lineage_bridge.profiles.column import Column
from lineage_bridge.profiles.labels import Labels
from lineage_bridge.profiles.points import Points
from lineage_bridge.profiles.profile import Part

POLICY = CheckPolicy()
NOON = datetime(2026, 4, 7, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def outcome(checks, facts):
    """What came out of each check; all are reported, whatever came out."""
    results = judge_alone(checks, facts)
    assert [result.check for result in results] == [*checks]
    assert all(result.verdict.reason for result in results if result.verdict.status == "skipped")
    return {result.check.code: result.verdict.status for result in results}


def failed(checks, facts):
    return {code for code, status in outcome(checks, facts).items() if status == "failed"}


GOOD = training.Training(
    POLICY,
    {"val_rmse": 0.25, "roc_auc": 0.9},
    started=NOON,
    completed=NOON + HOUR,
    dataset="features.taxi.trips@1",
    built=NOON - HOUR,
    is_seen=True,
)


def test_a_training_that_is_in_order_passes_every_check():
    assert set(outcome(training.CHECKS, GOOD).values()) == {"passed"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"metrics": {}}, {"training_metrics"}),
        ({"metrics": {"rmse": 0.0, "mae": 0.0}}, {"training_perfect"}),
        ({"metrics": {"val-accuracy": 1}}, {"training_perfect"}),
        ({"metrics": {"epochs": 1, "dropout": 0.0, "flossy": 0.0}}, set()),
        ({"metrics": {"auc": 0.0, "rmse": 1.0}}, set()),
        ({"not_finite": ("loss",)}, {"training_metrics_finite"}),
        ({"completed": NOON - HOUR}, {"training_times"}),
        ({"started": NOON - 2 * HOUR}, {"training_after_build"}),
        ({"started": NOON - 2 * HOUR, "is_unzoned": True}, set()),
        ({"started": None, "completed": NOON - 2 * HOUR}, {"training_after_build"}),
        ({"dataset": None, "is_seen": False, "built": None}, {"training_dataset"}),
        ({"is_seen": False, "built": None}, {"training_dataset_seen"}),
    ],
)
def test_what_is_wrong_with_a_training_is_found(change, expected):
    assert failed(training.CHECKS, GOOD._replace(**change)) == expected


def test_what_nobody_said_of_a_training_is_skipped_and_not_passed():
    found = outcome(training.CHECKS, training.Training(POLICY))
    assert {code for code, status in found.items() if status == "passed"} == {
        "training_metrics_finite",
        "training_perfect",
    }
    assert found["training_times"] == found["training_after_build"] == "skipped"


def test_settings_switch_a_check_off_or_make_it_grave():
    policy = replace(POLICY, severity={"training_times": "off", "training_metrics": "error"})
    facts = training.Training(policy, started=NOON, completed=NOON - HOUR)
    results = {r.check.code: r for r in judge_alone(training.CHECKS, facts)}
    assert results["training_times"].verdict.status == "skipped"
    assert results["training_metrics"].severity == "error"


MINUTE_US = 60_000_000
WINDOW = windows.Numbers(0, MINUTE_US, MINUTE_US + 5, 10, 8, 1, 1, 1, 8, 5.0, 7.0, 7.0)


def in_windows(*changes):
    listed = [WINDOW._replace(**change) for change in changes]
    return windows.Windows(POLICY, listed)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, set()),
        ({"written_us": None}, set()),
        ({"written_us": 30_000_000}, set()),  # the flush of a shutdown
        ({"successes": 9}, {"window_counts"}),
        ({"successes": 7}, {"window_counts"}),
        ({"predictions": 11}, {"window_counts"}),
        ({"timeouts": 2}, {"window_counts"}),
        ({"p95_ms": 7.5}, {"window_percentiles"}),
        ({"p50_ms": float("nan")}, {"window_percentiles"}),
        ({"end_us": 30_000_000}, {"window_length"}),
        ({"end_us": 0}, {"window_length", "window_clock"}),
        ({"written_us": -1}, {"window_clock"}),
    ],
)
def test_what_is_wrong_with_a_window_is_found_among_others(change, expected):
    assert failed(windows.CHECKS, in_windows({}, change, {})) == expected


def test_without_windows_nothing_is_said_to_be_right():
    assert set(outcome(windows.CHECKS, in_windows()).values()) == {"skipped"}


def test_the_settings_say_how_long_a_window_is_and_how_many_may_be_odd():
    facts = windows.Windows(replace(POLICY, window_seconds=30), [WINDOW])
    assert failed(windows.CHECKS, facts) == {"window_length"}
    odd = [WINDOW, WINDOW, WINDOW._replace(successes=0)]
    for most, expected in ((0.3, {"window_counts"}), (0.34, set())):
        facts = windows.Windows(replace(POLICY, odd_window_share_most=most), odd)
        assert failed(windows.CHECKS, facts) == expected


def numbers(*values):
    known = [value for value in values if value is not None]
    numbers = [value for value in known if not isnan(value)]
    points = Points.of(np.array(numbers, dtype=np.float64))
    return Column(len(known), nans=len(known) - len(numbers), numbers=points)


def words(*values):
    known = [value for value in values if value is not None]
    return Column(len(known), labels=Labels.of((value, 1) for value in known))


TRAINED = Part(
    200, {"x": numbers(*range(200)), "city": words(*"ab" * 100), "y": numbers(*[0, 1] * 100)}
)


def asked(rows=200, **columns):
    given = {"x": numbers(*[5] * rows), "city": words(*"a" * rows), "answer": numbers(*[1] * rows)}
    given |= {"sure": numbers(*[0.9] * rows)} | columns
    return requests.Requests(
        replace(POLICY, needed=("x", "city")),
        Part(rows, {name: column for name, column in given.items() if column is not None}),
        ("x", "city"),
        prediction="answer",
        confidence="sure",
        trained=TRAINED,
        target="y",
    )


def test_requests_as_the_model_knows_them_pass_every_check():
    assert set(outcome(requests.CHECKS, asked()).values()) == {"passed"}


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ({"x": numbers(*[5] * 150, *[None] * 50)}, {"features_missing", "features_few_missing"}),
        (
            {"x": numbers(*[5] * 150, *[float("nan")] * 50)},
            {"features_missing", "features_few_missing"},
        ),
        ({"x": numbers(*[5] * 165, *[None] * 35)}, {"features_few_missing"}),
        ({"x": numbers(*[5] * 186, *[None] * 14)}, set()),  # 7 %, of which 4.2 % are proven
        ({"x": numbers(*[5] * 198, *[None] * 2)}, set()),
        ({"x": numbers(*[5] * 160, *[1e9] * 40)}, {"features_out_of_range"}),
        ({"x": numbers(*[5] * 199, 1e9)}, set()),
        ({"city": words(*"a" * 170, *"c" * 30)}, {"features_unknown_labels"}),
        ({"city": words(*"a" * 198, *"c" * 2)}, set()),
        ({"city": words(*"a" * 170, *[None] * 30)}, {"features_few_missing"}),
        ({"sure": numbers(*[0.5] * 200)}, {"confidence"}),
        ({"answer": numbers(*[1] * 199, 2)}, {"predictions_known"}),
        ({"answer": words(*["true"] * 100, *["false"] * 100)}, set()),
    ],
)
def test_what_is_wrong_with_requests_is_found_by_what_is_proven(column, expected):
    assert failed(requests.CHECKS, asked(**column)) == expected


def test_a_feature_that_is_not_in_the_log_is_missing_in_all_requests():
    assert failed(requests.CHECKS, asked(x=None)) == {
        "features_needed",
        "features_missing",
        "features_few_missing",
    }


def test_what_was_missing_where_the_model_learned_may_be_missing():
    gaps = numbers(*[5] * 100, *[None] * 100)
    facts = asked(x=gaps)
    learned = Part(200, {**TRAINED.columns, "x": gaps})
    assert failed(requests.CHECKS, facts._replace(trained=learned)) == set()


def test_what_nothing_says_of_requests_is_skipped_and_not_passed():
    bare = requests.Requests(POLICY, Part(40, {"x": numbers(*range(40))}), ("x",))
    found = outcome(requests.CHECKS, bare)
    assert {code for code, status in found.items() if status == "passed"} == {
        "features_missing",
        "features_few_missing",
        "request_ids",
    }
    none = outcome(requests.CHECKS, requests.Requests(POLICY, Part(), ("x",)))
    assert set(none.values()) == {"skipped"}


def test_repeated_requests_are_counted():
    found = judge_alone(requests.CHECKS, asked()._replace(repeated=3))
    (verdict,) = [r.verdict for r in found if r.check.code == "request_ids"]
    assert (verdict.status, verdict.actual) == ("failed", "3 of 203 rows")


def test_a_number_that_is_foretold_is_no_class():
    rest = numbers(*[n + 0.5 for n in range(200)])
    assert outcome(requests.CHECKS, asked(answer=rest))["predictions_known"] == "skipped"


@given(strange=st.integers(0, 300), rows=st.integers(1, 300))
def test_a_few_requests_never_prove_a_share_and_many_do(strange, rows):
    strange = min(strange, rows)
    values = numbers(*[5] * (rows - strange), *[1e9] * strange)
    found = failed(requests.CHECKS, asked(rows, x=values))
    share, most = strange / rows, POLICY.out_of_range_share_most
    if share <= most or (rows >= 100 and share >= 2 * most):  # between them, few rows let it pass
        assert ("features_out_of_range" in found) == (share > most)
