"""Freshness: how old a dataset is by the time it was built, and by the newest event in it.

Two clocks, because each lies alone: a dataset built now from old data is fresh by the first and
stale by the second. The worse one decides and is named. A third clock, the oldest link on the way
to what is served, needs the graph and is computed where the graph is read.

A time in the future is no age: the status is UNKNOWN, with the skew. A missing build time falls
back to the file's own, and the basis says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from lineage_bridge.times import format_time, parse_time

FRESH: Final = "FRESH"
LATE: Final = "LATE"
STALE: Final = "STALE"
UNKNOWN: Final = "UNKNOWN"

BUILD: Final = "build"
MTIME: Final = "mtime"  # the artifact does not say when it was built: the file's own time stands in
DATA: Final = "data"

DEFAULT_LIMIT_SECONDS: Final = 1800.0

_RANK: Final[Mapping[str, int]] = {FRESH: 0, LATE: 1, STALE: 2, UNKNOWN: 3}


@dataclass(frozen=True, slots=True)
class FreshnessPolicy:
    """From `warn_seconds` of age on a dataset is LATE, from `error_seconds` on STALE."""

    warn_seconds: float = DEFAULT_LIMIT_SECONDS
    error_seconds: float = DEFAULT_LIMIT_SECONDS


@dataclass(frozen=True, slots=True)
class Freshness:
    """A freshness finding; ages and skew in seconds.

    Attributes:
        status: FRESH, LATE, STALE or UNKNOWN.
        basis: the clock that decided: `build`, `mtime` (the file's own time in place of a missing
            build time) or `data`; None where there is no time at all.
        build_time: when it was built.
        build_is_mtime: the build time is the file's own.
        data_time: the newest event in it.
        build_age_seconds: None if there is no build time, or it lies in the future.
        data_age_seconds: the same for the data time.
        clock_skew_seconds: how far the later of the two lies in the future, else None.
        evaluated_at: when it was judged.
        policy: what it was judged by.
    """

    status: str
    basis: str | None
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
    """Judge a dataset's age at an instant; `file_time` stands in for a missing build time."""
    is_mtime = build_time is None and file_time is not None
    built = file_time if build_time is None else build_time
    build_age, data_age = _age_seconds(built, at), _age_seconds(data_time, at)
    ages = {MTIME if is_mtime else BUILD: build_age, DATA: data_age}
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


def freshness_facts(finding: Freshness) -> dict[str, Any]:
    """The fields of the facet lineageBridge_freshness; what is absent is None."""
    return {
        "status": finding.status,
        "basis": finding.basis,
        "buildTime": _text(finding.build_time),
        "buildTimeIsMtime": finding.build_is_mtime or None,
        "dataTime": _text(finding.data_time),
        "buildAgeSeconds": finding.build_age_seconds,
        "dataAgeSeconds": finding.data_age_seconds,
        "clockSkewSeconds": finding.clock_skew_seconds,
        "warnSeconds": finding.policy.warn_seconds,
        "errorSeconds": finding.policy.error_seconds,
        "evaluatedAt": format_time(finding.evaluated_at),
    }


def freshness_at(
    facts: Mapping[str, Any], at: datetime, policy: FreshnessPolicy | None = None
) -> Freshness:
    """Judge again at another time from a facet alone, by its own policy unless one is given."""
    own = FreshnessPolicy(
        warn_seconds=facts.get("warnSeconds", DEFAULT_LIMIT_SECONDS),
        error_seconds=facts.get("errorSeconds", DEFAULT_LIMIT_SECONDS),
    )
    built, is_mtime = _time(facts.get("buildTime")), bool(facts.get("buildTimeIsMtime"))
    return assess_freshness(
        build_time=None if is_mtime else built,
        data_time=_time(facts.get("dataTime")),
        at=at,
        policy=policy or own,
        file_time=built if is_mtime else None,
    )


def _judge(age_seconds: float, policy: FreshnessPolicy) -> str:
    if age_seconds < 0:
        return UNKNOWN
    if age_seconds >= policy.error_seconds:
        return STALE
    return LATE if age_seconds >= policy.warn_seconds else FRESH


def _age_seconds(instant: datetime | None, at: datetime) -> float | None:
    return None if instant is None else (at - instant).total_seconds()


def _not_negative(age_seconds: float | None) -> float | None:
    return age_seconds if age_seconds is not None and age_seconds >= 0 else None


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else format_time(instant)


def _time(text: Any) -> datetime | None:
    return parse_time(text)[0] if isinstance(text, str) else None
