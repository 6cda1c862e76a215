"""How well a fault or a change of some sort explains a symptom of some class: the published table.

Each number says how likely such a fault is to show so, from 0 (never) to 1. They were set by hand
and tried on planted faults; shaken by a quarter they find nearly the same (docs/findings.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias, get_args

from lineage_bridge.assess.cause.symptoms import CLASSES, Class
from lineage_bridge.assess.status.faults import Fault

Sort: TypeAlias = Literal[
    "schema", "nulls", "volume", "zone", "future", "rebuild", "duplicates", "positive_rate",
    "jump", "content", "content_live", "age_live", "age_bound", "old_version", "other_dataset",
    "metrics", "release", "slot",
]  # fmt: skip
SORTS: Final[tuple[Sort, ...]] = get_args(Sort)

# In the order of `CLASSES`: errors, values, rejections, fallback, latency, silence, drift, and what
# is only inherited.
TABLE: Final[Mapping[Sort, tuple[float, ...]]] = {
    "schema": (1.0, 0.8, 0.7, 0.7, 0.2, 0.1, 0.8, 1.0),
    "nulls": (0.6, 1.0, 0.5, 0.7, 0.1, 0.1, 0.9, 1.0),
    "volume": (0.9, 0.7, 0.7, 0.8, 0.1, 0.1, 0.7, 1.0),
    "zone": (0.8, 0.8, 0.6, 0.6, 0.1, 0.1, 0.8, 1.0),
    "future": (0.8, 0.8, 0.8, 0.6, 0.1, 0.1, 0.6, 1.0),
    "rebuild": (0.5, 0.6, 0.5, 0.5, 0.1, 0.1, 0.8, 1.0),
    "duplicates": (0.5, 0.8, 0.4, 0.4, 0.2, 0.1, 0.6, 1.0),
    "positive_rate": (0.3, 0.9, 0.2, 0.3, 0.1, 0.1, 0.3, 1.0),
    "jump": (0.6, 1.0, 0.6, 0.6, 0.1, 0.1, 1.0, 1.0),
    "content": (0.6, 0.8, 0.6, 0.6, 0.1, 0.1, 0.7, 1.0),
    "content_live": (0.6, 1.0, 0.7, 0.6, 0.1, 0.1, 1.0, 1.0),
    "age_live": (0.7, 0.7, 1.0, 0.9, 0.2, 0.2, 0.7, 1.0),
    "age_bound": (0.3, 0.6, 0.3, 0.3, 0.0, 0.0, 0.7, 1.0),
    "old_version": (0.4, 0.7, 0.3, 0.4, 0.1, 0.0, 0.8, 1.0),
    "other_dataset": (0.6, 0.9, 0.6, 0.6, 0.1, 0.0, 1.0, 0.0),
    "metrics": (0.5, 1.0, 0.3, 0.4, 0.3, 0.0, 0.3, 1.0),
    "release": (0.9, 0.8, 0.7, 0.7, 1.0, 0.6, 0.3, 0.0),
    "slot": (0.5, 0.5, 0.5, 0.6, 0.6, 0.9, 0.0, 0.0),
}

_OTHER_FEATURES: Final = 0.3  # of drift in other features than those of the fault
_SORTS: Final[Mapping[str, Sort]] = {
    **dict.fromkeys(
        ("columns", "columns_needed", "columns_unique", "columns_dropped", "columns_retyped",
         "columns_added", "columns_beyond", "features_numeric", "readable", "statistics"),
        "schema",
    ),
    **dict.fromkeys(("nulls", "few_nulls", "finite"), "nulls"),
    **dict.fromkeys(("fill", "entities_lost", "rows", "said_rows", "said_entities"), "volume"),
    "zone": "zone",
    "future": "future",
    **dict.fromkeys(("same_rows", "time_back"), "rebuild"),
    **dict.fromkeys(("overfull", "repeated_keys", "repeated_rows"), "duplicates"),
    **dict.fromkeys(
        ("positive_rate", "positive_rate_changed", "constant_target", "binary_target"),
        "positive_rate",
    ),
    **dict.fromkeys(("jump", "out_of_range", "unknown_labels", "became_constant"), "jump"),
    "old_version": "old_version",
    "other_dataset": "other_dataset",
    "metrics": "metrics",
}  # fmt: skip
# What assertions of other tools are called, by a part of their names.
_WORDS: Final[tuple[tuple[str, Sort], ...]] = (
    ("null", "nulls"), ("missing", "nulls"), ("unique", "duplicates"), ("duplicate", "duplicates"),
    ("row_count", "volume"), ("rowcount", "volume"), ("volume", "volume"), ("schema", "schema"),
    ("column_to_exist", "schema"), ("of_type", "schema"), ("data_type", "schema"),
    ("between", "jump"), ("in_set", "jump"), ("accepted", "jump"), ("range", "jump"),
    ("distribution", "jump"), ("fresh", "age_bound"),
)  # fmt: skip


def sort_of(fault: Fault) -> Sort:
    """Return the row of the table that a fault is in."""
    if fault.travels == "live":
        return "age_live" if fault.kind in {"age", "run"} else "content_live"
    if fault.kind == "age" or fault.code == "age_at_training_seconds":
        return "age_bound"
    if fault.code in _SORTS:
        return _SORTS[fault.code]
    if fault.kind == "model":
        return "metrics"
    said = fault.code.lower()
    return next((sort for word, sort in _WORDS if word in said), "content")


def explains(
    sort: Sort, of: Class, columns: tuple[str, ...] = (), drifted: tuple[str, ...] = ()
) -> float:
    """Return how well a fault explains a symptom, from 0 to 1.

    Args:
        sort: of the fault.
        of: the class of the symptom.
        columns: that the fault is about; none: all, or nobody says.
        drifted: the features that drifted, where that is the symptom.
    """
    found = TABLE[sort][CLASSES.index(of)]
    if sort == "content_live" and of == "drift" and drifted:
        same = len(set(drifted) & set(columns))
        return found if 2 * same >= len(drifted) else _OTHER_FEATURES
    return found
