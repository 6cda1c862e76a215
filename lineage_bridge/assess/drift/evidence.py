"""What speaks against two sides being alike, and how likely that is by chance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from lineage_bridge.assess.drift.chances import beyond, chi_square, table_of_two
from lineage_bridge.assess.drift.finding import Test
from lineage_bridge.assess.drift.kolmogorov import chance_of_distance
from lineage_bridge.profiles.keys import Counts, Floats

_LEAST_EXPECTED: Final = 5.0  # rows of a label, on either side; rarer labels are pooled


class Sides(NamedTuple):
    """A count on both sides."""

    reference: float
    current: float

    def of(self, rows: Sides) -> Sides:
        """Return them as shares of the rows."""
        return Sides(self.reference / rows.reference, self.current / rows.current)


class Newness(NamedTuple):
    """How many current values the reference has nothing like.

    Attributes:
        test: of which sort they are.
        rows: how many.
        r: one more than how many of the reference's own values are the only one of their sort at
            its edge: 2 for a range, which has two ends; singletons + 1 for labels.
        known: the share of the rows that is to be expected by those.
    """

    test: Test
    rows: int
    r: int
    known: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the tests of one feature need.

    Attributes:
        rows: all rows.
        nulls: null or NaN.
        others: values of another kind than most of the reference's.
        values: the rest, which the main test compares.
        distance: between numbers; None: there are none.
        table: how many of each label of the reference there are, on both sides; None: no labels.
        newness: None: nothing is known of a range or of labels.
    """

    rows: Sides
    nulls: Sides
    others: Sides
    values: Sides
    distance: float | None = None
    table: tuple[Counts, Counts] | None = None
    newness: Newness | None = None

    def chances(self, scale: Sides = Sides(1.0, 1.0)) -> dict[Test, float]:  # noqa: B008
        """Return the chance by each of the tests that apply.

        Args:
            scale: how many rows each row counts as: less than 1 where rows resemble each other.
        """
        return dict(self._chances(scale))

    def _chances(self, scale: Sides) -> Iterator[tuple[Test, float]]:
        rows, values = _scaled(self.rows, scale), _scaled(self.values, scale)
        if self.distance is not None:
            counts = (max(1, round(count)) for count in values)
            yield "ks", chance_of_distance(self.distance, *counts)
        if self.table is not None:
            there, now = self.table
            statistic, degrees = pooled_chi_square(
                np.multiply(there, scale.reference, dtype=np.float64),
                np.multiply(now, scale.current, dtype=np.float64),
            )
            if degrees:
                yield "chi_square", chi_square(statistic, degrees)
        if any(self.nulls):
            yield "nulls", _uneven(_scaled(self.nulls, scale), rows)
        if any(self.others):
            yield "kind", _uneven(_scaled(self.others, scale), rows)
        if self.newness is not None and all(values):
            count = self.newness.rows * scale.current
            yield self.newness.test, beyond(count, self.newness.r, *values)

    def newest(self) -> float:
        """Return the largest share of rows that the reference knew nothing like."""
        nulls, others = self.nulls.of(self.rows), self.others.of(self.rows)
        found = [abs(nulls.current - nulls.reference), others.current - others.reference]
        if self.newness is not None:
            found.append(self.newness.rows / self.rows.current - self.newness.known)
        return max(0.0, *found)


def combined(chances: dict[Test, float]) -> tuple[Test, float] | None:
    """Return the test with the smallest chance, and that times the number of tests."""
    if not chances:
        return None
    test = min(chances, key=chances.__getitem__)
    return test, min(1.0, len(chances) * chances[test])


def corrected(chances: Sequence[float]) -> list[float]:
    """Correct chances for their number: Benjamini and Hochberg, 1995."""
    order = sorted(range(len(chances)), key=chances.__getitem__)
    found = [1.0] * len(chances)
    least = 1.0
    for rank in range(len(order), 0, -1):
        least = min(least, chances[order[rank - 1]] * len(order) / rank)
        found[order[rank - 1]] = least
    return found


def pooled_chi_square(reference: Counts | Floats, current: Counts | Floats) -> tuple[float, int]:
    """Compute chi-square and its degrees of freedom, with rare labels taken together.

    No degrees of freedom are left where there are not two labels with enough rows.
    """
    rows = Sides(float(reference.sum()), float(current.sum()))
    if not all(rows):
        return 0.0, 0
    table = np.stack([reference, current]).astype(np.float64)
    expected = np.outer(rows, table.sum(axis=0)) / sum(rows)
    rare = expected.min(axis=0) < _LEAST_EXPECTED
    if rare.any() and not rare.all():
        pool = table[:, rare].sum(axis=1, keepdims=True)
        table = table[:, ~rare]
        if min(rows) * pool.sum() / sum(rows) < _LEAST_EXPECTED:
            table[:, table.sum(axis=0).argmin()] += pool[:, 0]
        else:
            table = np.hstack([table, pool])
    elif rare.all():
        return 0.0, 0
    expected = np.outer(rows, table.sum(axis=0)) / sum(rows)
    return float(((table - expected) ** 2 / expected).sum()), table.shape[1] - 1


def _scaled(sides: Sides, scale: Sides) -> Sides:
    return Sides(sides.reference * scale.reference, sides.current * scale.current)


def _uneven(some: Sides, rows: Sides) -> float:
    return table_of_two(
        some.reference,
        rows.reference - some.reference,
        some.current,
        rows.current - some.current,
    )
