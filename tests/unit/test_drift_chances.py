"""The chances of drift's tests, against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from lineage_bridge.assess.drift.chances import beyond, chi_square, kolmogorov, table_of_two
from lineage_bridge.assess.drift.evidence import corrected, pooled_chi_square
from lineage_bridge.assess.drift.kolmogorov import EXACT_PAIRS, chance_of_distance


@pytest.mark.parametrize("degrees", [1, 2, 3, 10, 59, 1000])
@pytest.mark.parametrize("statistic", [0.001, 1.0, 12.5, 70.0, 900.0])
def test_chi_square(statistic, degrees):
    assert chi_square(statistic, degrees) == pytest.approx(
        stats.chi2.sf(statistic, degrees), rel=1e-9, abs=1e-300
    )


@pytest.mark.parametrize(
    "table", [(0, 100, 3, 97), (1, 40, 0, 30), (5, 0, 5, 0), (2, 1_000_000, 3, 27), (3, 2, 1, 9)]
)
def test_a_table_with_few_rows_is_fishers(table):
    a, b, c, d = table
    expected = stats.fisher_exact([[a, b], [c, d]]).pvalue
    assert table_of_two(a, b, c, d) == pytest.approx(expected, rel=1e-6)


def test_a_table_with_many_rows_is_a_chi_square():
    expected = stats.chi2_contingency([[40, 960], [70, 930]], correction=False).pvalue
    assert table_of_two(40, 960, 70, 930) == pytest.approx(expected)


@pytest.mark.parametrize("count", [1, 3, 40])
@pytest.mark.parametrize("r", [1, 2, 30])
@pytest.mark.parametrize("sizes", [(1000, 1000), (40_198, 1400), (30, 5000)])
def test_beyond_is_a_negative_binomial(count, r, sizes):
    reference, current = sizes
    expected = stats.nbinom.sf(count - 1, r, reference / (reference + current))
    assert beyond(count, r, reference, current) == pytest.approx(expected, rel=1e-8)
    assert beyond(0, r, reference, current) == 1


@pytest.mark.parametrize("sizes", [(1, 1), (2, 3), (30, 30), (30, 4000), (101, 37), (900, 1000)])
def test_a_distance_between_small_samples_has_its_exact_chance(sizes):
    rng = np.random.default_rng(sizes)
    assert sizes[0] * sizes[1] <= EXACT_PAIRS
    for shift in (0, 0.2, 0.4):
        sides = rng.normal(size=sizes[0]), rng.normal(shift, size=sizes[1])
        found = stats.ks_2samp(*sides, method="exact")
        assert chance_of_distance(float(found.statistic), *sizes) == pytest.approx(
            found.pvalue, rel=1e-4, abs=1e-9
        )


def test_a_distance_between_large_samples_is_off_by_less_than_a_tenth_of_its_chance():
    for distance in (0.0364, 0.0436, 0.0522):
        exact = stats.ks_2samp(*_apart(distance, 1400, 40_198), method="exact").pvalue
        assert kolmogorov(distance, 1400 * 40_198 / 41_598) == pytest.approx(exact, rel=0.1)


def _apart(distance, reference, current):
    """Two samples of which the one is uniform, and the other too but for a share that is moved."""
    uniform = (np.arange(current) + 0.5) / current
    moved = (np.arange(reference) + 0.5) / reference
    below = moved < distance
    return np.where(below, 1 + moved, moved), uniform


def test_corrected_for_many_features():
    rng = np.random.default_rng(3)
    chances = [*rng.random(20), 1e-5, 1e-3, 0.02]
    assert corrected(chances) == pytest.approx(list(stats.false_discovery_control(chances)))
    assert corrected([]) == []


def test_labels_with_enough_rows_are_a_contingency_table():
    there, now = np.array([40, 60, 100]), np.array([50, 40, 110])
    expected = stats.chi2_contingency([there, now], correction=False)
    statistic, degrees = pooled_chi_square(there, now)
    assert (statistic, degrees) == (pytest.approx(expected.statistic), expected.dof)


def test_rare_labels_are_taken_together():
    there, now = np.array([500, 490, 4, 3, 3]), np.array([500, 490, 3, 4, 3])
    _, degrees = pooled_chi_square(there, now)
    assert degrees == 2
    assert pooled_chi_square(np.array([2, 1]), np.array([1, 2])) == (0.0, 0)
    assert pooled_chi_square(np.array([2000, 1]), np.array([1000, 0]))[1] == 0
