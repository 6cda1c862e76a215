"""What the rows of a version say, by its profile; where they were not read, what was said of them.

A date or time without a zone is read as UTC.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final, NamedTuple

from lineage_bridge.assess.checks.facts import Version
from lineage_bridge.profiles.column import Column

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_US: Final = 1e6
# Usual distances between the times of rows, in seconds; the longest first.
_USUAL_SLOTS: Final = (86_400, 43_200, 21_600, 3_600, 1_800, 1_200, 900, 600, 300, 60, 1)


class Target(NamedTuple):
    """How many rows have which target."""

    zeros: int
    ones: int
    others: int  # null, NaN and all other values

    @property
    def rate(self) -> float | None:
        """The share of ones among zeros and ones; None where there is neither."""
        known = self.zeros + self.ones
        return self.ones / known if known else None


def column_of(version: Version, name: str | None) -> Column | None:
    """Return a column of the profile; None if the rows were not read or have no such column."""
    if version.profile is None or name is None:
        return None
    return version.profile.whole.columns.get(name)


def target_of(version: Version) -> Target | None:
    """Count the targets; None if the rows were not read."""
    column = column_of(version, version.roles.target)
    if column is None or version.profile is None:
        return None
    numbers, labels = column.numbers, column.labels.counts
    counts = dict(zip(numbers.values.tolist(), numbers.counts.tolist(), strict=True))
    if not bool(numbers.singles.all()):
        counts = {}  # so many different numbers are no two classes
    zeros = counts.get(0.0, 0) + labels.get("false", 0)
    ones = counts.get(1.0, 0) + labels.get("true", 0)
    return Target(zeros, ones, version.profile.rows - zeros - ones)


def positive_rate(version: Version) -> float | None:
    """Return the share of ones among the targets, counted or else as it was said."""
    found = target_of(version)
    return found.rate if found is not None else version.said.positive_rate


def times_of(version: Version) -> tuple[datetime, datetime] | None:
    """Return the first and last event time, by the rows or else as they were said."""
    column = column_of(version, version.roles.time)
    if column is not None and column.instants.total:
        first, last = _instant(column.instants.smallest), _instant(column.instants.largest)
    else:
        first, last = version.said.first, version.said.last
    return (first, last) if first is not None and last is not None else None


def _instant(microseconds: float) -> datetime | None:
    try:
        return _EPOCH + timedelta(microseconds=microseconds)
    except (OverflowError, ValueError):  # before the year 1, after 9999, NaN
        return None


def entities_of(version: Version) -> frozenset[str] | None:
    """Return the names of the entities; None if the rows were not read, or name too many."""
    column = column_of(version, version.roles.entity)
    if column is None or column.labels.overflows or not column.labels.total:
        return None
    return frozenset(column.labels.counts)


def entity_count(version: Version) -> int | None:
    """Return how many entities there are, counted or else as it was said."""
    column = column_of(version, version.roles.entity)
    if column is not None and column.values and column.is_distinct_exact:
        return column.distinct
    return version.said.entities


def null_shares(version: Version) -> Mapping[str, float]:
    """Return the share of rows without a value, column by column; NaN is none."""
    if not version.rows:
        return {}
    if version.profile is not None:
        whole = version.profile.whole
        return {
            name: (whole.nulls(name) + column.nans) / max(whole.rows, 1)
            for name, column in whole.columns.items()
        }
    known = ((c.name, c.nulls) for c in version.columns or ())
    return {name: nulls / version.rows for name, nulls in known if nulls is not None}


def slot_seconds(version: Version) -> float | None:
    """Return the distance between the times of rows.

    With the rows, the most frequent distance of neighbours among the different times. Without
    them, the longest usual one that divides the range and has a place for every row: it is never
    shorter than the true one if that is a usual one, so it never makes gaps where there are none.
    """
    column = column_of(version, version.roles.time)
    if column is not None and len(column.instants.firsts) > 1 and column.instants.singles.all():
        gaps = Counter(round(b - a) for a, b in pairwise(column.instants.values.tolist()))
        most = max(gaps.values())
        return min(gap for gap, count in gaps.items() if count == most) / _US or None
    times, entities = times_of(version), entity_count(version)
    if times is None or not entities or not version.rows:
        return None
    seconds = (times[1] - times[0]).total_seconds()
    fitting = (slot for slot in _USUAL_SLOTS if seconds >= slot and seconds % slot == 0)
    return next((s for s in fitting if version.rows <= entities * (seconds / s + 1)), None)


def fill(version: Version, slot: float | None = None) -> float | None:
    """Return the share of places that have a row: one for each entity and slot in the range."""
    times, entities = times_of(version), entity_count(version)
    slot = slot or slot_seconds(version)
    if times is None or not entities or not slot or version.rows is None:
        return None
    return version.rows / (entities * ((times[1] - times[0]).total_seconds() / slot + 1))
