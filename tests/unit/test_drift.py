"""What drift finds in rows that were made so, rule by rule."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from lineage_bridge.assess.drift.cells import Cells
from lineage_bridge.assess.drift.finding import Place
from lineage_bridge.assess.drift.judge import judge
from lineage_bridge.assess.drift.policy import DriftPolicy
from lineage_bridge.profiles.making import make_profile
from lineage_bridge.profiles.profile import RowKeys

DAY_US = 86_400_000_000


class Table:
    """A source: one table in memory."""

    notes = frozenset()

    def __init__(self, table):
        self.table = table
        self.types = {field.name: field.type for field in table.schema}

    def bites(self):
        for batch in self.table.to_batches(max_chunksize=10_000):
            yield batch.num_rows, dict(zip(batch.schema.names, batch.columns, strict=True))


def profile(keys=(), **columns):
    return make_profile(Table(pa.table(columns)), RowKeys(*keys))


def drift_of(reference, current, **policy):
    return judge(profile(x=reference), profile(x=current), DriftPolicy(**policy)).features[0]


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def test_what_moved_is_found_and_by_how_much(rng):
    one = drift_of(rng.normal(0, 1, 2000), rng.normal(1, 1, 500))
    assert (one.severity, one.test) == ("critical", "ks")
    assert one.effect == pytest.approx(1, abs=0.15)  # standard deviations
    assert one.psi_above > 0.2
    assert one.cells[0].current_share > one.cells[0].reference_share


def test_a_tiny_shift_of_many_rows_is_significant_and_no_drift(rng):
    one = drift_of(rng.normal(0, 1, 100_000), rng.normal(0.05, 1, 100_000))
    assert one.q < 1e-6
    assert one.severity == "none"


def test_with_fewer_than_thirty_rows_nothing_is_judged(rng):
    for rows in (0, 1, 29):
        found = judge(profile(x=rng.normal(size=1000)), profile(x=rng.normal(9, 1, rows)))
        assert (found.status, found.severity, found.features) == ("insufficient_data", "none", ())
        assert found.power < 0.6
    assert drift_of(rng.normal(size=1000), rng.normal(9, 1, 30)).severity == "critical"
    whole = pa.table(
        {"e": ["a"] * 40, "t": pa.array([0] * 40, pa.timestamp("us")), "x": [1.0] * 40}
    )
    sides = [make_profile(Table(part), RowKeys("e", "t")) for part in (whole, whole[:0])]
    assert judge(*sides).status == "insufficient_data"


def test_values_beyond_the_range_count_though_most_look_alike(rng):
    current = np.where(rng.random(500) < 0.3, 50.0, rng.random(500))
    one = drift_of(rng.random(500), current)
    assert one.beyond_share == pytest.approx(np.mean(current == 50))
    assert one.severity == "critical"


def test_new_labels_count_beyond_those_that_the_reference_has_once():
    known = ["a"] * 450 + ["b"] * 540 + [f"once-{i}" for i in range(10)]
    one = drift_of(known, ["a"] * 400 + ["b"] * 500 + ["c"] * 100)
    assert (one.test, one.severity) == ("unseen_labels", "critical")
    assert one.new == pytest.approx(0.1 - 10 / 1000)
    one_in_thousand = drift_of(known, ["a"] * 450 + ["b"] * 549 + ["c"])
    assert one_in_thousand.severity == "none"
    assert one_in_thousand.q > 0.05


def test_a_change_of_the_share_of_nulls_is_drift(rng):
    values = rng.normal(size=1000)
    now = [None if i % 10 == 0 else v for i, v in enumerate(values)]
    one = drift_of(values, now)
    assert (one.current_null_share, one.severity, one.test) == (0.1, "critical", "nulls")
    nan = drift_of(values, [math.nan if v is None else v for v in now])
    assert (nan.severity, nan.current_null_share) == ("critical", 0.1)
    assert drift_of(now, now).severity == "none"
    gone = drift_of(values, pa.nulls(1000, pa.float64()))
    assert (gone.severity, gone.notes) == ("critical", ("all_null",))


@pytest.mark.parametrize("current", [["1"] * 100, [True] * 100, [b"1"] * 100, [[1]] * 100])
def test_values_of_another_kind_are_drift(current):
    one = drift_of([1.0] * 100, current)
    assert (one.severity, one.notes) == ("critical", ("kind_changed",))
    back = drift_of(current, [1.0] * 100)
    assert back.severity == "critical"
    assert "kind_changed" in back.notes


def test_numbers_are_compared_as_numbers_however_they_are_stored(rng):
    whole = rng.integers(0, 9, 400)
    reference = pa.array(whole, pa.int8())
    for kind in (pa.float32(), pa.int64(), pa.decimal128(30, 2)):
        one = drift_of(reference, pa.array(whole, pa.int64()).cast(kind))
        assert (one.p, one.psi_above) == (1.0, 0.0)


def test_a_constant_and_a_value_of_many_quantiles_are_cells_of_their_own():
    moved = drift_of([2.0] * 100, [2.0] * 50 + [3.0] * 50)
    assert moved.severity == "critical"
    assert {(cell.place.above, cell.place.up_to) for cell in moved.cells} == {
        (None, 2.0),
        (2.0, None),
    }
    zeros = [0.0] * 500 + [float(i) for i in range(1, 501)]
    fewer = [0.0] * 200 + [-1.0] * 300 + [float(i) for i in range(1, 501)]
    places = {cell.place[2:]: cell for cell in drift_of(zeros, fewer).cells}
    assert places[None, -1.0].current_share == 0.3
    assert places[-1.0, 0.0].current_share == 0.2


def test_names_are_not_compared_as_labels():
    names = [f"user-{i}" for i in range(20_000)]
    one = drift_of(names, names[::-1])
    assert (one.severity, one.notes) == ("none", ("too_many_labels",))
    assert drift_of(names, [None] * 20_000).severity == "critical"


def test_one_of_many_features_that_differs_by_chance_is_none(rng):
    reference = {f"f{i}": rng.normal(size=500) for i in range(20)}
    current = {name: rng.normal(size=200) for name in reference}
    current["f7"] = rng.normal(0.8, 1, 200)
    found = judge(profile(**reference), profile(**current))
    assert [one.feature for one in found.features if one.severity != "none"] == ["f7"]
    assert (found.drifted, found.share) == (1, 1 / 20)
    expected = stats.false_discovery_control([one.p for one in found.features])
    assert [one.q for one in found.features] == pytest.approx(list(expected))


def test_the_share_is_weighted_by_importance(rng):
    still = rng.normal(size=500)
    was, now = profile(a=still, b=still), profile(a=still, b=still + 5)
    assert judge(was, now).weighted_share is None
    weighted = judge(was, now, DriftPolicy(importance={"a": 1.0, "b": 3.0}))
    assert (weighted.share, weighted.weighted_share) == (0.5, 0.75)


def test_calendar_keys_and_times_are_apart(rng):
    def rows(start):
        return {
            "station": ["a", "b"] * 50,
            "at": pa.array([(start + i) * DAY_US for i in range(100)], pa.timestamp("us")),
            "built": pa.array([start * DAY_US] * 100, pa.timestamp("us")),
            "ft_hour_of_day": [float(start)] * 100,
            "rides_last_hour": rng.normal(size=100),
        }

    found = judge(profile(("station", "at"), **rows(0)), profile(("station", "at"), **rows(500)))
    assert [one.feature for one in found.features] == ["rides_last_hour"]
    assert [one.feature for one in found.calendar] == ["ft_hour_of_day"]
    assert found.calendar[0].severity == "critical"
    assert set(found.apart) == {"station", "at", "built"}
    assert found.severity == "none"


@pytest.mark.parametrize("name", ["hour", "ft_day_of_week", "is_weekend", "event_month", "DOW"])
def test_names_of_the_calendar(name):
    assert DriftPolicy().is_calendar(name)


@pytest.mark.parametrize("name", ["empty_next_hour", "yearly_income", "today", "hourly", "days"])
def test_names_that_are_no_calendar(name):
    assert not DriftPolicy().is_calendar(name)


def test_columns_of_one_side_are_named_and_not_compared():
    found = judge(profile(a=[1.0] * 50), profile(b=[1.0] * 50))
    assert (found.added, found.missing) == (("b",), ("a",))
    assert found.status == "nothing_to_compare"


def test_what_the_reference_does_from_day_to_day_is_within_its_variation(rng):
    days, entities, rows_a_day = 14, 20, 40
    level = rng.normal(0, 3, days)

    def rows(which, shift=0.0):
        listed = [(day, f"s{i % entities}") for day in which for i in range(rows_a_day)]
        return {
            "station": [entity for _, entity in listed],
            "at": pa.array([day * DAY_US for day, _ in listed], pa.timestamp("us")),
            "x": [rng.normal(level[day] + shift) for day, _ in listed],
        }

    keys = ("station", "at")
    reference = profile(keys, **rows(range(1, days)))
    ordinary = judge(reference, profile(keys, **rows([0]))).features[0]
    assert ordinary.severity == "critical"
    assert ordinary.within_reference_variation is True
    moved = judge(reference, profile(keys, **rows([0], shift=60))).features[0]
    assert moved.within_reference_variation is False
    assert moved.p_blocks > moved.p
    unknown = judge(profile(x=rng.normal(size=500)), profile(x=rng.normal(9, 1, 500))).features[0]
    assert unknown.within_reference_variation is None


def test_without_enough_detail_for_a_test_the_effect_alone_decides(rng):
    def rows():  # half of them so near to each other that they share a cell with others
        return np.append(rng.lognormal(0, 50, 50_000), 1e9 + rng.random(50_000) / 1000)

    still, moved = drift_of(rows(), rows()), drift_of(rows(), rows() * 0.01)
    for one in (still, moved):
        assert (one.p, one.q, one.notes) == (None, None, ("no_p",))
        assert one.statistic is not None
        assert one.rank_error > 0.4
    assert (still.severity, moved.severity) == ("none", "critical")


def test_psi_is_that_of_smoothed_shares():
    counts = [("a", 600.0, 500.0), ("b", 400.0, 100.0), ("c", 0.0, 0.0), ("d", 0.0, 400.0)]
    cells = Cells.of((Place("label", name), there, now) for name, there, now in counts)
    expected = 0.0
    for there, now in ((600, 500), (400, 100), (0, 400)):
        was, now_share = (there + 1) / (1000 + 3), (now + 1) / (1000 + 3)
        expected += (now_share - was) * math.log(now_share / was)
    assert cells.psi_of_each().sum() == pytest.approx(expected)
    assert cells.noise_floor() == pytest.approx(2 * (1 / 1000 + 1 / 1000))
