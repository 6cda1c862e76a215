"""The score and the order of candidates, by themselves."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lineage_bridge.assess.cause.kinds import SORTS, TABLE, explains, sort_of
from lineage_bridge.assess.cause.ranking import FLOOR, Scored, ranked
from lineage_bridge.assess.cause.score import Parts, onset_of, specificity
from lineage_bridge.assess.cause.symptoms import CLASSES
from lineage_bridge.assess.checks.registry import CHECKS
from lineage_bridge.assess.status.faults import Fault
from lineage_bridge.assess.status.trainings import Read, fault_of_metrics, fault_of_old_data

NOON = datetime(2026, 4, 7, 12, tzinfo=UTC)


def minutes(number):
    return NOON + timedelta(minutes=number)


def scored(node, score, *, sort="nulls", kinds=(1.0,), above=(), spec=1.0):
    parts = Parts(score / spec, 1.0, 1.0, 1.0, spec)
    return Scored(node, sort, parts, 0, kinds, frozenset(above))


def names(found):
    return [one.node for one in found]


def test_each_sort_says_of_each_class_how_well_it_explains_it():
    assert set(TABLE) == set(SORTS)
    for row in TABLE.values():
        assert len(row) == len(CLASSES)
        assert all(0 <= value <= 1 for value in row)


@pytest.mark.parametrize("check", [c.code for c in CHECKS])
def test_every_check_of_versions_has_a_row(check):
    assert sort_of(Fault.of(check, "bad", "content")) in SORTS


@pytest.mark.parametrize(
    ("said", "sort"),
    [
        ("expect_column_values_to_not_be_null", "nulls"),
        ("unique_orders_id", "duplicates"),
        ("expect_table_row_count_to_be_between", "volume"),
        ("accepted_values_orders_status", "jump"),
        ("whatever_they_call_it", "content"),
    ],
)
def test_assertions_of_others_are_understood_by_their_names(said, sort):
    assert sort_of(Fault.of(said, "bad", "content", said_by="theirs")) == sort


def test_drift_in_other_features_than_those_of_the_fault_is_hardly_explained_by_it():
    drifted = ("a", "b", "c", "d")
    assert explains("content_live", "drift", ("a", "b"), drifted) == 1.0
    assert explains("content_live", "drift", ("a",), drifted) == 0.3


def test_the_onset_falls_with_the_lag_and_is_nothing_before_the_fault():
    lags = [onset_of("nulls", NOON, minutes(lag)) for lag in (0, 10, 60, 600)]
    assert lags == sorted(lags, reverse=True)
    assert lags[0] == 1
    assert lags[-1] >= 0.3
    assert onset_of("nulls", NOON, minutes(-3)) == 0
    assert onset_of("nulls", NOON, minutes(-1)) == 1
    assert onset_of("release", NOON, minutes(60)) < 0.01
    assert onset_of("age_live", NOON, minutes(600)) == 0.7
    assert onset_of("slot", None, NOON) == 1


def test_specificity_is_ochiai_with_one_imagined_node():
    assert specificity(1, 1, 1) == 1
    assert specificity(1, 1, 4) == pytest.approx(0.632, abs=0.001)
    assert specificity(1, 7, 1) == pytest.approx(0.5)
    for both, showing, having in [(0, 3, 5), (2, 3, 4), (5, 5, 9)]:
        assert 0 < specificity(both, showing, having) <= 1
        assert math.isclose(specificity(both, showing, having), specificity(both, having, showing))


def test_a_slot_that_passes_a_fault_on_stands_below_it_though_it_scores_higher():
    data = scored("data", 0.5)
    slot = scored("slot", 0.6, sort="release", above=["data"])
    assert names(ranked([slot, data])) == ["data", "slot"]
    assert ranked([slot, data])[1].carrier_of == ("data",)


def test_what_is_much_less_likely_carries_nothing():
    slot = scored("slot", 0.6, sort="release", above=["data"])
    assert names(ranked([slot, scored("data", 0.3)])) == ["slot", "data"]


def test_a_slot_whose_siblings_are_well_over_the_same_data_is_no_carrier_of_it():
    slot = scored("slot", 0.35, sort="slot", above=["data"])
    assert names(ranked([slot, scored("data", 0.3, spec=0.7)])) == ["slot", "data"]
    assert names(ranked([slot, scored("data", 0.3)])) == ["data", "slot"]


def test_a_slot_with_a_symptom_that_the_data_cannot_have_made_is_no_carrier():
    data = scored("data", 0.9, kinds=(1.0, 0.1))
    slot = scored("slot", 0.6, sort="slot", kinds=(0.5, 0.6), above=["data"])
    assert ranked([data, slot])[1].carrier_of == ()


def test_what_is_far_behind_or_under_the_floor_is_left_out():
    assert ranked([scored("a", FLOOR - 0.01)]) == []
    assert names(ranked([scored("a", 1.0), scored("b", 0.16)])) == ["a", "b"]


def test_the_order_in_which_candidates_come_changes_nothing():
    rng = random.Random(1)
    listed = [
        scored(f"n{n}", rng.choice([0.2, 0.4, 0.4, 0.8]), above=rng.sample(["n1", "n2", "n3"], 2))
        for n in range(8)
    ]
    expected = ranked(listed)
    for _ in range(20):
        rng.shuffle(listed)
        assert ranked(listed) == expected


def poor(reported, good=(), others=()):
    return fault_of_metrics(reported, good, others, NOON)


def test_a_training_is_poor_if_its_numbers_are_a_quarter_worse_than_those_of_good_ones():
    good = [{"val_rmse": 0.24, "test_rmse": 0.25, "test_roc_auc": 0.97}] * 3
    assert poor({"val_rmse": 0.28, "test_rmse": 0.28, "test_roc_auc": 0.96}, good) is None
    found = poor({"val_rmse": 0.48, "test_rmse": 0.5, "test_roc_auc": 0.7}, good)
    assert (found.code, found.level, found.kind) == ("metrics", "warn", "model")
    assert "rmse" in str(found.value)
    assert "100% worse" in str(found.value)
    assert poor({"test_roc_auc": 0.8}, good) is not None
    assert poor({"train_rmse": 9.0, "seconds": 1e6}, good) is None
    assert poor({"val_rmse": 0.48}) is None


def test_numbers_that_differ_from_day_to_day_on_one_part_are_not_poor():
    """As the trainings of the real city do."""
    good = [
        {"val_rmse": 0.2029, "val_mae": 0.0742, "test_rmse": 0.2212, "test_mae": 0.0849},
        {"val_rmse": 0.2383, "val_mae": 0.0994, "test_rmse": 0.2413, "test_mae": 0.0991},
        {"val_rmse": 0.2046, "val_mae": 0.0801, "test_rmse": 0.2556, "test_mae": 0.1044},
    ]
    odd = {"val_rmse": 0.2836, "val_mae": 0.1782, "test_rmse": 0.2129, "test_mae": 0.1263}
    assert poor(odd, good) is None
    assert poor({name: 1.6 * value for name, value in good[0].items()}, good) is not None


def test_with_little_to_compare_with_numbers_must_be_half_worse():
    good = [{"val_rmse": 0.24}]
    assert poor({"val_rmse": 0.34}, good) is None
    assert poor({"val_rmse": 0.48}, good) is not None
    assert poor({"val_rmse": 0.34}, (), good * 3) is None
    assert poor({"val_rmse": 0.48}, (), good) is not None


def test_a_training_on_an_old_version_is_its_own_fault_if_newer_ones_were_there():
    day = 86_400.0
    fresh = Read("f@1", NOON - timedelta(hours=3), NOON - timedelta(hours=1), 2, day)
    assert fault_of_old_data(fresh, NOON) is None
    old = fresh._replace(data_time=NOON - timedelta(days=4), built=NOON - timedelta(days=3.9))
    assert fault_of_old_data(old, NOON).code == "old_version"
    assert fault_of_old_data(old._replace(newer=0), NOON).code == "age_at_training_seconds"
    late = old._replace(newer=0, built=NOON - timedelta(hours=1))
    assert fault_of_old_data(late, NOON) is None  # it was late when it was built


def test_kinds_are_kept_beside_the_best_reason():
    one = replace(scored("a", 0.5), kinds=(0.4, 0.9))
    assert ranked([one])[0].kinds == (0.4, 0.9)


def test_the_table_in_the_documentation_is_the_table():
    text = (Path(__file__).parents[2] / "docs" / "findings.md").read_text(encoding="utf-8")
    rows = {
        cells[0]: tuple(float(cell.rstrip("⁴")) for cell in cells[1:])
        for line in text.split("| fault or change |")[1].split("\n\n")[0].splitlines()[2:]
        if line.startswith("|") and (cells := [c.strip() for c in line.strip("|").split("|")])
    }
    assert {sort: rows[sort] for sort in SORTS} == dict(TABLE)
