"""Health at a later time: what silence, a stop or a start without requests means by then.

A facet has the finding of the instant at which the newest window was written. A later reader judges
again from the facet and the starts since: a deployment that has flushed and not come back is
stopped, one without a sign of life is unknown, one that started and got no request is idle. A fault
that was raised stays raised: silence never clears it.

The observer, which reads the windows, emits a finding when it changes, else every 15 minutes. Until
the next finding is due the last one is valid, and no news in between does not mean silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import msgspec

from lineage_bridge.assess.reasons import (
    DEGRADED,
    HEALTHY,
    IDLE,
    UNHEALTHY,
    UNKNOWN,
    worst_first,
    worst_of,
)
from lineage_bridge.facets.serving_health import (
    Endpoint,
    Level,
    Reason,
    ServingHealthFacet,
    Status,
)
from lineage_bridge.facets.serving_policy import ServingPolicy

BATCH_ENVIRONMENT = "batch"  # deployments of this environment finish, those of others stop
NO_TRAFFIC = "no_traffic"
# What only time or the absence of anything says: judged anew.
QUIET = frozenset({NO_TRAFFIC, "silent", "stopped", "finished", "no_requests_yet", "no_evidence"})
RAISED: frozenset[Status] = frozenset({DEGRADED, UNHEALTHY})
ENDED = frozenset({"stopped", "finished"})
GIVEN_UP_SECONDS = 86_400.0  # of silence: whoever was killed without a word and not missed


class Start(NamedTuple):
    """One start of one instance, read from a serving job's START event."""

    at: datetime
    model: str
    version: str


@dataclass(frozen=True, slots=True)
class Health:
    """A deployment's health at an instant, by its windows and starts.

    `model` and `model_version` are those that were judged, None where there was no evidence.
    """

    status: Status
    reasons: tuple[Reason, ...]
    endpoints: tuple[Endpoint, ...] = ()
    model: str | None = None
    model_version: str | None = None


def health_at(
    facet: ServingHealthFacet | None,
    at: datetime,
    *,
    starts: Iterable[Start],
    policy: ServingPolicy | None,
) -> Health:
    """Judge a deployment at `at` by its newest facet with `evaluated_at` up to then.

    Args:
        facet: None where no window was ever seen.
        at: the instant to judge at.
        starts: starts of the deployment's instances; those after `at` are left out.
        policy: None applies the policy that the facet carries, else the default.
    """
    past = sorted(start for start in starts if start.at <= at)
    if facet is None:
        applied = policy or ServingPolicy()
        return _never_asked(past[-1], at, applied) if past else _no_evidence(at)
    applied = policy or facet.policy or ServingPolicy()
    later = [start for start in past if start.at > facet.evaluated_at]
    if later and (later[-1].model, later[-1].version) != (facet.model, facet.model_version):
        return _never_asked(later[-1], at, applied)
    return _after_windows(facet, at, applied, later)


def is_retired(health: Health) -> bool:
    """Return whether nobody waits for a deployment any more, whatever was wrong with it.

    It stopped or finished, or has been silent for a day. One that the settings expect to have
    traffic (`expects_traffic`) is unhealthy then, and never retired.
    """
    return any(
        reason.code in ENDED
        or (reason.code == "silent" and (reason.value or 0.0) > GIVEN_UP_SECONDS)
        for reason in health.reasons
        if reason.level not in RAISED
    )


def _no_evidence(at: datetime) -> Health:
    return Health(UNKNOWN, (Reason(code="no_evidence", level=UNKNOWN, since=at),))


def _never_asked(start: Start, at: datetime, policy: ServingPolicy) -> Health:
    waited_seconds = (at - start.at).total_seconds()
    level: Level = IDLE if waited_seconds <= policy.start_seconds else UNKNOWN
    reason = _reason("no_requests_yet", level, start.at, at, policy.start_seconds)
    return Health(level, (reason,), (), start.model, start.version)


