"""The facet lineageBridge_drift of a finding, and what of it is asserted.

Numbers have six digits: they are made of sums whose last digits differ from one version of numpy to
the next, and the same log gives the same event.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from lineage_bridge.assess.answers import class_shares, mean_confidence
from lineage_bridge.assess.assertions import WARN, Assertion
from lineage_bridge.assess.drift.course import Judged, Window
from lineage_bridge.assess.drift.finding import SEVERITIES, Cell, Drift, FeatureDrift
from lineage_bridge.assess.drift.outside import Outside
from lineage_bridge.assess.drift.policy import DriftPolicy
from lineage_bridge.facets import drift as facet
from lineage_bridge.naming import Slot
from lineage_bridge.profiles.bars import shares
from lineage_bridge.profiles.profile import Profile
from lineage_bridge.times import from_micros

FEWEST_FEATURES: Final = 20  # of a window are listed, whether they moved or not
MOST_FEATURES: Final = 50
_CELLS: Final = 3
_DIGITS: Final = 6
_MINUTES: Final = 60


def drift_facet(
    judged: Judged,
    reference: Profile,
    dataset: str,
    dataset_version: str | None,
    policy: DriftPolicy,
    *,
    slot: Slot,
    model: str,
    version: str,
) -> facet.DriftFacet:
    """Make the facet.

    Args:
        judged: the finding.
        reference: what the log was held against.
        dataset: the name of that.
        dataset_version: its version.
        policy: the limits.
        slot: the deployment.
        model: what answered.
        version: of the model.
    """
    windows = tuple(_window(one, reference) for one in judged.windows)
    sure = [one for one in windows if one.status == "judged"] or [windows[-1]]
    return facet.DriftFacet(
        status=sure[-1].status,
        severity=max((one.severity for one in windows), key=SEVERITIES.index),
        evaluated_at=from_micros(judged.at_us),
        service=slot.service,
        environment=slot.environment,
        deployment=slot.deployment,
        model=model,
        model_version=version,
        reference=facet.DriftReference(
            dataset=dataset, version=dataset_version, rows=reference.rows
        ),
        windows=windows,
        untrained=_untrained(judged),
        first_row=from_micros(judged.first_us),
        hours_known=judged.hours,
        rows_known=judged.rows,
        policy=_policy(policy),
    )


def _window(found: Window, reference: Profile) -> facet.DriftWindow:
    drift, rows = found.drift, found.profile
    moved = [one for one in drift.features if one.severity != "none"]
    listed = drift.features[: min(max(len(moved), FEWEST_FEATURES), MOST_FEATURES)]
    return facet.DriftWindow(
        hours=found.hours,
        hours_with_rows=found.brought,
        begin=from_micros(found.begin_us),
        rows=rows.rows,
        status=drift.status,
        severity=drift.severity,
        power=_short(drift.power),
        judged=len(drift.features),
        drifted=drift.drifted,
        drifted_beyond_variation=sum(not one.within_reference_variation for one in moved),
        share=_short(drift.share),
        weighted_share=_maybe(drift.weighted_share),
        features=tuple(_feature(one, reference, rows, found.since) for one in listed),
        calendar=_names([one.feature for one in drift.calendar if one.severity != "none"]),
        missing=_names(drift.missing),
        answers=_answers(found.answers),
        mean_confidence=_maybe(mean_confidence(rows)),
        classes=_classes(rows),
    )


def _classes(rows: Profile) -> tuple[facet.ClassShare, ...] | None:
    shares_of = class_shares(rows).items()
    return (
        tuple(facet.ClassShare(label=name, share=_short(value)) for name, value in shares_of)
        or None
    )


def _answers(found: Drift | None) -> tuple[facet.DriftFeature, ...] | None:
    if found is None or found.status != "judged":
        return None
    return tuple(_feature(one, None, None, {}) for one in found.features)


def _feature(
    one: FeatureDrift,
    reference: Profile | None,
    rows: Profile | None,
    since: Mapping[str, int],
) -> facet.DriftFeature:
    moved = one.severity != "none"  # of what did not, nobody asks where
    was: Sequence[float] = ()
    now: Sequence[float] = ()
    if moved and reference is not None and rows is not None:
        was, now = shares(*(side.whole.column(one.feature) for side in (reference, rows)))
    began = since.get(one.feature) if moved else None
    return facet.DriftFeature(
        feature=one.feature,
        kind=one.kind,
        severity=one.severity,
        since=None if began is None else from_micros(began),
        psi=_short(one.psi_above),
        new_share=_short(one.new),
        effect=_maybe(one.effect),
        test=one.test,
        p=_maybe(one.p),
        q=_maybe(one.q),
        reference_null_share=_short(one.reference_null_share),
        current_null_share=_short(one.current_null_share),
        unseen_share=_maybe(one.unseen_share),
        beyond_share=_maybe(one.beyond_share),
        within_reference_variation=one.within_reference_variation,
        notes=one.notes or None,
        cells=(tuple(map(_cell, one.cells[:_CELLS])) or None) if moved else None,
        reference_blocks=tuple(map(_short, was)) or None,
        current_blocks=tuple(map(_short, now)) or None,
    )


def _cell(cell: Cell) -> facet.DriftCell:
    place = cell.place
    return facet.DriftCell(
        what=place.what,
        label=place.label,
        above=_maybe(place.above),
        up_to=_maybe(place.up_to),
        reference_share=_short(cell.reference_share),
        current_share=_short(cell.current_share),
    )


def _untrained(judged: Judged) -> facet.Untrained:
    found, longest = judged.untrained, judged.windows[-1]
    return facet.Untrained(
        requests=found.rows,
        at_least=found.at_least,
        at_most=found.at_most,
        ratio=_short(found.at_least / found.rows if found.rows else 0.0),
        per_minute=_short(found.at_least / (longest.brought * _MINUTES)),
        features=tuple(map(_outside, judged.outside[:MOST_FEATURES])) or None,
    )


def _outside(one: Outside) -> facet.UntrainedFeature:
    labels = sorted(one.labels.items(), key=lambda pair: (-pair[1][1], pair[0]))
    return facet.UntrainedFeature(
        feature=one.key[0],
        sort=one.key[1],
        is_fault=one.is_fault,
        requests=one.now.requests,
        requests_since=one.requests,
        since=from_micros(one.since_us),
        labels=tuple(
            facet.UntrainedLabel(label=label, requests=count, since=from_micros(first_us))
            for label, (first_us, count) in labels
        )
        or None,
        smallest=_maybe(one.now.low),
        largest=_maybe(one.now.high),
    )


def _policy(policy: DriftPolicy) -> facet.AppliedDriftPolicy:
    names = facet.AppliedDriftPolicy.__struct_fields__
    return facet.AppliedDriftPolicy(**{name: getattr(policy, name) for name in names})


def _names(names: Sequence[str]) -> tuple[str, ...] | None:
    return tuple(names[:MOST_FEATURES]) or None


def _maybe(value: float | None) -> float | None:
    return None if value is None else _short(value)


def _short(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def drift_assertions(found: facet.DriftFacet) -> Iterator[Assertion]:
    """Yield what was checked of a log: each feature that was judged, and what was never trained.

    A feature is asserted once: over all windows that were judged. One that moved no more than the
    reference itself varies has held.
    """
    worst: dict[str, facet.DriftFeature] = {}
    for window in found.windows:
        for one in (*window.features, *(window.answers or ())):
            before = worst.get(one.feature)
            if before is None or _rank(one) > _rank(before):
                worst[one.feature] = one
    for name, one in sorted(worst.items()):
        yield Assertion(
            "drift",
            _rank(one) == 0,
            column=name,
            severity=WARN,
            expected=f"PSI < {found.policy.warning_psi:g}",
            actual=f"PSI {one.psi:.3g}",
        )
    yield from _untrained_assertions(found.untrained)


def _untrained_assertions(found: facet.Untrained) -> Iterator[Assertion]:
    faults = [one for one in found.features or () if one.is_fault]
    for one in faults:
        yield Assertion(
            f"trained.{one.sort}",
            success=False,
            column=one.feature,
            severity=WARN,
            actual=f"{one.requests_since:,} requests since the first",
        )
    if not faults and found.requests:
        share = f"{found.at_least:,} of {found.requests:,} requests"
        yield Assertion("trained", success=True, severity=WARN, actual=share)


def _rank(one: facet.DriftFeature) -> int:
    """Rank by severity; what the reference itself varies by counts as none."""
    return 0 if one.within_reference_variation else SEVERITIES.index(one.severity)
