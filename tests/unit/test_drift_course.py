"""Drift hour after hour: when it is found, since when, what is told, and what was never trained."""

from __future__ import annotations

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_bridge.assess.answers import class_shares, mean_confidence
from lineage_bridge.assess.drift.course import HOUR_US, Course, CourseState, RowsOfHour, first_day
from lineage_bridge.assess.drift.policy import DriftPolicy
from lineage_bridge.assess.drift.untrained import Trained, Untrained
from lineage_bridge.profiles.making import make_profile
from lineage_bridge.profiles.profile import Profile, RowKeys

pytestmark = pytest.mark.slow  # `make test` runs the samples

BEGIN = 494_000 * HOUR_US


class Table:
    """A source: columns in memory."""

    notes = frozenset()

    def __init__(self, columns):
        self.table = pa.table(columns)
        self.types = {field.name: field.type for field in self.table.schema}

    def bites(self):
        for batch in self.table.to_batches():
            yield batch.num_rows, dict(zip(batch.schema.names, batch.columns, strict=True))


def profile(**columns):
    return make_profile(Table(columns), RowKeys())


def hours_of(*profiles, begin=BEGIN, gap=1):
    return [RowsOfHour(begin + i * gap * HOUR_US, one) for i, one in enumerate(profiles)]


def course_of(reference, hours, *, state=None, **policy):
    return Course(
        reference, DriftPolicy(**policy), state or CourseState(), lambda: first_day(iter(hours))
    )


def judged_all(reference, hours, **policy):
    course = course_of(reference, hours, **policy)
    return [course.judge(hour) for hour in hours]


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.fixture
def trained(rng):
    return profile(x=rng.normal(0, 1, 5000), z=rng.choice(["a", "b"], 5000))


def normal(rng, rows, shift=0.0, labels=("a", "b")):
    return profile(x=rng.normal(shift, 1, rows), z=rng.choice(list(labels), rows))


@pytest.mark.sample
def test_drift_is_found_at_the_hour_and_its_beginning_stays_until_it_clears(rng, trained):
    shifts = [0] * 30 + [2] * 10 + [0] * 20
    hours = hours_of(*(normal(rng, 200, shift) for shift in shifts))
    found = judged_all(trained, hours)
    six = [judged.windows[0] for judged in found]
    drifted = [window.drift.severity != "none" for window in six]
    assert drifted.index(True) in {30, 31}
    assert not any(drifted[46:])
    began = {window.since["x"] for window in six if "x" in window.since}
    assert began == {BEGIN + 30 * HOUR_US}
    assert [window.hours for window in found[0].windows] == [6, 24]
    assert [window.brought for window in found[40].windows] == [6, 24]


