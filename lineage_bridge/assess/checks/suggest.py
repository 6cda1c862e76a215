"""What to expect of a dataset, learned from versions that are good: a section of the settings.

A limit is a little wider than all that was seen, so the versions that it was learned from pass. It
is a draft for a person: what is usual today may be a fault that nobody has noticed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

from lineage_bridge.assess.checks.columns import zone_of
from lineage_bridge.assess.checks.content import (
    column_of,
    fill,
    null_shares,
    positive_rate,
    slot_seconds,
    times_of,
)
from lineage_bridge.assess.checks.facts import Version
from lineage_bridge.assess.checks.policy import CheckPolicy

MOST_LABELS: Final = 50  # of a column whose labels are listed: more are names, and no categories
_SLACK: Final = 0.1  # of the width of a range, on both sides
_RATE_FACTOR: Final = 1.5
_DIGITS: Final = 4  # that tell a limit; it is rounded outwards
_MOST_EXPONENT: Final = 300  # numbers that are smaller or larger are near the ends of all

Value = TypeVar("Value")


def suggest(versions: Sequence[Version]) -> dict[str, Any]:
    """Return the settings of a dataset that fit its versions, by their names.

    Args:
        versions: good ones, in the order of their build, with what is in their rows.
    """
    found: dict[str, Any] = {
        "columns": _columns(versions),
        **versions[-1].roles._asdict(),
        "zone": _agreed(versions, zone_of),
        "slot_seconds": _agreed(versions, slot_seconds),
        "rows_least": _rows_least(versions),
        "fill_least": _fill_least(versions),
        "nulls_allowed": _often_null(versions) or None,
        **_rates(versions),
        "ranges": _ranges(versions) or None,
        "labels": _labels(versions) or None,
    }
    return {name: value for name, value in found.items() if value is not None and value != ""}


def _agreed(versions: Iterable[Version], fact: Callable[[Version], Value | None]) -> Value | None:
    """Return the fact that all versions agree on; None if they do not, or it is unknown."""
    facts = [fact(version) for version in versions]
    return facts[0] if all(one == facts[0] for one in facts) else None


def _columns(versions: Iterable[Version]) -> list[str] | None:
    names = _agreed(versions, _names)
    return names if names and "" not in names else None  # settings cannot name that one


def _names(version: Version) -> list[str] | None:
    return None if version.columns is None else [column.name for column in version.columns]


def _rows_least(versions: Iterable[Version]) -> int | None:
    rows = [version.rows for version in versions if version.rows]
    return min(rows) // 2 if rows else None


def _fill_least(versions: Iterable[Version]) -> float | None:
    """Return a limit for the share of places that have a row; None where the usual one fits."""
    shares = [share for version in versions if (share := fill(version)) is not None]
    least = min(shares, default=1.0)
    return None if least >= CheckPolicy().fill_least else _rounded(least * (1 - _SLACK), math.floor)


def _often_null(versions: Sequence[Version]) -> list[str]:
    """List the columns that have more nulls in each version than is usual."""
    usual = CheckPolicy()
    spans = [_span_seconds(version) for version in versions]
    shares = [null_shares(version) for version in versions]
    return [
        name
        for name in shares[-1]
        if name
        and all(
            found.get(name, 0.0) > usual.null_share_most + usual.allowed_nulls(name, span)
            for found, span in zip(shares, spans, strict=True)
        )
    ]


def _span_seconds(version: Version) -> float | None:
    times = times_of(version)
    return None if times is None else (times[1] - times[0]).total_seconds()


def _rates(versions: Iterable[Version]) -> dict[str, float]:
    rates = [rate for version in versions if (rate := positive_rate(version)) is not None]
    if not rates:
        return {}
    return {
        "positive_rate_least": _rounded(min(rates) / _RATE_FACTOR, math.floor),
        "positive_rate_most": min(1.0, _rounded(max(rates) * _RATE_FACTOR, math.ceil)),
    }


def _features(versions: Sequence[Version]) -> list[str]:
    """List the columns that are no roles and that all versions have."""
    roles = {role for version in versions for role in version.roles if role is not None}
    return [
        name
        for name in _names(versions[-1]) or ()
        if name not in roles and all(column_of(version, name) for version in versions)
    ]


def _ranges(versions: Sequence[Version]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for name in _features(versions):
        columns = [column for v in versions if (column := column_of(v, name)) is not None]
        numbers = [column.numbers for column in columns if column.numbers.total]
        is_of_numbers = all(column.main_kind in {"number", "none"} for column in columns)
        if not numbers or not is_of_numbers or any(column.infinities for column in columns):
            continue
        low = min(float(one.smallest) for one in numbers)
        high = max(float(one.largest) for one in numbers)
        found[name] = _widened(low, high)
    return found


def _widened(low: float, high: float) -> list[float]:
    """Widen a range, but not past what bounds such numbers by nature: zero, or zero and one."""
    if low >= 0 and high <= 1:
        return [0.0, 1.0]
    slack = _SLACK * (high - low)
    lower, upper = _rounded(low - slack, math.floor), _rounded(high + slack, math.ceil)
    return [max(0.0, lower) if low >= 0 else lower, min(0.0, upper) if high <= 0 else upper]


def _labels(versions: Sequence[Version]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in _features(versions):
        columns = [column for v in versions if (column := column_of(v, name)) is not None]
        if any(c.main_kind not in {"label", "none"} or c.labels.overflows for c in columns):
            continue
        labels = sorted({label for column in columns for label in column.labels.counts})
        if 0 < len(labels) <= MOST_LABELS and "" not in labels:  # nor can they this one
            found[name] = labels
    return found


def _rounded(value: float, outwards: Callable[[float], int]) -> float:
    """Round to some digits, away from what was seen."""
    if value == 0 or not math.isfinite(value):
        return value
    exponent = _DIGITS - 1 - math.floor(math.log10(abs(value)))
    if abs(exponent) > _MOST_EXPONENT:
        return value
    return outwards(value * 10.0**exponent) / 10.0**exponent
