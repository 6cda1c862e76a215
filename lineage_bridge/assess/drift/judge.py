"""The verdict on two profiles: all features together, since one in many differs by chance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lineage_bridge.assess.drift.evidence import combined, corrected
from lineage_bridge.assess.drift.feature import Compared, compare
from lineage_bridge.assess.drift.finding import (
    SEVERITIES,
    Drift,
    FeatureDrift,
    Severity,
    Status,
    Test,
)
from lineage_bridge.assess.drift.policy import DriftPolicy
from lineage_bridge.assess.drift.power import power
from lineage_bridge.assess.drift.variation import blocks_a_row, largest_variation
from lineage_bridge.profiles.profile import Profile


def judge(reference: Profile, current: Profile, policy: DriftPolicy = DriftPolicy()) -> Drift:  # noqa: B008
    """Judge whether rows still look like those of the reference.

    Args:
        reference: what the rows are expected to look like.
        current: the rows.
        policy: the limits.
    """
    features, calendar, apart = _sorted_out(reference, current, policy)
    columns = reference.whole.columns, current.whole.columns
    missing, added = (
        tuple(name for name in these if name not in those)
        for these, those in (columns, columns[::-1])
    )
    rows = reference.rows, current.rows
    found_power = power(*rows, len(features), policy.false_share)
    is_enough = min(rows) >= policy.fewest_rows
    judged = _judged(features if is_enough else (), reference, current, policy)
    of_calendar = _judged(calendar if is_enough else (), reference, current, policy)
    drifted = [one for one in judged if one.severity != "none"]
    return Drift(
        status=_status(is_enough, bool(features or calendar)),
        severity=judged[0].severity if judged else "none",
        reference_rows=reference.rows,
        current_rows=current.rows,
        power=found_power,
        features=judged,
        calendar=of_calendar,
        drifted=len(drifted),
        share=len(drifted) / len(judged) if judged else 0.0,
        weighted_share=_weighted(judged, policy),
        added=added,
        missing=missing,
        apart=tuple(apart),
    )


def _status(is_enough: bool, has_features: bool) -> Status:
    if not has_features:
        return "nothing_to_compare"
    return "judged" if is_enough else "insufficient_data"


def _sorted_out(
    reference: Profile, current: Profile, policy: DriftPolicy
) -> tuple[list[str], list[str], list[str]]:
    """Sort the reference's columns into features, those of the calendar, and the others."""
    keys = {*reference.keys, *current.keys}
    features: list[str] = []
    calendar: list[str] = []
    apart: list[str] = []
    for name, column in reference.whole.columns.items():
        if name not in current.whole.columns:
            continue
        kinds = {column.main_kind, current.whole.column(name).main_kind} - {"none"}
        is_key = len(kinds) < 2 and (name in keys or kinds == {"time"})
        if is_key or name in policy.apart:
            apart.append(name)
        elif policy.is_calendar(name):
            calendar.append(name)
        else:
            features.append(name)
    return features, calendar, apart


def _judged(
    names: Iterable[str], reference: Profile, current: Profile, policy: DriftPolicy
) -> tuple[FeatureDrift, ...]:
    compared = [compare(name, reference.whole, current.whole, policy) for name in names]
    if not compared:
        return ()
    tested = [combined(one.evidence.chances()) if one.has_p else None for one in compared]
    q = _corrected([found and found[1] for found in tested])
    scale = blocks_a_row(reference, current)
    in_blocks = [
        combined(one.evidence.chances(scale)) if scale and one.has_p else None for one in compared
    ]
    p_blocks = [found and found[1] for found in in_blocks]
    q_blocks = _corrected(p_blocks)
    verdicts = [
        _verdict(*of_one, reference, policy)
        for of_one in zip(compared, tested, q, p_blocks, q_blocks, strict=True)
    ]
    return tuple(sorted(verdicts, key=_worst_first))


def _worst_first(one: FeatureDrift) -> tuple[int, float, str]:
    return -SEVERITIES.index(one.severity), -max(one.psi_above, one.new), one.feature


def _corrected(chances: Sequence[float | None]) -> list[float | None]:
    known = iter(corrected([p for p in chances if p is not None]))
    return [None if p is None else next(known) for p in chances]


def _verdict(
    compared: Compared,
    tested: tuple[Test, float] | None,
    q: float | None,
    p_blocks: float | None,
    q_blocks: float | None,
    reference: Profile,
    policy: DriftPolicy,
) -> FeatureDrift:
    evidence, cells = compared.evidence, compared.cells
    above, new = cells.above_floor(), evidence.newest()
    is_chance = q is not None and q >= policy.false_share
    # Without a p there are so many rows that chance explains none of these effects; but where no
    # test applies, all rows are alike.
    severity = "none" if is_chance else _severity(above, new, policy)
    variation = within = None
    if severity != "none":
        variation = largest_variation(compared, reference, policy)
        within = _is_within(above, variation, q_blocks, policy)
    nulls = evidence.nulls.of(evidence.rows)
    return FeatureDrift(
        feature=compared.feature,
        kind=compared.kind,
        severity=severity,
        notes=compared.notes,
        test=tested[0] if tested else None,
        statistic=compared.statistic,
        p=tested[1] if tested else None,
        q=q,
        psi=float(cells.psi_of_each().sum()),
        psi_floor=cells.noise_floor(),
        psi_above=above,
        new=new,
        effect=compared.effect,
        reference_rows=int(evidence.rows.reference),
        current_rows=int(evidence.rows.current),
        reference_null_share=nulls.reference,
        current_null_share=nulls.current,
        unseen_share=_share_of("unseen_labels", compared),
        beyond_share=_share_of("beyond_range", compared),
        cells=cells.moved(),
        p_blocks=p_blocks,
        reference_variation=variation,
        within_reference_variation=within,
        rank_error=compared.rank_error,
    )


def _severity(above: float, new: float, policy: DriftPolicy) -> Severity:
    if above >= policy.critical_psi or new >= policy.critical_new:
        return "critical"
    if above >= policy.warning_psi or new >= policy.warning_new:
        return "warning"
    return "none"


def _is_within(
    above: float, variation: float | None, q_blocks: float | None, policy: DriftPolicy
) -> bool | None:
    if variation is None and q_blocks is None:
        return None
    is_block_chance = q_blocks is not None and q_blocks >= policy.false_share_of_blocks
    return is_block_chance or (variation is not None and above <= variation)


def _share_of(test: str, compared: Compared) -> float | None:
    newness = compared.evidence.newness
    if newness is None or newness.test != test:
        return None
    return newness.rows / compared.evidence.rows.current


def _weighted(judged: Sequence[FeatureDrift], policy: DriftPolicy) -> float | None:
    weights = {one.feature: policy.importance.get(one.feature, 0.0) for one in judged}
    total = sum(weights.values())
    if total <= 0:
        return None
    return sum(weights[one.feature] for one in judged if one.severity != "none") / total
