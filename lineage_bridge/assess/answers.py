"""What a window's rows were answered: how sure the model was, and which classes it named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lineage_bridge.profiles.column import Column
from lineage_bridge.profiles.points import Points, mean_and_deviation
from lineage_bridge.profiles.profile import Profile

MOST_CLASSES: Final = 20


def mean_confidence(rows: Profile) -> float | None:
    """Return the mean of what the log calls confidence, 0 to 1; None where nothing says it.

    Of a probability of the positive class the confidence is that or its complement, whichever is
    larger.
    """
    columns = rows.whole.columns
    if "confidence" in columns:
        said = columns["confidence"].numbers.finite()
        return said.mean_and_deviation()[0] if said.total else None
    if "probability" not in columns:
        return None
    chances = columns["probability"].numbers.finite()
    if not chances.total:
        return None
    return mean_and_deviation(0.5 + abs(chances.values - 0.5), chances.counts)[0]


def class_shares(rows: Profile) -> Mapping[str, float]:
    """Return the share of each predicted class, the most frequent first, 20 at most.

    Classes are labels, or up to 20 different whole numbers. Where only a probability is answered,
    it is class 1 from 0.5 on, else 0. Amounts have none.
    """
    columns = rows.whole.columns
    counts = _classes(columns["prediction"]) if "prediction" in columns else {}
    if not counts and "probability" in columns:
        counts = _of_two(columns["probability"].numbers.finite())
    total = sum(counts.values())
    listed = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_CLASSES]
    return {name: count / total for name, count in listed}


def _classes(column: Column) -> Mapping[str, int]:
    if column.labels.total:
        return column.labels.counts
    return _whole_numbers(column.numbers.finite())


def _of_two(chances: Points) -> Mapping[str, int]:
    positive = int(chances.counts[chances.values >= 0.5].sum())
    counts = {"1": positive, "0": chances.total - positive}
    return {name: count for name, count in counts.items() if count}


def _whole_numbers(numbers: Points) -> Mapping[str, int]:
    values = numbers.values
    if len(values) > MOST_CLASSES or not (numbers.singles.all() and (values % 1 == 0).all()):
        return {}
    pairs = zip(values, numbers.counts, strict=True)
    return {f"{int(value)}": int(count) for value, count in pairs}
