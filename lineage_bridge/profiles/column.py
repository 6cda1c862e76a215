"""What is known of one column: numbers, instants and labels, each by itself, and what is none.

A column is of one kind as a rule. Where rows are of mixed types, each value is counted as what it
is, so nothing is guessed and nothing is lost when profiles are added up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, Self

from lineage_bridge.profiles.labels import MOST_LABELS, Labels
from lineage_bridge.profiles.points import MOST_POINTS, Points

Kind = Literal["number", "time", "label", "other", "mixed", "none"]

_ZONE: Final = re.compile(r"^timestamp\[\w+, tz=(.+)\]$")


class Limits(NamedTuple):
    """How much is kept of one column."""

    points: int
    labels: int


WHOLE: Final = Limits(MOST_POINTS, MOST_LABELS)


@dataclass(frozen=True, slots=True)
class Column:
    """The values of one column.

    Attributes:
        values: how many are not null; NaN is one of them.
        nans: how many are NaN.
        infinities: how many are infinite; they are among the numbers too.
        others: how many are of a type that is only counted: binary, lists, structs.
        numbers: numbers; times of a day and durations are seconds.
        instants: dates and timestamps, microseconds since 1970-01-01 (UTC where a zone is known).
        labels: texts, and truth values as `true` and `false`.
        types: what the types are called, without how they are encoded.
    """

    values: int = 0
    nans: int = 0
    infinities: int = 0
    others: int = 0
    numbers: Points = field(default_factory=Points.none)
    instants: Points = field(default_factory=Points.none)
    labels: Labels = field(default_factory=Labels)
    types: frozenset[str] = frozenset()

    @classmethod
    def sum(cls, parts: Iterable[Self], limits: Limits = WHOLE) -> Self:
        """Add up: the values of all parts together."""
        listed = list(parts)
        return cls(
            sum(part.values for part in listed),
            sum(part.nans for part in listed),
            sum(part.infinities for part in listed),
            sum(part.others for part in listed),
            Points.sum((part.numbers for part in listed), limits.points),
            Points.sum((part.instants for part in listed), limits.points),
            Labels.sum((part.labels for part in listed), limits.labels),
            frozenset().union(*(part.types for part in listed)),
        )

    @property
    def by_kind(self) -> dict[Kind, int]:
        """How many values there are of each kind that there is; NaN is none."""
        found: dict[Kind, int] = {
            "number": self.numbers.total,
            "time": self.instants.total,
            "label": self.labels.total,
            "other": self.others,
        }
        return {kind: count for kind, count in found.items() if count}

    @property
    def kind(self) -> Kind:
        """Of what kind the values are."""
        kinds = [*self.by_kind]
        return kinds[0] if len(kinds) == 1 else "mixed" if kinds else "none"

    @property
    def main_kind(self) -> Kind:
        """Of what kind most values are."""
        counts = self.by_kind
        return max(counts, key=counts.__getitem__) if counts else "none"

    @property
    def zones(self) -> tuple[str, ...]:
        """The zones of its timestamps; none where they have none."""
        found = (_ZONE.match(name) for name in sorted(self.types))
        return tuple(match[1] for match in found if match)

    @property
    def distinct(self) -> int:
        """How many different values there are, at least: `is_distinct_exact`."""
        points = len(self.numbers.firsts) + len(self.instants.firsts)
        labels = MOST_LABELS + 1 if self.labels.overflows else len(self.labels.counts)
        return points + labels

    @property
    def is_distinct_exact(self) -> bool:
        """Whether there are no more different values than `distinct`."""
        return self._are_singles and not self.labels.overflows and not self.others

    @property
    def is_constant(self) -> bool:
        """Whether all values that there are are the same one."""
        return self.distinct == 1 and self._are_singles and not (self.others or self.nans)

    @property
    def _are_singles(self) -> bool:
        return bool(self.numbers.singles.all() and self.instants.singles.all())