def _after_windows(
    facet: ServingHealthFacet, at: datetime, policy: ServingPolicy, later: Sequence[Start]
) -> Health:
    quiet = _stopped(facet, at, policy) if not later else None
    if quiet is None and _stands(facet, at, policy):
        return _judged(facet, facet.reasons or (), facet.endpoints or ())
    if quiet is None:
        life = max([facet.last_sign_of_life or at, *(start.at for start in later)])
        quiet = _silent(life, at, policy)
    endpoints = [_endpoint(endpoint, at, policy, quiet) for endpoint in facet.endpoints or ()]
    reasons = [reason for endpoint in endpoints for reason in endpoint.reasons]
    reasons += _of_no_endpoint(facet)
    if quiet is not None:
        reasons = [quiet, *(reason for reason in reasons if reason != quiet)]
    return _judged(facet, reasons, endpoints)


def _of_no_endpoint(facet: ServingHealthFacet) -> list[Reason]:
    """Return what was raised and belongs to no endpoint that is listed: it stays raised."""
    listed = {endpoint.endpoint for endpoint in facet.endpoints or ()}
    return [
        reason
        for reason in facet.reasons or ()
        if reason.endpoint not in listed and reason.level in RAISED and reason.code not in QUIET
    ]


def _judged(
    facet: ServingHealthFacet, reasons: Iterable[Reason], endpoints: Iterable[Endpoint]
) -> Health:
    reasons, endpoints = worst_first(reasons), tuple(endpoints)
    statuses: list[Status] = [*(e.status for e in endpoints), *(r.level for r in reasons)]
    if not facet.reasons and facet.status in RAISED:
        statuses.append(facet.status)  # it does not say why, and is believed all the same
    status = worst_of(statuses)
    return Health(status, reasons, endpoints, facet.model, facet.model_version)


def _stands(facet: ServingHealthFacet, at: datetime, policy: ServingPolicy) -> bool:
    """Return whether the finding is still valid, because the observer's next is not due yet."""
    if facet.policy is None or not facet.policy.stands_seconds:
        return False
    spacing_seconds = policy.gap_factor * policy.window_seconds
    age_seconds = (at - facet.evaluated_at).total_seconds()
    return age_seconds <= facet.policy.stands_seconds + spacing_seconds


def _stopped(facet: ServingHealthFacet, at: datetime, policy: ServingPolicy) -> Reason | None:
    flushed = facet.last_flush
    if facet.instances_running != 0 or flushed is None:
        return None
    if (at - flushed).total_seconds() < policy.stop_seconds:
        return None
    if facet.environment == BATCH_ENVIRONMENT:
        return _reason("finished", IDLE, flushed, at, policy.stop_seconds)
    level: Level = UNHEALTHY if policy.expects_traffic else UNKNOWN
    return _reason("stopped", level, flushed, at, policy.stop_seconds)


def _silent(life: datetime, at: datetime, policy: ServingPolicy) -> Reason | None:
    if (at - life).total_seconds() <= policy.silent_seconds:
        return None
    level: Level = UNHEALTHY if policy.expects_traffic else UNKNOWN
    return _reason("silent", level, life, at, policy.silent_seconds)


def _endpoint(
    endpoint: Endpoint, at: datetime, policy: ServingPolicy, quiet: Reason | None
) -> Endpoint:
    """Judge one endpoint: silent with its deployment, or alone while others get requests."""
    reasons = [reason for reason in endpoint.reasons if reason.code != NO_TRAFFIC]
    asked = endpoint.last_request
    if quiet is not None:
        reasons.append(quiet)
    elif asked is None:
        reasons = list(endpoint.reasons)
    elif (at - asked).total_seconds() > policy.silent_seconds:
        limit = policy.silent_seconds
        reasons.append(_reason(NO_TRAFFIC, IDLE, asked, at, limit, endpoint.endpoint))
    statuses: list[Status] = [reason.level for reason in reasons]
    if not endpoint.reasons and endpoint.status in RAISED:
        statuses.append(endpoint.status)
    return msgspec.structs.replace(
        endpoint, status=worst_of(statuses or [HEALTHY]), reasons=worst_first(reasons)
    )


def _reason(
    code: str,
    level: Level,
    since: datetime,
    at: datetime,
    threshold_seconds: float,
    endpoint: str | None = None,
) -> Reason:
    return Reason(
        code=code,
        level=level,
        since=since,
        value=(at - since).total_seconds(),
        threshold=threshold_seconds,
        endpoint=endpoint,
    )
