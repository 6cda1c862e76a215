"""The finding of drift: facts and verdict, feature by feature, worst first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from lineage_bridge.profiles.column import Kind

Severity = Literal["none", "warning", "critical"]
Status = Literal["judged", "insufficient_data", "nothing_to_compare"]
Test = Literal["ks", "chi_square", "nulls", "kind", "beyond_range", "unseen_labels"]
Note = Literal[
    "all_null",  # no value now: a window that is too short for a look-back, or a lost column
    "was_all_null",  # no value in the reference
    "kind_changed",  # most values are of another kind than in the reference
    "too_many_labels",  # a name or a text and no category: only nulls were compared
    "not_comparable",  # binary or nested: only nulls were compared
    "no_p",  # the profiles hold too little detail for a test: the effect alone decides
]
SEVERITIES: tuple[Severity, ...] = ("none", "warning", "critical")


class Place(NamedTuple):
    """A part of what a feature can be.

    Attributes:
        what: a label, an interval of numbers, any value, or one of the rest.
        label: the label, where it is one.
        above: numbers are above this; None: there is no lower end.
        up_to: numbers are this or below; None: there is no upper end.
    """

    what: Literal["label", "interval", "value", "null", "unseen", "other_kind"]
    label: str | None = None
    above: float | None = None
    up_to: float | None = None


class Cell(NamedTuple):
    """The shares of rows at a place, and what they add to the PSI."""

    place: Place
    reference_share: float
    current_share: float
    psi: float


@dataclass(frozen=True, slots=True)
class FeatureDrift:
    """One feature.

    Attributes:
        kind: what most of its values in the reference are.
        test: the one of the tests with the smallest chance.
        statistic: of the main test: the distance of KS, or chi-square.
        p: the smallest chance, times the number of tests; None where it is not known.
        q: corrected for the number of features; None for those apart, or without p.
        psi: over all cells, with smoothed shares.
        psi_floor: the PSI that is to be expected without drift, by the number of rows.
        psi_above: what is above that; never negative.
        new: the largest share of rows that the reference knew nothing like.
        effect: how far it moved: numbers in standard deviations of the reference (Wasserstein),
            labels as Cramer's V.
        reference_rows: how many rows were compared.
        reference_null_share: of null and NaN.
        unseen_share: of the current rows, labels that the reference does not have.
        beyond_share: of the current rows, numbers outside of the reference's range.
        cells: those that moved, the most first.
        p_blocks: p, if the rows of one entity and day told no more than one row.
        reference_variation: the largest PSI above its floor of a period of the reference against
            its others.
        within_reference_variation: whether the reference itself varies as much; None where it is
            not known, or nothing moved.
        rank_error: what the shares of numbers can be wrong by.
    """

    feature: str
    kind: Kind
    severity: Severity
    notes: tuple[Note, ...]
    test: Test | None
    statistic: float | None
    p: float | None
    q: float | None
    psi: float
    psi_floor: float
    psi_above: float
    new: float
    effect: float | None
    reference_rows: int
    current_rows: int
    reference_null_share: float
    current_null_share: float
    unseen_share: float | None
    beyond_share: float | None
    cells: tuple[Cell, ...]
    p_blocks: float | None
    reference_variation: float | None
    within_reference_variation: bool | None
    rank_error: float


@dataclass(frozen=True, slots=True)
class Drift:
    """All features of one comparison.

    Attributes:
        severity: of the worst feature.
        power: the chance to find a feature that moved by half a standard deviation, at these
            numbers of rows.
        features: worst first, then by name.
        calendar: features that move with the calendar alone; judged, but they do not count.
        drifted: how many features are a warning or critical.
        share: those, of all features.
        weighted_share: the same, weighted by importance; None where no model says it.
        added: columns that the reference does not have.
        missing: columns that only the reference has; they are not compared.
        apart: columns that were not compared: keys, times.
    """

    status: Status
    severity: Severity
    reference_rows: int
    current_rows: int
    power: float
    features: tuple[FeatureDrift, ...]
    calendar: tuple[FeatureDrift, ...]
    drifted: int
    share: float
    weighted_share: float | None
    added: tuple[str, ...]
    missing: tuple[str, ...]
    apart: tuple[str, ...]
