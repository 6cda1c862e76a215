"""Values that are expected: numbers within a range, labels of a list, where the settings say so.

One strange value among many is no fault of a dataset, so a share is judged; and a share of few
values proves little, so it is its lower bound (Wilson's, 95 %) that is held against the limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from lineage_bridge.assess.bounds import wilson_lower
from lineage_bridge.assess.checks.definition import (
    Case,
    Check,
    Verdict,
    share_text,
    skipped,
    verdict,
)
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


def _out_of_range(case: Case) -> Verdict:
    def outside(name: str, column: Column) -> int:
        low, high = case.policy.ranges[name]
        numbers = column.numbers
        is_within = (numbers.values >= low) & (numbers.values <= high)
        return column.values - column.nans - int(numbers.counts[is_within].sum())

    return _judged(case, [*case.policy.ranges], outside, case.policy.out_of_range_share_most)


def _unknown_labels(case: Case) -> Verdict:
    def unknown(name: str, column: Column) -> int:
        counts = column.labels.counts  # none, if there are too many to tell apart
        return column.values - sum(counts.get(label, 0) for label in case.policy.labels[name])

    return _judged(case, [*case.policy.labels], unknown, case.policy.unknown_label_share_most)


def _judged(
    case: Case, names: list[str], count: Callable[[str, Column], int], most: float
) -> Verdict:
    if not names:
        return skipped("nothing is expected of any column")
    found = sorted(_found(case, names, count), key=lambda one: (-one.proven, one.column))
    over = [one for one in found if one.proven > most]
    shown = over or [one for one in found if one.strange]
    return verdict(
        "; ".join(one.text for one in shown[:3]) or "all as expected",
        f"surely no more than {share_text(most)} of the values",
        holds=not over,
        columns=[one.column for one in over],
    )


def _found(case: Case, names: list[str], count: Callable[[str, Column], int]) -> Iterator[_Outside]:
    assert case.now.profile is not None
    columns = case.now.profile.whole.columns
    for name in names:
        column = columns.get(name)
        if column is None:
            yield _Outside(name, 0, None)
        else:
            yield _Outside(name, count(name, column), column.values - column.nans)


CHECKS: Final = (
    Check(
        "out_of_range",
        "error",
        "the share of a column's values beyond the range that the settings name for it",
        "the range was too narrow; what is between the limit and its bound is let pass",
        _out_of_range,
        ("rows",),
        ("ranges", "out_of_range_share_most"),
        "share of values",
    ),
    Check(
        "unknown_labels",
        "warn",
        "the share of a column's labels that are not on the list that the settings name for it",
        "a label that is new in the world; beyond 10,000 labels all count as unknown",
        _unknown_labels,
        ("rows",),
        ("labels", "unknown_label_share_most"),
        "share of values",
    ),
)
