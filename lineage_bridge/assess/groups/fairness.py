"""Fairness: is a model as good for one group of requests as for another.

The share that is compared is the accuracy, the rate of positives that are found (equal
opportunity), or the rate of positive answers (demographic parity). The gap is the largest share
less the smallest. Its size decides; its lower bound guards groups with few labels: the difference
of two shares by Newcombe's hybrid score interval (Statistics in Medicine 17, 1998, method 10), with
Bonferroni's correction for the pairs that were compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Final

from lineage_bridge.assess.bounds import wilson_bounds
from lineage_bridge.facets.fairness import FairnessStatus, Group, Measure

FALSE_SHARE: Final = 0.05


@dataclass(frozen=True, slots=True)
class FairnessPolicy:
    """Limits; shares are from 0 to 1.

    Attributes:
        measure: what is compared.
        gap_most: from this gap on it is a warning.
        fewest_labels: a group with fewer is not compared; of `true_positive_rate` with fewer
            positive ones.
    """

    measure: Measure = "accuracy"
    gap_most: float = 0.1
    fewest_labels: int = 30


@dataclass(frozen=True, slots=True)
class Fairness:
    """What was found; without a gap where fewer than two groups can be compared."""

    status: FairnessStatus
    gap: float | None = None
    low: float | None = None
    high: float | None = None
    best: str | None = None
    worst: str | None = None


@dataclass(frozen=True, slots=True)
class _Share:
    group: str
    hits: int
    of: int

    @property
    def value(self) -> float:
        return self.hits / self.of


def assess_fairness(groups: Sequence[Group], policy: FairnessPolicy) -> Fairness:
    """Compare the groups."""
    shares = [_share_of(group, policy.measure) for group in groups]
    known = [one for one in shares if one is not None and one.of >= max(policy.fewest_labels, 1)]
    if len(known) < 2:
        return Fairness("insufficient_data")
    best = max(known, key=lambda one: (one.value, one.group))
    worst = min(known, key=lambda one: (one.value, one.group))
    pairs = len(known) * (len(known) - 1) // 2
    gap = best.value - worst.value
    low, high = _bounds(best, worst, NormalDist().inv_cdf(1 - FALSE_SHARE / (2 * pairs)))
    is_wide = gap >= policy.gap_most and low > 0
    status: FairnessStatus = "warning" if is_wide else "ok"
    return Fairness(status, gap, low, high, best.group, worst.group)


def share_of(group: Group, measure: Measure) -> float | None:
    """Return a group's share; None where it has none."""
    found = _share_of(group, measure)
    return found.value if found is not None and found.of else None


def _share_of(group: Group, measure: Measure) -> _Share | None:
    hits, of = {
        "accuracy": (group.correct, group.labelled),
        "true_positive_rate": (group.true_positive, group.positive),
        "positive_rate": (group.answered_positive, group.labelled),
    }[measure]
    return _Share(group.group, hits, of) if hits is not None and of is not None else None


def _bounds(best: _Share, worst: _Share, z: float) -> tuple[float, float]:
    gap = best.value - worst.value
    (low, high), (other_low, other_high) = (
        wilson_bounds(one.hits, one.of, z) for one in (best, worst)
    )
    below = sqrt((best.value - low) ** 2 + (other_high - worst.value) ** 2)
    above = sqrt((high - best.value) ** 2 + (worst.value - other_low) ** 2)
    return max(-1.0, gap - below), min(1.0, gap + above)
