"""Health at a later time: what silence, a stop or a start without requests mean by then.

A facet says what was found when the newest window came in. Whoever reads it later judges again from
the facet alone: a deployment that has flushed and not come back is stopped, one without a sign of
life is unknown, one that started and was never asked is idle. What was raised stays raised: silence
never clears a fault.

An observer speaks when a finding changes, else every 15 minutes: until its next word is due, its
last one stands, and that nothing was heard in between is no silence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from lineage_bridge.assess.policy import ServingPolicy, policy_of
from lineage_bridge.assess.reasons import (
    IDLE,
    UNHEALTHY,
    UNKNOWN,
    rank,
    worst_facts_first,
    worst_of,
)
from lineage_bridge.times import format_time, parse_time

BATCH_ENVIRONMENT = "batch"  # its deployments finish, others stop


class Start(NamedTuple):
    """One start of one instance, as a serving job's START event tells it."""

    at: datetime
    model: str
    version: str


@dataclass(frozen=True, slots=True)
class Health:
    """A deployment's health at an instant; reasons and endpoints in the facet's shape."""

    status: str
    reasons: Sequence[Mapping[str, Any]]
    endpoints: Sequence[Mapping[str, Any]]
    model: str | None
    model_version: str | None


def health_at(
    facts: Mapping[str, Any] | None,
    at: datetime,
    *,
    starts: Sequence[Start] = (),
    policy: ServingPolicy | None = None,
    last_probe: datetime | None = None,
) -> Health:
    """Judge a deployment at `at` by its newest facet with `evaluatedAt` up to then.

    Args:
        facts: the facet, or None where no window was ever seen.
        at: the time asked for.
        starts: starts of the deployment's instances; those after `at` are left out.
        policy: instead of the one that the facet carries (or the default).
        last_probe: when the deployment last answered a probe.
    """
    past = sorted(start for start in starts if start.at <= at)
    if facts is None:
        applied = policy or ServingPolicy()
        return _never_asked(past[-1], at, applied) if past else _no_evidence(at)
    applied = policy or policy_of(facts.get("policy", {}))
    later = [start for start in past if start.at > _instant(facts, "evaluatedAt", at)]
    if later and (later[-1].model, later[-1].version) != (
        facts.get("model"),
        facts.get("modelVersion"),
    ):
        return _never_asked(later[-1], at, applied)
    return _after_windows(facts, at, applied, later, last_probe)


def _no_evidence(at: datetime) -> Health:
    reason = {"code": "no_evidence", "level": UNKNOWN, "since": format_time(at)}
    return Health(UNKNOWN, [reason], [], None, None)


def _never_asked(start: Start, at: datetime, policy: ServingPolicy) -> Health:
    waited_seconds = (at - start.at).total_seconds()
    level = IDLE if waited_seconds <= policy.start_seconds else UNKNOWN
    reason = _reason("no_requests_yet", level, start.at, at, policy.start_seconds)
    return Health(level, [reason], [], start.model, start.version)


def _after_windows(
    facts: Mapping[str, Any],
    at: datetime,
    policy: ServingPolicy,
    later: Sequence[Start],
    last_probe: datetime | None,
) -> Health:
    life = max([_instant(facts, "lastSignOfLife", at), *(start.at for start in later)])
    quiet = _stopped(facts, at, policy) if not later else None
    if quiet is None and _stands(facts, at, policy):
        reasons = list(facts.get("reasons", ()))
        return _judged(facts, reasons, facts.get("endpoints", ()))
    if quiet is None:
        quiet = _silent(life, at, policy, last_probe)
    endpoints = [_endpoint(endpoint, at, policy, quiet) for endpoint in facts.get("endpoints", ())]
    reasons = [reason for endpoint in endpoints for reason in endpoint["reasons"]]
    if quiet is not None:
        reasons = [quiet, *(reason for reason in reasons if reason != quiet)]
    return _judged(facts, reasons, endpoints)


def _judged(
    facts: Mapping[str, Any],
    reasons: Sequence[Mapping[str, Any]],
    endpoints: Sequence[Mapping[str, Any]],
) -> Health:
    status = worst_of([*(e["status"] for e in endpoints), *(r["level"] for r in reasons)])
    told = worst_facts_first(reasons)
    return Health(status, told, endpoints, facts.get("model"), facts.get("modelVersion"))


def _stands(facts: Mapping[str, Any], at: datetime, policy: ServingPolicy) -> bool:
    """Is the next word of the observer not due yet?"""
    stands_seconds = facts.get("policy", {}).get("standsSeconds", 0.0)
    if not stands_seconds:
        return False
    spacing_seconds = policy.gap_factor * policy.window_seconds
    age_seconds = (at - _instant(facts, "evaluatedAt", at)).total_seconds()
    return bool(age_seconds <= stands_seconds + spacing_seconds)


def _stopped(
    facts: Mapping[str, Any], at: datetime, policy: ServingPolicy
) -> dict[str, Any] | None:
    if facts.get("instancesRunning", 1) > 0 or "lastFlush" not in facts:
        return None
    flushed = _instant(facts, "lastFlush", at)
    if (at - flushed).total_seconds() < policy.stop_seconds:
        return None
    if facts.get("environment") == BATCH_ENVIRONMENT:
        return _reason("finished", IDLE, flushed, at, policy.stop_seconds)
    level = UNHEALTHY if policy.expects_traffic else UNKNOWN
    return _reason("stopped", level, flushed, at, policy.stop_seconds)


def _silent(
    life: datetime, at: datetime, policy: ServingPolicy, last_probe: datetime | None
) -> dict[str, Any] | None:
    if (at - life).total_seconds() <= policy.silent_seconds:
        return None
    answers = (
        last_probe is not None
        and last_probe <= at
        and (at - last_probe).total_seconds() <= policy.silent_seconds
    )
    if policy.expects_traffic:
        return _reason("silent", UNHEALTHY, life, at, policy.silent_seconds)
    if answers:
        return _reason("no_traffic", IDLE, life, at, policy.silent_seconds)
    return _reason("silent", UNKNOWN, life, at, policy.silent_seconds)


def _endpoint(
    facts: Mapping[str, Any],
    at: datetime,
    policy: ServingPolicy,
    quiet: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """One endpoint: quiet with its deployment, or alone while others are asked."""
    reasons = [reason for reason in facts["reasons"] if reason["code"] != "no_traffic"]
    asked = _instant(facts, "lastRequest", None)
    if quiet is not None:
        reasons.append(quiet)
    elif asked is None:
        reasons = list(facts["reasons"])
    elif (at - asked).total_seconds() > policy.silent_seconds:
        reason = _reason("no_traffic", IDLE, asked, at, policy.silent_seconds)
        reasons.append(reason | {"endpoint": facts["endpoint"]})
    status = max((r["level"] for r in reasons), key=rank, default="healthy")
    return {**facts, "status": status, "reasons": worst_facts_first(reasons)}


def _reason(
    code: str, level: str, since: datetime, at: datetime, threshold_seconds: float
) -> dict[str, Any]:
    return {
        "code": code,
        "level": level,
        "since": format_time(since),
        "value": (at - since).total_seconds(),
        "threshold": threshold_seconds,
    }


def _instant(facts: Mapping[str, Any], name: str, default: datetime | None) -> Any:
    text = facts.get(name)
    return parse_time(text)[0] if isinstance(text, str) else default
