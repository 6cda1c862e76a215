"""A profile is a function of the rows: not of their order, nor of how they were cut."""

from __future__ import annotations

from random import Random

import numpy as np
import pyarrow as pa
from hypothesis import example, given
from hypothesis import strategies as st

from lineage_bridge.profiles.encoding import decode, encode
from lineage_bridge.profiles.labels import Labels
from lineage_bridge.profiles.making import make_profile
from lineage_bridge.profiles.points import Points
from lineage_bridge.profiles.profile import Profile, RowKeys

KEYS = RowKeys("station", "at")
DAY_US = 86_400_000_000

numbers = st.one_of(
    st.none(),
    st.floats(),
    st.integers(-3, 3).map(float),
    st.floats(1e9, 1e9 + 1),
)
rows_of_data = st.lists(
    st.fixed_dictionaries(
        {
            "station": st.one_of(st.none(), st.sampled_from("abc")),
            "at": st.one_of(st.none(), st.integers(-50, 50).map(lambda day: day * DAY_US + 7)),
            "x": numbers,
            "label": st.one_of(st.none(), st.text(max_size=3)),
        }
    ),
    min_size=1,
    max_size=60,
)
TYPES = {
    "station": pa.string(),
    "at": pa.timestamp("us"),
    "x": pa.float64(),
    "label": pa.string(),
}


class Rows:
    """A source of rows in memory, some at a time."""

    notes = frozenset()
    types = TYPES

    def __init__(self, rows, bite):
        self.rows, self.bite = rows, bite

    def bites(self):
        for begin in range(0, len(self.rows), self.bite):
            part = self.rows[begin : begin + self.bite]
            yield len(part), {n: pa.array([r[n] for r in part], t) for n, t in TYPES.items()}


def profiled(rows, bite=1000):
    return make_profile(Rows(rows, bite), KEYS)


MANY_DAYS = [
    {"station": "a", "at": day * DAY_US, "x": float(day), "label": None} for day in range(-70, 70)
]


@example(
    rows=[*MANY_DAYS, {"station": "a", "at": None, "x": 1.0, "label": "x"}],
    random=Random(1),
    parts=7,
)
@example(
    rows=[
        {"station": "a", "at": at, "x": 1.0, "label": "x"} for at in (DAY_US, None, -DAY_US, DAY_US)
    ],
    random=Random(3),  # which leaves a row without a time between two of one day
    parts=1,
)
@given(rows_of_data, st.randoms(use_true_random=False), st.integers(1, 7))
def test_a_day_is_the_sum_of_its_hours_in_any_order(rows, random, parts):
    whole = profiled(rows)
    shuffled = random.sample(rows, len(rows))
    cut = [profiled(shuffled[i::parts]) for i in range(parts)]
    assert Profile.sum(cut) == whole
    left = Profile.sum([Profile.sum(cut[:2]), *cut[2:]])
    right = Profile.sum([*cut[:1], Profile.sum(cut[1:])]) if parts > 1 else whole
    assert left == right == whole
    assert profiled(shuffled, bite=max(1, len(rows) // 3)) == whole


@given(rows_of_data)
def test_what_is_kept_is_what_was_made(rows):
    whole = profiled(rows)
    assert decode(encode(whole)) == whole
    assert encode(decode(encode(whole))) == encode(whole)


many = st.lists(
    st.one_of(st.floats(allow_nan=False), st.floats(1, 2), st.sampled_from([0.0, 1.5])),
    min_size=5,
    max_size=40,
)


@example(values=[1.5, 1.5, 1.5000001, 1e300, -1e300, 0.0], limit=3, parts=2)
@example(values=[float(2**i) for i in range(40)] + [1.0], limit=5, parts=3)
@given(many, st.integers(1, 9), st.integers(1, 6))
def test_numbers_that_share_cells_do_so_in_any_sum(values, limit, parts):
    array = np.array(values, dtype=np.float64)
    whole = Points.of(array, limit)
    assert len(whole.firsts) <= limit
    cut = [Points.of(array[i::parts], limit) for i in range(parts)]
    assert Points.sum(cut, limit) == whole
    assert Points.sum(cut[::-1], limit) == whole
    assert Points.sum([Points.sum(cut[:2], limit), *cut[2:]], limit) == whole
    assert sum(whole.counts) == len(values)


@example(values="abcdeaaaaa", limit=4, parts=2)
@given(st.lists(st.sampled_from("abcdefgh"), max_size=40), st.integers(1, 9), st.integers(1, 6))
def test_labels_that_are_too_many_are_so_in_any_sum(values, limit, parts):
    def labels(some):
        return Labels.of(((label, 1) for label in some), limit)

    whole = labels(values)
    assert whole.total == len(values)
    assert whole.overflows == (len(set(values)) > limit)
    assert Labels.sum([labels(values[i::parts]) for i in range(parts)], limit) == whole
