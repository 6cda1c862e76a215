"""The JSON shapes of profiles, logs and drift that docs/json.md publishes, made only here.

No NaN and no infinity: a number that is none is a key that is not there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from lineage_bridge.profiles import VERSION
from lineage_bridge.profiles.bars import shares
from lineage_bridge.show.data.values import instant_text
from lineage_bridge.show.formats import present
from lineage_bridge.times import format_time

if TYPE_CHECKING:
    from lineage_bridge.assess.drift.finding import Cell, Drift, FeatureDrift
    from lineage_bridge.inference.measures import Bounded, Measures
    from lineage_bridge.inference.summary import Answers, FileRead, Summary
    from lineage_bridge.inference.values import Served
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


def inference_json(found: Summary) -> dict[str, Any]:
    """Make the document of `inference --json`."""
    labels = found.labels
    return {
        "files": [_log_file(one) for one in found.files],
        "label_files": [_log_file(one) for one in found.label_files],
        "labels": {
            "lines": labels.lines,
            "duplicates": labels.duplicates,
            "changed": labels.changed,
            "late": labels.late,
            "unknown": labels.unknown,
        },
        "served": [_answers(served, answers) for served, answers in found.by_time()],
    }


def _log_file(read: FileRead) -> dict[str, Any]:
    fields = read.fields
    return present(
        file=str(read.path),
        rows=read.rows,
        label_rows=read.labels,
        unzoned=read.unzoned,
        fields=[
            {
                "field": name,
                "path": path,
                "declared": name in fields.declared,
                "share": fields.shares[name],
            }
            for name, path in fields.paths.items()
        ],
        features=read.features,
        rejected=read.rejected.total,
        rejected_by_field=dict(read.rejected.by_field.most_common()),
        rejected_rows=[
            present(line=error.line, field=error.field, reason=error.reason)
            for error in read.rejected.in_order()
        ],
    )


def _answers(served: Served, answers: Answers) -> dict[str, Any]:
    return present(
        **served._asdict(),
        rows=answers.rows,
        without_prediction=answers.without_prediction,
        not_finite=answers.not_finite,
        first=None if answers.first is None else format_time(answers.first),
        last=None if answers.last is None else format_time(answers.last),
        hours=[
            {"hour": format_time(hour), "rows": rows}
            for hour, rows in sorted(answers.hours.items())
        ],
        answered=answers.answered,
        measures=_measures(answers.measuring.measures()),
    )


def _measures(found: Measures | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return present(
        labelled=found.labelled,
        kind=found.kind,
        accuracy=_bounded(found.accuracy),
        auc=_bounded(found.auc),
        brier=found.brier,
        bias=_bounded(found.bias),
        calibration=[
            {
                "rows": one.rows,
                "mean_probability": one.mean_probability,
                "positive": _bounded(one.positive),
            }
            for one in found.bins
        ]
        or None,
        mean_absolute_error=_bounded(found.mean_absolute_error),
        root_mean_square_error=found.root_mean_square_error,
    )


def _bounded(figure: Bounded | None) -> dict[str, Any] | None:
    if figure is None:
        return None
    return present(value=figure.value, low=_known(figure.low), high=_known(figure.high))


def drift_json(
    found: Drift, reference: Profile, current: Profile, *, names: tuple[str, str]
) -> dict[str, Any]:
    """Make the document of `drift --json`; `names` are those of the two sides."""

    def features(listed: Iterable[FeatureDrift]) -> list[dict[str, Any]]:
        return [_feature(one, reference, current) for one in listed]

    return present(
        reference=present(name=names[0], rows=found.reference_rows),
        current=present(name=names[1], rows=found.current_rows),
        status=found.status,
        severity=found.severity,
        drifted=found.drifted,
        share=found.share,
        weighted_share=found.weighted_share,
        power=found.power,
        features=features(found.features),
        calendar=features(found.calendar),
        added=[*found.added],
        missing=[*found.missing],
        apart=[*found.apart],
    )


def _feature(one: FeatureDrift, reference: Profile, current: Profile) -> dict[str, Any]:
    was, now = shares(*(side.whole.column(one.feature) for side in (reference, current)))
    return present(
        feature=one.feature,
        kind=one.kind,
        severity=one.severity,
        notes=[*one.notes],
        test=one.test,
        statistic=one.statistic,
        p=one.p,
        q=one.q,
        psi=one.psi,
        psi_floor=one.psi_floor,
        psi_above=one.psi_above,
        new_share=one.new,
        effect=one.effect,
        null_share={"reference": one.reference_null_share, "current": one.current_null_share},
        unseen_share=one.unseen_share,
        beyond_share=one.beyond_share,
        cells=[_cell(cell) for cell in one.cells],
        p_blocks=one.p_blocks,
        reference_variation=one.reference_variation,
        within_reference_variation=one.within_reference_variation,
        rank_error=one.rank_error,
        blocks={"reference": was, "current": now},
    )


def _cell(cell: Cell) -> dict[str, Any]:
    return present(
        what=cell.place.what,
        label=cell.place.label,
        above=_known(cell.place.above),
        up_to=_known(cell.place.up_to),
        reference_share=cell.reference_share,
        current_share=cell.current_share,
        psi=cell.psi,
    )


def _known(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
