"""How many values of a column are outside of what is expected: of a range, or of a list of labels.

One strange value among many is no fault, so a share is judged; and a share of few values proves
little, so it is its lower bound (Wilson's, 95 %) that is held against the limit.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import NamedTuple

from lineage_bridge.assess.bounds import wilson_lower
from lineage_bridge.assess.checks.definition import Verdict, share_text, verdict
from lineage_bridge.profiles.column import Column


class _Outside(NamedTuple):
    """How many values of a column are not as expected; `values` is None if it is not there."""

    column: str
    strange: int
    values: int | None

    @property
    def proven(self) -> float:
        """The share that is certainly outside; of a column that is not there, all."""
        return 1.0 if self.values is None else wilson_lower(self.strange, self.values)

    @property
    def text(self) -> str:
        if self.values is None:
            return f"`{self.column}` is not there"
        return f"`{self.column}` {self.strange:,} of {self.values:,}"


def out_of_range(
    columns: Mapping[str, Column], ranges: Mapping[str, tuple[float, float]], most: float
) -> Verdict:
    """Judge values by the smallest and largest number that each column may have."""

    def beyond(name: str, column: Column) -> int:
        low, high = ranges[name]
        numbers = column.numbers
        is_within = (numbers.values >= low) & (numbers.values <= high)
        return column.values - column.nans - int(numbers.counts[is_within].sum())

    return _judged(columns, ranges, beyond, most)


def unknown_labels(
    columns: Mapping[str, Column], labels: Mapping[str, Collection[str]], most: float
) -> Verdict:
    """Judge values by the labels that each column may have."""

    def unknown(name: str, column: Column) -> int:
        counts = column.labels.counts  # none, if there are too many to tell apart
        return column.values - column.nans - sum(counts.get(label, 0) for label in labels[name])

    return _judged(columns, labels, unknown, most)


def _judged(
    columns: Mapping[str, Column],
    names: Collection[str],
    count: Callable[[str, Column], int],
    most: float,
) -> Verdict:
    found = sorted(_found(columns, names, count), key=lambda one: (-one.proven, one.column))
    over = [one for one in found if one.proven > most]
    shown = over or [one for one in found if one.strange]
    return verdict(
        "; ".join(one.text for one in shown[:3]) or "all as expected",
        f"surely no more than {share_text(most)} of the values",
        holds=not over,
        columns=[one.column for one in over],
    )


def _found(
    columns: Mapping[str, Column], names: Collection[str], count: Callable[[str, Column], int]
) -> Iterator[_Outside]:
    for name in names:
        column = columns.get(name)
        if column is None:
            yield _Outside(name, 0, None)
        else:
            yield _Outside(name, count(name, column), column.values - column.nans)
