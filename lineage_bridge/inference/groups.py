"""Labelled requests counted by their group, in memory that does not grow with them."""

from __future__ import annotations

from typing import Final

import numpy as np

from lineage_bridge.facets.fairness import Group
from lineage_bridge.inference.requests import Told
from lineage_bridge.profiles.keys import Flags, Floats

MAX_GROUPS: Final = 50  # that are told
_MOST_COUNTED: Final = 10_000
_COUNTS: Final = 5  # labelled, correct, positive, answered positive, true positive


class Grouping:
    """Adds up answers and labels by group."""

    def __init__(self) -> None:
        self._counts: dict[str, np.ndarray[tuple[int], np.dtype[np.int64]]] = {}
        self._is_binary = True
        self._more: set[str] = set()
        self.counted = 0

    def add(self, groups: Told, answers: Told, chances: Floats, labels: Told) -> None:
        """Take answered requests whose labels are known; those without a group do not count."""
        is_there = groups.is_text
        self.counted += int(is_there.sum())
        if not is_there.any():
            return
        correct, positive, said, binary = _outcomes(answers, chances, labels)
        self._is_binary &= binary
        for place in np.unique(groups.texts[is_there]).tolist():
            which = groups.texts == place
            self._add_group(groups.names[place], which, correct, positive, said)

    def _add_group(
        self, name: str, which: Flags, correct: Flags, positive: Flags, said: Flags
    ) -> None:
        if name not in self._counts and len(self._counts) >= _MOST_COUNTED:
            self._more.add(name)
            return
        counts = self._counts.setdefault(name, np.zeros(_COUNTS, np.int64))
        parts = (which, which & correct, which & positive, which & said, which & positive & said)
        counts += [int(part.sum()) for part in parts]

    def groups(self) -> tuple[tuple[Group, ...], int]:
        """Return the groups with most labels by name, and how many more there are."""
        ordered = sorted(self._counts.items(), key=lambda item: (-item[1][0], item[0]))
        told = [_group(name, counts.tolist(), self._is_binary) for name, counts in ordered]
        kept = sorted(told[:MAX_GROUPS], key=lambda one: one.group)
        return tuple(kept), max(0, len(told) - MAX_GROUPS) + len(self._more)


def _group(name: str, counts: list[int], is_binary: bool) -> Group:
    labelled, correct, positive, said, found = counts
    if not is_binary:
        return Group(group=name, labelled=labelled, correct=correct)
    return Group(
        group=name,
        labelled=labelled,
        correct=correct,
        positive=positive,
        answered_positive=said,
        true_positive=found,
    )


def _outcomes(answers: Told, chances: Floats, labels: Told) -> tuple[Flags, Flags, Flags, bool]:
    """Tell which are correct, which are positive, which were answered so, and if all are binary.

    A probability as the answer means the class from one half on, as accuracy has it.
    """
    is_text = answers.is_text | labels.is_text
    numbers = answers.numbers
    is_binary = ~is_text & ((labels.numbers == 0.0) | (labels.numbers == 1.0))
    is_share = is_binary & (numbers > 0.0) & (numbers < 1.0) & np.isnan(chances)
    said = np.where(is_share, np.where(numbers >= 0.5, 1.0, 0.0), numbers)
    correct: Flags = ~is_text & (said == labels.numbers)
    if is_text.any():
        equal = _equal_texts(answers.where(is_text), labels.where(is_text))
        correct[is_text] = equal
    positive: Flags = is_binary & (labels.numbers == 1.0)
    return correct, positive, is_binary & (said == 1.0), bool(is_binary.all())


def _equal_texts(answers: Told, labels: Told) -> list[bool]:
    return [a == b for a, b in zip(answers.values(), labels.values(), strict=True)]
