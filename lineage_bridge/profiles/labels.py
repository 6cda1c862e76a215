"""The distribution of labels: each with its count, up to a number of different ones.

A column with more of them is a name or a text and no category: its labels are no longer told
apart, only counted together. That is so for any part of the rows or not at all, so that sums do
not depend on their order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Self

MOST_LABELS: Final = 10_000  # different ones of one column
LONGEST_LABEL: Final = 200  # characters; of a longer one the beginning and a digest are kept

_NONE: Final[Mapping[str, int]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels of a column.

    Attributes:
        total: how many values there are.
        counts: how many of each label; empty if there are too many different ones.
        overflows: whether there are too many.
    """

    total: int = 0
    counts: Mapping[str, int] = field(default_factory=lambda: _NONE)
    overflows: bool = False

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, int]], limit: int = MOST_LABELS) -> Self:
        """Take labels and their counts; a label may come several times."""
        counts: dict[str, int] = {}
        total = 0
        for label, count in pairs:
            total += count
            if len(counts) <= limit:
                name = shortened(label)
                counts[name] = counts.get(name, 0) + count
        return cls(total, counts) if len(counts) <= limit else cls(total, _NONE, overflows=True)

    @classmethod
    def sum(cls, parts: Iterable[Self], limit: int = MOST_LABELS) -> Self:
        """Add up: the labels of all parts together."""
        listed = [part for part in parts if part.total]
        total = sum(part.total for part in listed)
        if any(part.overflows for part in listed):
            return cls(total, _NONE, overflows=True)
        if len(listed) == 1 and len(listed[0].counts) <= limit:
            return listed[0]
        return cls.of((pair for part in listed for pair in part.counts.items()), limit)

    def most_frequent(self, number: int) -> list[tuple[str, int]]:
        """List the most frequent labels with their counts, of equals by the alphabet."""
        return sorted(self.counts.items(), key=lambda pair: (-pair[1], pair[0]))[:number]


def shortened(label: str) -> str:
    """Return a label, or the beginning of a long one with a digest: two that differ stay two."""
    if len(label) <= LONGEST_LABEL:
        return label
    digest = hashlib.blake2b(label.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return f"{label[: LONGEST_LABEL - 17]}…{digest}"
