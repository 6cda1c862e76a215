"""Values that are expected: numbers within a range, labels of a list, where the settings say so."""

from __future__ import annotations

from typing import Final

from lineage_bridge.assess.checks.definition import Case, Check, Verdict, skipped
from lineage_bridge.assess.checks.outside import out_of_range, unknown_labels

_NOTHING: Final = skipped("nothing is expected of any column")


def _out_of_range(case: Case) -> Verdict:
    assert case.now.profile is not None
    ranges, most = case.policy.ranges, case.policy.out_of_range_share_most
    return out_of_range(case.now.profile.whole.columns, ranges, most) if ranges else _NOTHING


def _unknown_labels(case: Case) -> Verdict:
    assert case.now.profile is not None
    labels, most = case.policy.labels, case.policy.unknown_label_share_most
    return unknown_labels(case.now.profile.whole.columns, labels, most) if labels else _NOTHING


CHECKS: Final = (
    Check(
        "out_of_range",
        "error",
        "the share of a column's values beyond the range that the settings name for it",
        "the range was too narrow; what is between the limit and its bound is let pass",
        _out_of_range,
        ("rows",),
        ("ranges", "out_of_range_share_most"),
        "share of values",
    ),
    Check(
        "unknown_labels",
        "warn",
        "the share of a column's labels that are not on the list that the settings name for it",
        "a label that is new in the world; beyond 10,000 labels all count as unknown",
        _unknown_labels,
        ("rows",),
        ("labels", "unknown_label_share_most"),
        "share of values",
    ),
)