@pytest.mark.sample
def test_a_finding_is_told_on_change_and_once_a_day(rng, trained):
    hours = hours_of(*(normal(rng, 100) for _ in range(60)))
    due = [judged.at_us for judged in judged_all(trained, hours) if judged.is_due]
    assert [(at - BEGIN) // HOUR_US for at in due] == [1, 25, 49]
    with_drift = hours[:30] + hours_of(
        *(normal(rng, 100, 3) for _ in range(8)), begin=BEGIN + 30 * HOUR_US
    )
    due = [judged for judged in judged_all(trained, with_drift) if judged.is_due]
    assert due[2].at_us == BEGIN + 31 * HOUR_US
    assert due[2].windows[0].drift.severity != "none"
    assert len(due) < 8


@pytest.mark.sample
def test_few_rows_are_judged_by_nobody_and_clear_nothing(rng, trained):
    hours = hours_of(normal(rng, 300, 3), *(normal(rng, 2) for _ in range(5)), gap=7)
    found = judged_all(trained, hours)
    assert found[0].windows[0].drift.severity == "critical"
    for judged in found[1:]:
        assert judged.windows[0].drift.status == "insufficient_data"
        assert judged.windows[0].since == {"x": BEGIN}


@pytest.mark.sample
def test_answers_are_held_against_the_first_day_of_the_version(rng, trained):
    def answered(shift):
        return profile(x=rng.normal(0, 1, 100), prediction=rng.normal(shift, 1, 100))

    hours = hours_of(*(answered(0) for _ in range(30)), *(answered(2) for _ in range(6)))
    found = judged_all(trained, hours)
    assert [one.windows[0].answers is None for one in found] == [True] * 24 + [False] * 12
    assert found[29].windows[0].answers.severity == "none"
    assert found[35].windows[0].answers.features[0].feature == "prediction"
    assert found[35].windows[0].answers.severity == "critical"
    assert found[35].windows[0].drift.severity == "none"


@pytest.mark.slow
@given(cuts=st.sets(st.integers(1, 19), max_size=4), seed=st.integers(0, 5))
def test_at_once_or_bit_by_bit_the_findings_are_the_same(cuts, seed):
    rng = np.random.default_rng(seed)
    trained = normal(rng, 500)
    sizes = rng.integers(1, 60, 20)

    def of_hour(rows, shift):
        answers = {"prediction": rng.normal(shift, 1, rows)}
        return profile(x=rng.normal(shift, 1, rows), z=rng.choice(["a", "b"], rows), **answers)

    hours = [
        RowsOfHour(BEGIN + int(at) * HOUR_US, of_hour(int(rows), 2.0 * (at > 25)))
        for at, rows in zip(np.cumsum(rng.integers(1, 5, 20)), sizes, strict=True)
    ]
    whole = judged_all(trained, hours)
    parts, state = [], CourseState()
    for begin, end in zip([0, *sorted(cuts)], [*sorted(cuts), 20], strict=True):
        state = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=CourseState)
        course = course_of(trained, hours[:end], state=state)
        for hour in hours[:begin]:
            if course.is_recalled(hour.begin_us, hours[begin].begin_us):
                course.recall(hour)
        parts += [course.judge(hour) for hour in hours[begin:end]]
    assert parts == whole


@pytest.mark.sample
def test_one_label_in_16_000_is_found_by_its_count_and_first_time(rng):
    trained = profile(z=["a"] * 4000 + ["b"] * 4000)
    every_week = [profile(z=["a"] * 90 + ["b"] * 90 + ["new"]) for _ in range(8)]
    hours = []
    for week, with_new in enumerate(every_week):
        ordinary = [profile(z=["a"] * 90 + ["b"] * 90) for _ in range(10)]
        hours += hours_of(*ordinary, with_new, begin=BEGIN + week * 168 * HOUR_US)
    found = judged_all(trained, hours)
    assert all(window.drift.severity == "none" for one in found for window in one.windows)
    (last,) = found[-1].outside
    assert last.key == ("z", "unseen_label")
    assert last.is_fault
    assert last.labels == {"new": (BEGIN + 10 * HOUR_US, 8)}
    first = next(one.outside[0] for one in found if one.outside)
    assert not first.is_fault
    changed = [one for one in found if one.is_due and one.outside and one.outside[0].is_fault]
    assert changed[0].outside[0].requests == 3


@pytest.mark.sample
def test_what_is_beyond_the_range_counts_by_its_proven_share(rng):
    trained = profile(x=np.linspace(0, 1, 1000), only=[1.0] * 1000)
    calm = profile(x=[0.5] * 999 + [1.5], only=[1.0] * 1000)
    wild = profile(x=[0.5] * 900 + [9.0] * 60 + [-3.0] * 40, only=[1.0] * 1000)
    rounded = profile(x=np.float32([1.0 / 3, 1]).astype(float) * (1 + 1e-7), only=[1.0] * 2)
    assert not judged_all(trained, hours_of(calm))[0].outside[0].is_fault
    (found,) = judged_all(trained, hours_of(wild))[0].outside
    assert (found.is_fault, found.now.requests, found.now.low, found.now.high) == (True, 100, -3, 9)
    assert judged_all(trained, hours_of(rounded))[0].outside == ()


def one_hot(names, column="work"):
    labels = ["private", "self_employed", "state"]
    return {f"{column}_{label}": [float(name == label) for name in names] for label in labels}


