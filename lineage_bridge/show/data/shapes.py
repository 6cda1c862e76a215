"""The JSON shapes of profiles that docs/json.md publishes, made here and only here.

No NaN and no infinity: a number that is none is a key that is not there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from lineage_bridge.profiles.bars import shares
from lineage_bridge.profiles.profile import VERSION
from lineage_bridge.show.data.values import instant_text
from lineage_bridge.show.formats import present

if TYPE_CHECKING:
    from lineage_bridge.observe.kept_profiles import Profiled
    from lineage_bridge.profiles.column import Column
    from lineage_bridge.profiles.points import Points
    from lineage_bridge.profiles.profile import Profile

_QUANTILES: Final = {"p1": 0.01, "p5": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95,
                     "p99": 0.99}  # fmt: skip
_LABELS: Final = 20


def profiles_json(found: Iterable[Profiled]) -> dict[str, Any]:
    """Make the document of `profile --json`."""
    return {"profiles": [_profile(one) for one in found]}


def _profile(found: Profiled) -> dict[str, Any]:
    profile = found.profile
    columns = profile.whole.columns.items()
    return present(
        file=str(found.path),
        sha256=found.content.hex(),
        profile_version=VERSION,
        rows=profile.rows,
        entity=profile.keys.entity,
        time=profile.keys.time,
        blocks=None if profile.blocks is None else profile.blocks.number,
        columns=[_column(name, column, profile) for name, column in columns],
        notes=sorted(profile.notes),
    )


def _column(name: str, column: Column, profile: Profile) -> dict[str, Any]:
    return present(
        name=name,
        kind=column.kind,
        types=sorted(column.types),
        zones=[*column.zones] or None,
        nulls=profile.whole.nulls(name),
        nans=column.nans,
        infinities=column.infinities,
        not_compared=column.others,
        distinct=column.distinct,
        distinct_is_exact=column.is_distinct_exact,
        constant=column.is_constant,
        numbers=_numbers(column.numbers),
        times=_times(column),
        labels=_labels(column),
        blocks=shares(column)[0],
    )


def _numbers(points: Points) -> dict[str, Any] | None:
    finite = points.finite()
    if not finite.total:
        return None
    mean, deviation = points.mean_and_deviation()
    quantiles = finite.quantiles([*_QUANTILES.values()])
    return present(
        min=finite.smallest,
        max=finite.largest,
        mean=_known(mean),
        deviation=_known(deviation),
        quantiles=dict(zip(_QUANTILES, quantiles, strict=True)),
        rank_error=points.rank_error,
    )


def _times(column: Column) -> dict[str, Any] | None:
    instants = column.instants
    if not instants.total:
        return None
    zoned = bool(column.zones)
    quantiles = instants.quantiles([*_QUANTILES.values()])
    return {
        "min": instant_text(instants.smallest, zoned=zoned),
        "max": instant_text(instants.largest, zoned=zoned),
        "quantiles": {
            name: instant_text(value, zoned=zoned)
            for name, value in zip(_QUANTILES, quantiles, strict=True)
        },
    }


def _labels(column: Column) -> list[dict[str, Any]] | None:
    if not column.labels.total:
        return None
    most = column.labels.most_frequent(_LABELS)
    return [{"label": label, "count": count} for label, count in most]


def _known(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
