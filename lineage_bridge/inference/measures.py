"""How good answers were, of which it is known what was true: each figure with its bounds and count.

Bounds are of 95 %, by formula. A share has Wilson's interval; the area under the ROC curve that of
Newcombe (Statistics in Medicine 25, 2006, method 5), which also holds where all pairs are in order;
a mean error has the normal one. All of them take requests as independent of each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

import numpy as np

from lineage_bridge.assess.bounds import DEFAULT_Z, wilson_bounds
from lineage_bridge.inference.values import Answer
from lineage_bridge.profiles.points import Points, shifted

Kind = Literal["binary", "category", "number", "unlike"]

BINS: Final = 10
_MOST_CATEGORIES: Final = 20  # of labels that are whole numbers; with more they are amounts
_HALVINGS: Final = 60


class Bounded(NamedTuple):
    """A figure, and what it may really be."""

    value: float
    low: float
    high: float


class Bin(NamedTuple):
    """Requests whose probability is in one tenth of the range."""

    rows: int
    mean_probability: float
    positive: Bounded


@dataclass(frozen=True, slots=True)
class Measures:
    """How good the answers to labelled requests were; None: the kind of target has no such figure.

    Attributes:
        labelled: of how many requests that were answered the label is known.
        kind: of the target, by its labels and answers; `unlike` where one of them is always a text
            and the other one a number, so that they cannot be compared.
        accuracy: the share of answers that are the label.
        auc: the chance that a positive request has a higher probability than a negative one.
        brier: the mean square of probability less label.
        bias: the mean of probability less label, or of answer less label: 0 where calibrated.
        bins: calibration by tenths; those without a request are left out.
        mean_absolute_error: of answers that are amounts.
        root_mean_square_error: of the same.
    """

    labelled: int
    kind: Kind
    accuracy: Bounded | None = None
    auc: Bounded | None = None
    brier: float | None = None
    bias: Bounded | None = None
    bins: tuple[Bin, ...] = ()
    mean_absolute_error: Bounded | None = None
    root_mean_square_error: float | None = None


class _Sums:
    """Sums of errors, in float64."""

    def __init__(self) -> None:
        self.rows, self.errors, self.sizes, self.squares = 0, 0.0, 0.0, 0.0

    def add(self, error: float) -> None:
        self.rows += 1
        self.errors += error
        self.sizes += abs(error)
        self.squares += error * error

    def mean(self, total: float) -> Bounded | None:
        """Bound the mean of errors or of their sizes."""
        if not self.rows or not math.isfinite(self.squares):
            return None
        mean = total / self.rows
        if self.rows < 2:
            return Bounded(mean, -math.inf, math.inf)
        variance = max(self.squares - self.rows * mean * mean, 0.0) / (self.rows - 1)
        spread = DEFAULT_Z * math.sqrt(variance / self.rows)
        return Bounded(mean, mean - spread, mean + spread)


@dataclass(slots=True)
class Measuring:
    """Adds up answers and labels, in memory that does not grow with them."""

    labelled: int = 0
    correct: int = 0
    correct_at_half: int = 0
    unlike: int = 0
    kinds: set[str] = field(default_factory=set)
    categories: set[float] = field(default_factory=set)
    sums: _Sums = field(default_factory=_Sums)
    of_scores: _Sums = field(default_factory=_Sums)
    has_probabilities: bool = False
    positives: Points = field(default_factory=Points.none)
    negatives: Points = field(default_factory=Points.none)
    bins: list[list[float]] = field(default_factory=lambda: [[0, 0.0, 0] for _ in range(BINS)])
    _scores: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))

    def add(self, answer: Answer, probability: float | None, label: Answer) -> None:
        """Take an answered request whose label is known; the answer may be NaN."""
        self.labelled += 1
        self.correct += answer == label
        if isinstance(label, str) or isinstance(answer, str):
            self.unlike += type(label) is not type(answer)
            self.kinds.add("text")
            return
        self._add_kinds(answer, label)
        self.sums.add(answer - label)
        score = answer if probability is None else probability
        self.has_probabilities |= probability is not None
        if label in {0.0, 1.0} and 0.0 <= score <= 1.0:
            self._add_score(score, label)

    def flush(self) -> None:
        """Add up what was taken since the last time."""
        for name, scores in zip(("negatives", "positives"), self._scores, strict=True):
            if scores:
                points = Points.sum([getattr(self, name), Points.of(np.array(scores))])
                setattr(self, name, points)
                scores.clear()

    def measures(self) -> Measures | None:
        """Say how good the answers were; None where nothing is labelled."""
        if not self.labelled:
            return None
        self.flush()
        if self.unlike == self.labelled:
            return Measures(self.labelled, "unlike")
        kind = self._kind()
        if kind == "number":
            return self._of_amounts()
        scores = self.of_scores.rows if kind == "binary" else 0
        is_score = "fraction" in self.kinds and not self.has_probabilities
        correct = self.correct_at_half if kind == "binary" and is_score else self.correct
        accuracy = Bounded(correct / self.labelled, *wilson_bounds(correct, self.labelled))
        # An answer that is the class itself is no probability.
        if not scores or not (self.has_probabilities or is_score):
            return Measures(self.labelled, kind, accuracy)
        return Measures(
            self.labelled,
            kind,
            accuracy,
            auc=area_under_curve(self.positives, self.negatives),
            brier=self.of_scores.squares / scores,
            bias=self.of_scores.mean(self.of_scores.errors),
            bins=self._bins(),
        )

    def _add_kinds(self, answer: float, label: float) -> None:
        if not answer.is_integer():
            self.kinds.add("fraction" if 0.0 <= answer <= 1.0 else "amount")
        elif answer not in {0.0, 1.0}:
            self.kinds.add("whole")
        if not label.is_integer():
            self.kinds.add("amounts")
        elif len(self.categories) <= _MOST_CATEGORIES:
            self.categories.add(label)

    def _add_score(self, score: float, label: float) -> None:
        self._scores[int(label)].append(score)
        self.of_scores.add(score - label)
        self.correct_at_half += (score >= 0.5) == bool(label)
        of_bin = self.bins[min(int(score * BINS), BINS - 1)]
        of_bin[0] += 1
        of_bin[1] += score
        of_bin[2] += label

    def _kind(self) -> Kind:
        if "text" in self.kinds:
            return "category"
        if "amounts" in self.kinds or "amount" in self.kinds:
            return "number"
        if self.categories <= {0.0, 1.0} and "whole" not in self.kinds:
            return "binary"
        is_amount = "fraction" in self.kinds or len(self.categories) > _MOST_CATEGORIES
        return "number" if is_amount else "category"

    def _of_amounts(self) -> Measures:
        sums = self.sums
        squares = sums.squares / sums.rows
        return Measures(
            self.labelled,
            "number",
            bias=sums.mean(sums.errors),
            mean_absolute_error=sums.mean(sums.sizes),
            root_mean_square_error=math.sqrt(squares) if math.isfinite(squares) else None,
        )

    def _bins(self) -> tuple[Bin, ...]:
        return tuple(
            Bin(int(rows), total / rows, Bounded(positive / rows, *wilson_bounds(
                int(positive), int(rows))))
            for rows, total, positive in self.bins
            if rows
        )  # fmt: skip


def area_under_curve(positives: Points, negatives: Points) -> Bounded | None:
    """Compute the chance that a positive is above a negative, ties half; None without a pair."""
    many, few = positives.total, negatives.total
    if not many or not few:
        return None
    level = max(positives.level, negatives.level)
    above, below = positives.coarser(level), negatives.coarser(level)
    keys, others = shifted(above.firsts, level), shifted(below.firsts, level)
    until = np.concatenate(([0], np.cumsum(below.counts)))
    lower = until[np.searchsorted(others, keys, side="left")]
    equal = until[np.searchsorted(others, keys, side="right")] - lower
    area = float((above.counts * (lower + equal / 2)).sum()) / (many * few)
    half = (many + few) / 2 - 1

    def deviation(at: float) -> float:
        pairs = 1 + half * (1 - at) / (2 - at) + half * at / (1 + at)
        return math.sqrt(at * (1 - at) * pairs / (many * few))

    return Bounded(area, *_score_bounds(area, deviation))


def _score_bounds(found: float, deviation: Callable[[float], float]) -> tuple[float, float]:
    """Find the shares that lie just so many deviations of their own away, by halving."""

    def end(inside: float, outside: float) -> float:
        for _ in range(_HALVINGS):
            middle = (inside + outside) / 2
            if abs(found - middle) <= DEFAULT_Z * deviation(middle):
                inside = middle
            else:
                outside = middle
        return inside

    return end(found, 0.0), end(found, 1.0)
