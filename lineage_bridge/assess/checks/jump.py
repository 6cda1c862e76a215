"""A jump: whole days whose values are distributed otherwise than ever on the days before.

Versions cover other days, and days differ: version against version, nearly every build drifts. So
days are compared with days, and by far more than these differ among each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import median
from typing import Final

from lineage_bridge.assess.checks.definition import Case, Check, Verdict, verdict
from lineage_bridge.assess.checks.facts import Version
from lineage_bridge.assess.drift.feature import compare
from lineage_bridge.assess.drift.finding import FeatureDrift
from lineage_bridge.assess.drift.judge import judge
from lineage_bridge.assess.drift.policy import DriftPolicy
from lineage_bridge.profiles.profile import Part, Profile

_FEWEST_DAYS: Final = 2
_MOST_DAYS: Final = 7
_WHOLE: Final = 0.8  # of the rows of a usual day


def _jump(case: Case) -> Verdict:
    now = _days(case.now)
    before: dict[int, Part] = {}
    for version in case.passed:
        before |= _days(version)
    last = {day: before[day] for day in sorted(before)[-_MOST_DAYS:]}
    if not now or len(last) < _FEWEST_DAYS:
        reason = f"it takes a whole day after the first, and {_FEWEST_DAYS} such days before"
        return Verdict("skipped", reason=reason, later="also" if now else "")
    jumped = [
        found
        for name in Part.sum(now.values()).columns
        if name not in {*case.now.roles}
        and (found := _moved(name, last, now, case.policy.jump_psi)) is not None
        and _is_jump(found, case)
    ]
    jumped.sort(key=lambda found: (-found.psi_above, found.feature))
    return _said(jumped, case)


def _days(version: Version) -> Mapping[int, Part]:
    """List the whole days of a version but for its first: there, look-backs find nothing yet."""
    if version.profile is None or version.profile.days_a_period != 1:
        return {}
    days = version.profile.periods
    usual = median(part.rows for part in days.values()) if days else 0
    return {day: days[day] for day in sorted(days)[1:] if days[day].rows >= _WHOLE * usual}


def _moved(
    name: str, before: Mapping[int, Part], now: Mapping[int, Part], least: float
) -> FeatureDrift | None:
    """Compare one column, without its nulls; None if there is too little of it, or it moved less.

    Nearly no column has moved by as much as a jump, and its PSI costs little. To find the chance of
    that, and how much days differ anyhow, takes most of the time of all checks.
    """
    reference, current = _only(name, before), _only(name, now)
    if not (reference.rows and current.rows):
        return None
    compared = compare(name, reference.whole, current.whole, DriftPolicy())
    if compared.cells.above_floor() < least:
        return None
    drift = judge(reference, current)
    return drift.features[0] if drift.features else None


def _only(name: str, days: Mapping[int, Part]) -> Profile:
    parts = {day: _values(name, part) for day, part in days.items()}
    return Profile(Part.sum(parts.values()), periods=parts)


def _values(name: str, part: Part) -> Part:
    column = part.column(name)
    return Part(column.values, {name: column})


def _is_jump(found: FeatureDrift, case: Case) -> bool:
    least = max(case.policy.jump_psi, case.policy.jump_factor * (found.reference_variation or 0.0))
    return found.severity == "critical" and found.psi_above >= least


def _said(jumped: Iterable[FeatureDrift], case: Case) -> Verdict:
    found = {one.feature: one for one in jumped}
    worst = "; ".join(f"`{name}` PSI {one.psi_above:.2g}" for name, one in [*found.items()][:3])
    expected = (
        f"PSI below {case.policy.jump_psi:g}, or {case.policy.jump_factor:g} times that of one "
        "day against the others"
    )
    if not found:
        return verdict("none", expected, holds=True)
    if case.failures + 1 < case.policy.jump_normal_after:
        return verdict(worst, expected, holds=False, columns=[*found])
    said = f"{worst}; no. {case.failures + 1} in a row, and from now on what is normal"
    return Verdict("failed", said, expected, tuple(found), later="alone")


CHECKS: Final = (
    Check(
        "jump",
        "warn",
        "the distribution of each column on whole days, but for a version's first, with the last "
        "7 such days of versions that passed; without nulls and features of the calendar",
        "a holiday, or another season after a pause; three in a row are the new normal",
        _jump,
        ("rows", "time"),
        ("jump_psi", "jump_factor", "jump_normal_after"),
        "PSI above its floor",
        looks_back=_MOST_DAYS,  # as each may have but one
    ),
)
