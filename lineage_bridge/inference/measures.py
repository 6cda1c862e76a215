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
from lineage_bridge.inference.requests import Told
from lineage_bridge.profiles.keys import Floats
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

    def add(self, errors: Floats) -> None:
        self.rows += len(errors)
        with np.errstate(over="ignore", invalid="ignore"):
            self.errors += float(errors.sum())
            self.sizes += float(np.abs(errors).sum())
            self.squares += float((errors * errors).sum())

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
    bins: Floats = field(default_factory=lambda: np.zeros((BINS, 3)))

    def add(self, answers: Told, chances: Floats, labels: Told) -> None:
        """Take answered requests whose labels are known.

        Args:
            answers: none of them is absent or without end.
            chances: the probability of the positive class, NaN where it was not said.
            labels: what was true, of each.
        """
        self.labelled += len(answers.texts)
        is_text = answers.is_text | labels.is_text
        if is_text.any():
            self._add_texts(answers.where(is_text), labels.where(is_text))
            answers, chances = answers.where(~is_text), chances[~is_text]
            labels = labels.where(~is_text)
        if len(answers.numbers):
            self._add_numbers(answers.numbers, chances, labels.numbers)

    def _add_texts(self, answers: Told, labels: Told) -> None:
        self.kinds.add("text")
        for answer, label in zip(answers.values(), labels.values(), strict=True):
            self.correct += answer == label
            self.unlike += type(label) is not type(answer)

    def _add_numbers(self, answers: Floats, chances: Floats, labels: Floats) -> None:
        self.correct += int((answers == labels).sum())
        self._add_kinds(answers, labels)
        self.sums.add(answers - labels)
        is_said = ~np.isnan(chances)
        self.has_probabilities |= bool(is_said.any())
        scores = np.where(is_said, chances, answers)
        is_score = ((labels == 0.0) | (labels == 1.0)) & (scores >= 0.0) & (scores <= 1.0)
        if is_score.any():
            self._add_scores(scores[is_score], labels[is_score])

    def measures(self) -> Measures | None:
        """Say how good the answers were; None where nothing is labelled."""
        if not self.labelled:
            return None
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

    def _add_kinds(self, answers: Floats, labels: Floats) -> None:
        is_whole = answers == np.trunc(answers)
        rest = answers[~is_whole]
        if len(rest):
            is_fraction = (rest >= 0.0) & (rest <= 1.0)
            self.kinds |= {"fraction"} if is_fraction.any() else set()
            self.kinds |= {"amount"} if not is_fraction.all() else set()
        if (is_whole & (answers != 0.0) & (answers != 1.0)).any():
            self.kinds.add("whole")
        if (labels != np.trunc(labels)).any():
            self.kinds.add("amounts")
        elif len(self.categories) <= _MOST_CATEGORIES:
            self.categories.update(np.unique(labels)[: _MOST_CATEGORIES + 1].tolist())

    def _add_scores(self, scores: Floats, labels: Floats) -> None:
        is_positive = labels == 1.0
        self.positives = Points.sum([self.positives, Points.of(scores[is_positive])])
        self.negatives = Points.sum([self.negatives, Points.of(scores[~is_positive])])
        self.of_scores.add(scores - labels)
        self.correct_at_half += int(((scores >= 0.5) == is_positive).sum())
        bins = np.minimum((scores * BINS).astype(np.intp), BINS - 1)
        self.bins[:, 0] += np.bincount(bins, minlength=BINS)
        self.bins[:, 1] += np.bincount(bins, scores, minlength=BINS)
        self.bins[:, 2] += np.bincount(bins, labels, minlength=BINS)

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
            for rows, total, positive in self.bins.tolist()
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
