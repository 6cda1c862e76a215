"""What lies outside of what a model was trained on: counted, request by request, and never tested.

A test of shares does not see one request in 16,000, and does not have to: a label that the model
never saw is one, however rare. So each is counted from its first time on. Counts of parts of a log
add up.

How many requests carry any of it is known from below and from above: a profile knows each column
by itself, and not which of its values were in one row.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, Self

import numpy as np

from lineage_bridge.assess.drift.policy import DriftPolicy
from lineage_bridge.profiles.column import Column
from lineage_bridge.profiles.points import Points
from lineage_bridge.profiles.profile import Part, Profile

Sort = Literal["unseen_label", "beyond_range", "not_one_of_group", "constant"]

MOST_LABELS: Final = 20  # unseen ones of a feature that are told apart
_FEWEST_ROWS: Final = 30  # of a reference that is to say what belongs together
_ROUNDED: Final = 1e-6  # of a limit: a number that was kept with fewer digits is not beyond it
_BY_CHANCE: Final = 1e-6  # a column that is constant by a larger chance says nothing
_SEPARATORS: Final = "_=.:- "
_BITS: Final = {0.0, 1.0}


class Group(NamedTuple):
    """Columns of 0 and 1 of which exactly one is 1 in each row of the reference."""

    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trained:
    """What the rows of a reference say about values that a model knows.

    Attributes:
        labels: those of each feature of labels.
        ranges: the smallest and the largest number of each feature of numbers.
        groups: columns of which exactly one is set.
        varied: the features that had several values, as they are in the reference.
    """

    labels: Mapping[str, frozenset[str]]
    ranges: Mapping[str, tuple[float, float]]
    groups: tuple[Group, ...]
    varied: Mapping[str, Column]

    @classmethod
    def of(cls, reference: Profile, policy: DriftPolicy) -> Self:
        """Take it from a profile, without what moves with the calendar, keys and times."""
        features = {
            name: column
            for name, column in reference.whole.columns.items()
            if name not in {*reference.keys, *policy.apart} and not policy.is_calendar(name)
        }
        return cls(
            {
                name: frozenset(column.labels.counts)
                for name, column in features.items()
                if column.main_kind == "label" and not column.labels.overflows
            },
            {
                name: (finite.smallest, finite.largest)
                for name, column in features.items()
                if column.main_kind == "number" and (finite := column.numbers.finite()).total
            },
            tuple(_groups(features, reference.rows)),
            {
                name: column
                for name, column in features.items()
                if column.kind in {"label", "number"} and column.distinct > 1
            },
        )


@dataclass(frozen=True, slots=True)
class Found:
    """Requests that carry one sort of it in one feature.

    Attributes:
        requests: how many, at least.
        labels: how many of each label, of the first `MOST_LABELS`.
        low: the smallest number beyond the range.
        high: the largest.
    """

    requests: int
    labels: Mapping[str, int] = field(default_factory=dict)
    low: float | None = None
    high: float | None = None

    @classmethod
    def sum(cls, parts: Iterable[Self]) -> Self:
        """Add up: the requests of all parts together."""
        listed = list(parts)
        labels: dict[str, int] = {}
        for part in listed:
            for label, count in part.labels.items():
                if label in labels or len(labels) < MOST_LABELS:
                    labels[label] = labels.get(label, 0) + count
        lows = [part.low for part in listed if part.low is not None]
        highs = [part.high for part in listed if part.high is not None]
        return cls(
            sum(part.requests for part in listed),
            labels,
            min(lows, default=None),
            max(highs, default=None),
        )


Key = tuple[str, Sort]  # a feature, or the beginning of a group's names


@dataclass(frozen=True, slots=True)
class Untrained:
    """What some requests carry that the model does not know.

    Attributes:
        rows: all requests.
        at_least: how many carry any of it, at least.
        at_most: how many do, at most.
        found: by feature and sort.
    """

    rows: int = 0
    at_least: int = 0
    at_most: int = 0
    found: Mapping[Key, Found] = field(default_factory=dict)

    @classmethod
    def of(cls, part: Part, trained: Trained) -> Self:
        """Count it in some rows."""
        found = dict(_found(part, trained))
        requests = [one.requests for one in found.values()]
        at_least = max(requests, default=0)
        return cls(part.rows, at_least, min(part.rows, sum(requests)), found)

    @classmethod
    def sum(cls, parts: Iterable[Self]) -> Self:
        """Add up: the requests of all parts together."""
        listed = list(parts)
        keys = dict.fromkeys(key for part in listed for key in part.found)
        return cls(
            sum(part.rows for part in listed),
            sum(part.at_least for part in listed),
            sum(part.at_most for part in listed),
            {
                key: Found.sum(part.found[key] for part in listed if key in part.found)
                for key in keys
            },
        )

    def with_constant(self, names: Iterable[str]) -> Self:
        """Add columns that are constant in all of these requests."""
        constant: dict[Key, Found] = {(name, "constant"): Found(self.rows) for name in names}
        if not constant:
            return self
        return type(self)(self.rows, self.rows, self.rows, {**self.found, **constant})


def constant_columns(part: Part, trained: Trained, tellers: int) -> Iterator[str]:
    """Yield the features that varied in the reference and are one value in all of these rows.

    Args:
        part: the rows.
        trained: what the reference says.
        tellers: how many of the rows tell something new: pairs of an entity and a day, where these
            are known. A service that is asked about one station has one capacity.
    """
    for name, before in trained.varied.items():
        column = part.column(name)
        if column.is_constant and column.values == part.rows:
            share = _count_of(before, column) / before.values
            if share**tellers < _BY_CHANCE:
                yield name


def _found(part: Part, trained: Trained) -> Iterator[tuple[Key, Found]]:
    for name, known in trained.labels.items():
        labels = part.column(name).labels
        unseen = {one: count for one, count in labels.counts.items() if one not in known}
        if unseen:
            most = sorted(unseen.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_LABELS]
            yield (name, "unseen_label"), Found(sum(unseen.values()), dict(most))
    for name, limits in trained.ranges.items():
        beyond = _beyond(part.column(name).numbers, limits)
        if beyond is not None:
            yield (name, "beyond_range"), beyond
    for group in trained.groups:
        columns = [part.column(name) for name in group.columns]
        if any(column.values for column in columns):
            off = abs(part.rows - sum(map(_ones, columns)))
            if off:
                yield (group.name, "not_one_of_group"), Found(min(off, part.rows))


def _beyond(numbers: Points, limits: tuple[float, float]) -> Found | None:
    if not numbers.total:
        return None
    low, high = limits[0] - abs(limits[0]) * _ROUNDED, limits[1] + abs(limits[1]) * _ROUNDED
    below, above = numbers.values < low, numbers.values > high
    count = int(numbers.counts[below | above].sum())
    if not count:
        return None
    return Found(
        count,
        low=_finite(numbers.smallest) if below.any() else None,
        high=_finite(numbers.largest) if above.any() else None,
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _groups(features: Mapping[str, Column], rows: int) -> Iterator[Group]:
    """Find columns of one beginning whose ones are exactly as many as the rows.

    The shortest beginning counts: `work` of `work_for_state` and `work_private`.
    """
    bits = {name: _ones(column) for name, column in features.items() if _is_bit(column, rows)}
    if rows < _FEWEST_ROWS or len(bits) < 2:
        return
    by_beginning: dict[str, list[str]] = {}
    for name in bits:
        for at, character in enumerate(name):
            if at and character in _SEPARATORS:
                by_beginning.setdefault(name[: at + 1], []).append(name)
    taken: set[str] = set()
    for beginning in sorted(by_beginning, key=lambda text: (len(text), text)):
        names = by_beginning[beginning]
        set_at_all = sum(bits[name] > 0 for name in names)
        is_one = set_at_all > 1 and sum(bits[name] for name in names) == rows
        if is_one and taken.isdisjoint(names):
            taken.update(names)
            yield Group(beginning[:-1], tuple(names))


def _is_bit(column: Column, rows: int) -> bool:
    if column.values != rows or column.nans:
        return False
    if column.kind == "label":
        return set(column.labels.counts) <= {"true", "false"} and not column.labels.overflows
    points = column.numbers
    return (
        column.kind == "number"
        and len(points.firsts) <= 2
        and bool(points.singles.all())
        and set(points.values.tolist()) <= _BITS
    )


def _ones(column: Column) -> int:
    numbers = column.numbers
    ones = int(numbers.counts[numbers.values == 1.0].sum()) if numbers.total else 0
    return ones + column.labels.counts.get("true", 0)


def _count_of(column: Column, constant: Column) -> int:
    """Count the values that are the one that another column has; of cells all that they hold."""
    if constant.labels.total:
        (label,) = constant.labels.counts
        # Of labels that are not told apart nobody knows; they are many.
        return column.labels.counts.get(label, 0)
    points, key = column.numbers, constant.numbers.firsts[0]
    at = int(np.searchsorted(points.firsts, key, side="right")) - 1
    if at < 0 or (points.singles[at] and points.firsts[at] != key):
        return 0
    return int(points.counts[at])
