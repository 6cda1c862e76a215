"""Freshness: how old a dataset is by the time it was built, and by the newest event in it.

Two clocks, because one alone misleads: a dataset built now from old data is fresh by the first and
stale by the second. The worse one decides and is named as the basis.

A time in the future gives no age: the status is UNKNOWN, with the skew. Where the build time is
missing, the file's own time is used, and the basis is `mtime`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lineage_bridge.assess.assertions import ERROR, WARN, Assertion
from lineage_bridge.facets.freshness import Clock, FreshnessFacet, FreshnessStatus

FRESH: Final = "FRESH"
LATE: Final = "LATE"
STALE: Final = "STALE"
UNKNOWN: Final = "UNKNOWN"

BUILD: Final = "build"
MTIME: Final = "mtime"  # the file's own time, used where the artifact has no build time
DATA: Final = "data"

DEFAULT_LIMIT_SECONDS: Final = 1800.0

_RANK: Final[Mapping[FreshnessStatus, int]] = {FRESH: 0, LATE: 1, STALE: 2, UNKNOWN: 3}


@dataclass(frozen=True, slots=True)
class FreshnessPolicy:
    """The ages from which on a dataset is LATE (`warn_seconds`) and STALE (`error_seconds`)."""

    warn_seconds: float = DEFAULT_LIMIT_SECONDS
    error_seconds: float = DEFAULT_LIMIT_SECONDS


@dataclass(frozen=True, slots=True)
class Freshness:
    """A freshness finding; ages and skew in seconds.

    Attributes:
        status: FRESH, LATE, STALE or UNKNOWN.
        basis: the clock that decided: `build`, `mtime` (the file's own time in place of a missing
            build time) or `data`; None where there is no time at all.
        build_time: when the dataset was built.
        build_is_mtime: whether the build time is the file's own.
        data_time: the time of the newest event in the dataset.
        build_age_seconds: None if there is no build time, or it lies in the future.
        data_age_seconds: the same for the data time.
        clock_skew_seconds: how far the later of the two lies in the future, else None.
        evaluated_at: the instant that the ages are measured at.
        policy: the limits that were applied.
    """

    status: FreshnessStatus
    basis: Clock | None
    build_time: datetime | None
    build_is_mtime: bool
    data_time: datetime | None
    build_age_seconds: float | None
    data_age_seconds: float | None
    clock_skew_seconds: float | None
    evaluated_at: datetime
    policy: FreshnessPolicy


_DEFAULT_POLICY: Final = FreshnessPolicy()


def assess_freshness(
    *,
    build_time: datetime | None,
    data_time: datetime | None,
    at: datetime,
    policy: FreshnessPolicy = _DEFAULT_POLICY,
    file_time: datetime | None = None,
) -> Freshness:
    """Judge a dataset's age at an instant; `file_time` replaces a missing build time."""
    is_mtime = build_time is None and file_time is not None
    built = file_time if build_time is None else build_time
    build_age, data_age = _age_seconds(built, at), _age_seconds(data_time, at)
    ages: dict[Clock, float | None] = {MTIME if is_mtime else BUILD: build_age, DATA: data_age}
    judged = {clock: _judge(age, policy) for clock, age in ages.items() if age is not None}
    basis = max(judged, key=lambda clock: (_RANK[judged[clock]], ages[clock] or 0), default=None)
    skews = [-age for age in (build_age, data_age) if age is not None and age < 0]
    return Freshness(
        status=judged[basis] if basis else UNKNOWN,
        basis=basis,
        build_time=built,
        build_is_mtime=is_mtime,
        data_time=data_time,
        build_age_seconds=_not_negative(build_age),
        data_age_seconds=_not_negative(data_age),
        clock_skew_seconds=max(skews) if skews else None,
        evaluated_at=at,
        policy=policy,
    )


def freshness_facet(finding: Freshness) -> FreshnessFacet:
    """Return the finding as a facet."""
    return FreshnessFacet(
        status=finding.status,
        basis=finding.basis,
        build_time=finding.build_time,
        build_time_is_mtime=finding.build_is_mtime or None,
        data_time=finding.data_time,
        build_age_seconds=finding.build_age_seconds,
        data_age_seconds=finding.data_age_seconds,
        clock_skew_seconds=finding.clock_skew_seconds,
        warn_seconds=finding.policy.warn_seconds,
        error_seconds=finding.policy.error_seconds,
        evaluated_at=finding.evaluated_at,
    )


def freshness_assertions(finding: Freshness) -> Iterator[Assertion]:
    """Yield whether the dataset is fresh, by the clock that decided; nothing if nobody knows."""
    if finding.status == UNKNOWN:
        return
    by_data = finding.basis == DATA
    age_seconds = finding.data_age_seconds if by_data else finding.build_age_seconds
    is_fresh, policy = finding.status == FRESH, finding.policy
    limit_seconds = policy.error_seconds if finding.status == STALE else policy.warn_seconds
    yield Assertion(
        "freshness",
        is_fresh,
        severity=None if is_fresh else ERROR if finding.status == STALE else WARN,
        expected=f"{finding.basis} age < {limit_seconds:g} s",
        actual=f"{age_seconds:g} s",
    )


def freshness_at(
    facet: FreshnessFacet, at: datetime, policy: FreshnessPolicy | None = None
) -> Freshness:
    """Judge again at another time from the facet alone, by its own policy unless one is given."""
    is_mtime = bool(facet.build_time_is_mtime)
    return assess_freshness(
        build_time=None if is_mtime else facet.build_time,
        data_time=facet.data_time,
        at=at,
        policy=policy or _policy_of(facet),
        file_time=facet.build_time if is_mtime else None,
    )


def _policy_of(facet: FreshnessFacet) -> FreshnessPolicy:
    warn, error = facet.warn_seconds, facet.error_seconds
    return FreshnessPolicy(
        warn_seconds=DEFAULT_LIMIT_SECONDS if warn is None else warn,
        error_seconds=DEFAULT_LIMIT_SECONDS if error is None else error,
    )


def _judge(age_seconds: float, policy: FreshnessPolicy) -> FreshnessStatus:
    if age_seconds < 0:
        return UNKNOWN
    if age_seconds >= policy.error_seconds:
        return STALE
    return LATE if age_seconds >= policy.warn_seconds else FRESH


def _age_seconds(instant: datetime | None, at: datetime) -> float | None:
    return None if instant is None else (at - instant).total_seconds()


def _not_negative(age_seconds: float | None) -> float | None:
    return age_seconds if age_seconds is not None and age_seconds >= 0 else None
