"""Freshness: how old a dataset is by its build, by the newest event in it, and by what it reads.

Three clocks, because one alone misleads: a dataset built now from old data is fresh by the first
and stale by the second, and what is read live may be older than both (`effective`: only the graph
knows it, so no event has it). The worst one decides and is named as the basis.

A time in the future gives no age: the status is UNKNOWN, with the skew. Where the build time is
missing, the file's own time is used, and the basis is `mtime`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, NamedTuple, Protocol, TypeAlias

from lineage_bridge.assess.assertions import ERROR, FRESHNESS, WARN, Assertion
from lineage_bridge.facets.freshness import Clock, FreshnessFacet, FreshnessStatus

FRESH: Final = "FRESH"
LATE: Final = "LATE"
STALE: Final = "STALE"
UNKNOWN: Final = "UNKNOWN"

BUILD: Final = "build"
MTIME: Final = "mtime"  # the file's own time, used where the artifact has no build time
DATA: Final = "data"
EFFECTIVE: Final = "effective"
JudgedClock: TypeAlias = Clock | Literal["effective"]

DEFAULT_LIMIT_SECONDS: Final = 1800.0

_RANK: Final[Mapping[FreshnessStatus, int]] = {FRESH: 0, LATE: 1, STALE: 2, UNKNOWN: 3}


@dataclass(frozen=True, slots=True)
class FreshnessPolicy:
    """The ages from which on a dataset is LATE (`warn_seconds`) and STALE (`error_seconds`)."""

    warn_seconds: float = DEFAULT_LIMIT_SECONDS
    error_seconds: float = DEFAULT_LIMIT_SECONDS

    def limits(self, _clock: JudgedClock, _shown: datetime) -> FreshnessPolicy:
        """See `FreshnessRule`: the same ages for every clock at any time."""
        return self


class FreshnessRule(Protocol):
    """What makes a dataset late."""

    def limits(self, clock: JudgedClock, shown: datetime, /) -> FreshnessPolicy:
        """Return the ages that hold for a clock that shows this time."""


class Live(NamedTuple):
    """What is read live: how old it is.

    Attributes:
        time: what the link that decides shows.
        clock: which clock of the link shows it.
        rule: what it is judged by.
    """

    time: datetime
    clock: JudgedClock
    rule: FreshnessRule


@dataclass(frozen=True, slots=True)
class Freshness:
    """A freshness finding; ages and skew in seconds.

    Attributes:
        status: FRESH, LATE, STALE or UNKNOWN.
        basis: the clock that decided: `build`, `mtime` (the file's own time in place of a missing
            build time), `data` or `effective`; None where there is no time at all.
        build_time: when the dataset was built.
        build_is_mtime: whether the build time is the file's own.
        data_time: the time of the newest event in the dataset.
        build_age_seconds: None if there is no build time, or it lies in the future.
        data_age_seconds: the same for the data time.
        clock_skew_seconds: how far the later of the two lies in the future, else None.
        evaluated_at: the instant that the ages are measured at.
        policy: the limits that were applied to the clock that decided.
        effective_time: of what is read live, if anything is.
        effective_age_seconds: since then; None if it lies in the future.
    """

    status: FreshnessStatus
    basis: JudgedClock | None
    build_time: datetime | None
    build_is_mtime: bool
    data_time: datetime | None
    build_age_seconds: float | None
    data_age_seconds: float | None
    clock_skew_seconds: float | None
    evaluated_at: datetime
    policy: FreshnessPolicy
    effective_time: datetime | None = None
    effective_age_seconds: float | None = None

    @property
    def rank(self) -> int:
        """How bad the status is: the worst has the highest."""
        return _RANK[self.status]


_DEFAULT_POLICY: Final = FreshnessPolicy()


def assess_freshness(
    *,
    build_time: datetime | None,
    data_time: datetime | None,
    at: datetime,
    policy: FreshnessRule = _DEFAULT_POLICY,
    file_time: datetime | None = None,
    live: Live | None = None,
) -> Freshness:
    """Judge a dataset's age at an instant; `file_time` replaces a missing build time."""
    is_mtime = build_time is None and file_time is not None
    built = file_time if build_time is None else build_time
    build_clock: JudgedClock = MTIME if is_mtime else BUILD
    judged: dict[JudgedClock, _Judged] = {}
    for clock, time in ((build_clock, built), (DATA, data_time)):
        if time is not None:
            judged[clock] = _judge(time, at, policy.limits(clock, time))
    if live is not None:
        judged[EFFECTIVE] = _judge(live.time, at, live.rule.limits(live.clock, live.time))
    basis = max(judged, key=lambda clock: judged[clock].order, default=None)
    skews = [-one.age for one in judged.values() if one.age < 0]
    ages = {clock: _not_negative(one.age) for clock, one in judged.items()}
    return Freshness(
        status=judged[basis].status if basis else UNKNOWN,
        basis=basis,
        build_time=built,
        build_is_mtime=is_mtime,
        data_time=data_time,
        build_age_seconds=ages.get(build_clock),
        data_age_seconds=ages.get(DATA),
        clock_skew_seconds=max(skews) if skews else None,
        evaluated_at=at,
        policy=judged[basis].limits if basis else policy.limits(BUILD, at),
        effective_time=None if live is None else live.time,
        effective_age_seconds=ages.get(EFFECTIVE),
    )


def freshness_facet(finding: Freshness) -> FreshnessFacet:
    """Return the finding as a facet."""
    basis = finding.basis
    return FreshnessFacet(
        status=finding.status,
        basis=None if basis == EFFECTIVE else basis,
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
        FRESHNESS,
        is_fresh,
        severity=None if is_fresh else ERROR if finding.status == STALE else WARN,
        expected=f"{finding.basis} age < {limit_seconds:g} s",
        actual=f"{age_seconds:g} s",
    )


class _Judged(NamedTuple):
    status: FreshnessStatus
    age: float
    limits: FreshnessPolicy

    @property
    def order(self) -> tuple[int, float]:
        """The worst has the highest; of equals, the oldest."""
        return _RANK[self.status], self.age


def _judge(time: datetime, at: datetime, limits: FreshnessPolicy) -> _Judged:
    age = (at - time).total_seconds()
    return _Judged(_status(age, limits), age, limits)


def _status(age_seconds: float, limits: FreshnessPolicy) -> FreshnessStatus:
    if age_seconds < 0:
        return UNKNOWN
    if age_seconds >= limits.error_seconds:
        return STALE
    return LATE if age_seconds >= limits.warn_seconds else FRESH


def _not_negative(age_seconds: float) -> float | None:
    return age_seconds if age_seconds >= 0 else None