def test_a_group_of_which_none_is_set_is_found_though_no_column_is_odd(rng):
    names = list(rng.choice(["private", "self_employed", "state"], 900))
    trained = profile(**one_hot(names), flag=[float(i % 2) for i in range(900)])
    (group,) = Trained.of(trained, DriftPolicy()).groups
    assert group.name == "work"
    assert len(group.columns) == 3
    asked = profile(**one_hot([*names[:96], "new", "new", "new", "new"]), flag=[0.0, 1.0] * 50)
    (found,) = judged_all(trained, hours_of(asked))[0].outside
    assert (found.key, found.now.requests) == (("work", "not_one_of_group"), 4)
    assert found.is_fault


def test_a_column_that_went_constant_is_found_and_one_by_chance_is_not(rng):
    trained = profile(x=rng.normal(size=2000), mostly=["a"] * 1990 + ["b"] * 10)
    still = profile(x=[0.25] * 100, mostly=["a"] * 100)
    judged = judged_all(trained, hours_of(still, still))[-1]
    (found,) = judged.outside
    assert found.key == ("x", "constant")
    assert (found.since_us, found.requests) == (BEGIN, 200)
    assert (judged.untrained.at_least, judged.untrained.rows) == (200, 200)
    again = judged_all(trained, hours_of(still, profile(x=rng.normal(size=50), mostly=["a"] * 50)))
    assert again[-1].outside == ()


@given(
    st.lists(st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=8), max_size=5)
)
def test_counts_of_parts_add_up(parts):
    trained = Trained.of(profile(z=["a", "b"] * 20), DriftPolicy())
    counted = Untrained.sum(Untrained.of(profile(z=part).whole, trained) for part in parts)
    every = [label for part in parts for label in part]
    assert counted.rows == len(every)
    unseen = [label for label in every if label not in "ab"]
    assert counted.at_least == counted.at_most == len(unseen)
    labels = counted.found[("z", "unseen_label")].labels if unseen else {}
    assert labels == {label: unseen.count(label) for label in dict.fromkeys(unseen)}


@pytest.mark.sample
def test_a_log_without_rows_of_a_reference_that_has_none_is_no_all_clear(trained):
    course = course_of(Profile(), [])
    judged = course.judge(RowsOfHour(BEGIN, profile(x=[1.0] * 100)))
    assert {window.drift.status for window in judged.windows} == {"nothing_to_compare"}


def test_a_window_says_how_sure_the_model_was_and_which_classes_it_named():
    told = profile(prediction=["yes"] * 30 + ["no"] * 10, probability=[0.9] * 30 + [0.2] * 10)
    assert mean_confidence(told) == pytest.approx(0.875)
    assert class_shares(told) == {"yes": 0.75, "no": 0.25}
    chances = profile(prediction=[0.5, 0.4999, 0.9, 0.8], probability=[0.5, 0.4999, 0.9, 0.8])
    assert class_shares(chances) == {"1": 0.75, "0": 0.25}
    said = profile(prediction=[1, 0, 0, 2], confidence=[0.5, 0.7, 0.9, 0.9], probability=[1.0] * 4)
    assert mean_confidence(said) == pytest.approx(0.75)
    assert class_shares(said) == {"0": 0.5, "1": 0.25, "2": 0.25}


@pytest.mark.parametrize("amounts", [[0.5, 1.5], [float(n) for n in range(21)], [], [None, None]])
def test_amounts_have_no_classes_and_who_does_not_say_is_not_sure(amounts):
    told = profile(prediction=pa.array(amounts, pa.float64()))
    assert class_shares(told) == {}
    assert mean_confidence(told) is None


def test_only_the_twenty_most_frequent_classes_are_told():
    names = [f"c{number:02}" for number in range(30)] + ["c29"]
    found = class_shares(profile(prediction=names))
    assert list(found) == ["c29", *(f"c{number:02}" for number in range(19))]
    assert found["c29"] == 2 / 31
