from __future__ import annotations

import math

import numpy as np
import pytest

from lineage_bridge.profiles.keys import keys_of, values_of
from lineage_bridge.profiles.points import MOST_POINTS, Points

SIZE = 200_000
DISTRIBUTIONS = {
    "normal": lambda rng: rng.normal(3, 2, SIZE),
    "far from zero": lambda rng: 1.7e9 + rng.random(SIZE),
    "heavy tails": lambda rng: rng.standard_cauchy(SIZE),
    "many magnitudes": lambda rng: rng.lognormal(0, 3, SIZE) * rng.choice([-1, 1], SIZE),
    "a third zeros": lambda rng: rng.gamma(2, 2, SIZE) * (rng.random(SIZE) < 2 / 3),
}


def test_keys_have_the_order_of_the_numbers_and_lead_back_to_them():
    ordered = [-math.inf, -1.7e308, -1.0, -5e-324, 0.0, 5e-324, 1.0, 1.7e308, math.inf]
    keys = keys_of(np.array(ordered))
    assert list(values_of(keys)) == ordered
    assert (keys[1:] > keys[:-1]).all()
    assert keys_of(np.array([-0.0])) == keys_of(np.array([0.0]))


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_a_rank_is_off_by_no_more_than_is_said(name):
    numbers = DISTRIBUTIONS[name](np.random.default_rng(7))
    points = Points.of(numbers)
    assert len(points.firsts) <= MOST_POINTS
    assert points.total == SIZE
    assert (points.smallest, points.largest) == (numbers.min(), numbers.max())
    ordered = np.sort(numbers)
    shares = np.linspace(0.001, 0.999, 500)
    for share, value in zip(shares, points.quantiles(shares), strict=True):
        below = np.searchsorted(ordered, value) / SIZE
        up_to = np.searchsorted(ordered, value, "right") / SIZE
        assert below - points.rank_error <= share <= up_to + points.rank_error
    assert points.rank_error < 0.002


def test_so_many_different_numbers_are_all_known():
    numbers = np.repeat(np.random.default_rng(1).normal(size=MOST_POINTS), 3)
    points = Points.of(numbers)
    assert points.rank_error == 0
    assert points.mean_and_deviation() == pytest.approx((numbers.mean(), numbers.std()))
    assert set(points.values) == set(numbers)
    assert Points.of(np.append(numbers, 0.25)).rank_error > 0


def test_a_number_that_is_alone_in_its_cell_stays_itself():
    rng = np.random.default_rng(2)
    numbers = np.concatenate([rng.random(100_000) + 1, np.full(1000, 1234.56)])
    assert 1234.56 in Points.of(numbers).values


@pytest.mark.parametrize("numbers", [[], [math.inf], [-math.inf, math.inf], [5e-324], [2.0, 2.0]])
def test_odd_numbers(numbers):
    points = Points.of(np.array(numbers, dtype=np.float64))
    assert points.total == len(numbers)
    finite = [n for n in numbers if math.isfinite(n)]
    assert points.finite().total == len(finite)
    assert points.finite().largest == (
        max(finite) if finite else pytest.approx(math.nan, nan_ok=True)
    )
