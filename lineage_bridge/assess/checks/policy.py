"""What is expected of a dataset: limits of the checks, each with the default of its rule."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

Severity = Literal["error", "warn"]
Setting = Literal["error", "warn", "off"]
NO_ZONE: Final = "none"  # as settings spell that times have no zone

_UNITS: Final = {"s": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400}
_LAG: Final = re.compile(r"(?:^|_)lag_(?:(\d+)(min|[smhd]))?(?:_|$)")


@dataclass(frozen=True, slots=True)
class CheckPolicy:
    """Expectations of one dataset.

    Attributes:
        columns: all of them, in their order; None: any.
        needed: columns that are to be there, in whatever order; None: any.
        feature_prefix: how the names of features begin, which are numbers; None: any.
        zone: of the event times, `none` if they have none; None: as before.
        slot_seconds: from one row of an entity to the next; None: as the times say.
        rows_least: fewest rows.
        fill_least: of the places for a row (entities times slots), the share that has one.
        rows_a_slot_most: rows for each entity and slot.
        entities_lost_most: entities that the reference has and the version has not.
        null_share_most: share of nulls of a column above its share in the reference, for `nulls`.
        few_nulls_share_most: the same for `few_nulls`.
        strict_nulls: whether a column without a reference may have none; else all but all.
        lag_slack: a column that looks back may be null in look-back / range, and this share more.
        nulls_allowed: other columns that may be null.
        repeated_share_most: share of rows that repeat an entity and time.
        same_share_most: share of rows that repeat a whole row; None: any.
        off_cutoff_share_most: share of rows whose features are as of another time.
        not_binary_share_most: share of rows whose target is neither 0 nor 1.
        positive_rate_least, positive_rate_most: of the target.
        positive_rate_factor, positive_rate_change: against the reference, both are to be exceeded.
        constant_expected: a target is constant if so many of the other class were to be expected.
        ahead_seconds_most: by which event times may be after the build.
        back_seconds_most: by which the last event time may be before the reference's.
        not_finite_share_most: share of infinite numbers in a column.
        ranges: the smallest and largest number of columns.
        out_of_range_share_most: share of values beyond their range.
        labels: the labels of columns; truth values are `true` and `false`.
        unknown_label_share_most: share of values that are no such label.
        missing_share_most, few_missing_share_most: share of requests without a feature, above that
            where the model learned.
        confidence_least: mean confidence of predictions.
        classes: that a model may answer; None: those that it learned.
        window_seconds: length of a metric window.
        odd_window_share_most: share of metric windows that contradict themselves.
        jump_psi: PSI above its floor, of a column on whole days against the days before.
        jump_factor: so many times the largest of one of these days against the others.
        jump_normal_after: so many jumps in a row are the new normal.
        baseline: the version that is accepted as it is, as it is spelt.
        severity: of a check, other than its own, or `off`; by its code.
    """

    columns: tuple[str, ...] | None = None
    needed: tuple[str, ...] | None = None
    feature_prefix: str | None = None
    zone: str | None = None
    slot_seconds: float | None = None
    rows_least: int = 1
    fill_least: float = 0.9
    rows_a_slot_most: float = 1.05
    entities_lost_most: int = 0
    null_share_most: float = 0.01
    few_nulls_share_most: float = 0.0005
    strict_nulls: bool = False
    lag_slack: float = 0.05
    nulls_allowed: tuple[str, ...] = ()
    repeated_share_most: float = 0.0
    same_share_most: float | None = None
    off_cutoff_share_most: float = 0.0
    not_binary_share_most: float = 0.0
    positive_rate_least: float = 0.01
    positive_rate_most: float = 0.5
    positive_rate_factor: float = 2.0
    positive_rate_change: float = 0.02
    constant_expected: float = 5.0
    ahead_seconds_most: float = 3_600.0
    back_seconds_most: float = 3_600.0
    not_finite_share_most: float = 0.0
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    out_of_range_share_most: float = 0.1
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unknown_label_share_most: float = 0.05
    missing_share_most: float = 0.15
    few_missing_share_most: float = 0.05
    confidence_least: float = 0.55
    classes: tuple[str, ...] | None = None
    window_seconds: float = 60.0
    odd_window_share_most: float = 0.0
    jump_psi: float = 0.8
    jump_factor: float = 2.0
    jump_normal_after: int = 3
    baseline: str | None = None
    severity: Mapping[str, Setting] = field(default_factory=dict)

    def allowed_nulls(self, column: str, span_seconds: float | None) -> float:
        """Return the share of nulls that a column may have, whatever the reference has.

        Args:
            column: its name; `..._lag_60m` looks back by an hour.
            span_seconds: from the first event time to the last; None: not known.
        """
        if column in self.nulls_allowed:
            return 1.0
        match = _LAG.search(column)
        if match is None:
            return 0.0
        if match[1] is None or not span_seconds:
            return 1.0
        lag = int(match[1]) * _UNITS[match[2]]
        return min(1.0, lag / span_seconds + self.lag_slack)
