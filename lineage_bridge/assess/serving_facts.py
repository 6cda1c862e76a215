"""What the facet lineageBridge_servingHealth says: a finding with all facts that it was made from.

The facts are enough for any reader to judge again at a later time (`liveness.health_at`), so the
facet carries the policy, the signs of life and `evaluatedAt`. Built by hand rather than by walking
objects: an observer makes one every 15 minutes for every deployment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lineage_bridge.assess import lookback as counted
from lineage_bridge.assess.endpoint import EndpointState
from lineage_bridge.assess.lookback import SECOND_US, Lookback
from lineage_bridge.assess.policy import ServingPolicy, policy_facts
from lineage_bridge.assess.ratios import wilson_bounds
from lineage_bridge.assess.reasons import Reason, worst_first, worst_of
from lineage_bridge.assess.serving import DeploymentState
from lineage_bridge.times import format_time, from_micros

# Each ratio with its counter, and whether it is of the predictions (else of the requests).
RATIOS = (
    ("failure_ratio", counted.FAILURES, False),
    ("timeout_ratio", counted.TIMEOUTS, False),
    ("rejection_ratio", counted.REJECTED, False),
    ("prediction_non_finite_ratio", counted.NON_FINITE, True),
    ("prediction_null_ratio", counted.NULLS, True),
    ("prediction_out_of_range_ratio", counted.OUT_OF_RANGE, True),
    ("prediction_fallback_ratio", counted.FALLBACKS, True),
)


@dataclass(slots=True)
class Totals:
    """Sums over the whole history of a deployment, or of one model version in it."""

    model: str = ""
    version: str = ""
    windows: int = 0
    requests: int = 0
    successes: int = 0
    failures: int = 0
    rejected: int = 0
    timeouts: int = 0
    predictions: int = 0

    def as_facts(self) -> dict[str, int]:
        """As the facet carries them."""
        return {
            "windows": self.windows,
            "requests": self.requests,
            "successes": self.successes,
            "failures": self.failures,
            "rejected": self.rejected,
            "timeouts": self.timeouts,
            "predictions": self.predictions,
        }


def serving_facts(
    state: DeploymentState,
    at_us: int,
    policy: ServingPolicy,
    *,
    environment: str,
    by_version: Sequence[Totals],
    stands_seconds: float = 0.0,
    late_windows: int = 0,
    inconsistent_windows: int = 0,
) -> dict[str, Any]:
    """The fields of the facet, for a deployment that was judged at that instant.

    `stands_seconds` is how long nothing new may be heard although windows come: the observer's
    heartbeat; 0 where everything that there is was read.
    """
    life_us = state.last_life_us
    names = sorted(state.endpoints)
    found = {name: state.endpoints[name].reasons(name, life_us, policy) for name in names}
    endpoints = [_endpoint(name, state.endpoints[name], found[name], policy) for name in names]
    held = [state.endpoints[name].lookback for name in names]
    facts: dict[str, Any] = {
        "status": worst_of(endpoint["status"] for endpoint in endpoints),
        "reasons": [r.as_facts() for r in worst_first(r for name in names for r in found[name])],
        "notes": [
            *_counted(late_windows=late_windows, inconsistent_windows=inconsistent_windows),
            *_notes(state, policy),
        ],
        "evaluatedAt": _time(at_us),
        "environment": environment,
        "model": state.model,
        "modelVersion": state.version,
        "activationStartedAt": _time(state.started_us),
        "lookbackSeconds": max((_length_seconds(look) for look in held), default=0.0),
        "windows": sum(look.windows for look in held),
        "endpoints": endpoints,
        "totals": _sum(by_version).as_facts(),
        "totalsByVersion": [
            {"model": t.model, "modelVersion": t.version, **t.as_facts()} for t in by_version
        ],
        "starts": state.starts,
        "flushes": state.flushes,
        "instancesRunning": state.running,
        "lastSignOfLife": _time(life_us),
        "policy": {**policy_facts(policy), "standsSeconds": stands_seconds},
    }
    for name, instant_us in (
        ("lastStart", state.last_start_us),
        ("lastFlush", state.last_flush_us),
        ("lastHeartbeat", state.last_heartbeat_us),
        ("newestWindowEnd", max((look.newest_end_us for look in held), default=None)),
    ):
        if instant_us is not None:
            facts[name] = _time(instant_us)
    return facts


def _endpoint(
    name: str, state: EndpointState, reasons: Sequence[Reason], policy: ServingPolicy
) -> dict[str, Any]:
    look = state.lookback
    newest = look.minutes[-1]
    facts: dict[str, Any] = {
        "endpoint": name,
        "status": worst_of(reason.level for reason in reasons),
        "reasons": [reason.as_facts() for reason in reasons],
        "windows": look.windows,
        "requests": look.requests,
        "lookbackSeconds": _length_seconds(look),
        "newestWindowEnd": _time(look.newest_end_us),
        "ratios": _ratios(look, policy.confidence_z),
        "latencyP50Ms": newest.p50_ms,
        "latencyP95Ms": newest.p95_ms,
        "latencyP99Ms": newest.p99_ms,
    }
    if state.last_request_us is not None:
        facts["lastRequest"] = _time(state.last_request_us)
    return facts


def _ratios(look: Lookback, z: float) -> list[dict[str, Any]]:
    """Those that are not zero, over the whole look-back."""
    if not look.bad_total:
        return []
    predictions = sum(minute.predictions for minute in look.minutes)
    found = []
    for code, counter, of_predictions in RATIOS:
        of = predictions if of_predictions else look.requests
        bad = min(look.bad[counter], of)
        if bad:
            lower, upper = wilson_bounds(bad, of, z)
            found.append(
                {
                    "code": code,
                    "value": bad / of,
                    "lower": lower,
                    "upper": upper,
                    "count": bad,
                    "of": of,
                }
            )
    return found


def _counted(**counts: int) -> list[dict[str, Any]]:
    return [{"code": code, "value": count} for code, count in counts.items() if count]


def _notes(state: DeploymentState, policy: ServingPolicy) -> list[dict[str, Any]]:
    notes: list[dict[str, Any]] = []
    for name in sorted(state.endpoints):
        endpoint = state.endpoints[name]
        requests = endpoint.lookback.requests
        if requests < policy.lookback_min_requests:
            notes.append({"code": "insufficient_requests", "endpoint": name, "value": requests})
        if endpoint.windows_lost:
            lost = endpoint.windows_lost
            notes.append({"code": "window_lost", "endpoint": name, "value": lost})
    return notes


def _sum(parts: Sequence[Totals]) -> Totals:
    whole = Totals()
    for part in parts:
        whole.windows += part.windows
        whole.requests += part.requests
        whole.successes += part.successes
        whole.failures += part.failures
        whole.rejected += part.rejected
        whole.timeouts += part.timeouts
        whole.predictions += part.predictions
    return whole


def _length_seconds(look: Lookback) -> float:
    return (look.newest_end_us - look.minutes[0].start_us) / SECOND_US if look.minutes else 0.0


@lru_cache(maxsize=1024)
def _time(instant_us: int) -> str:
    return format_time(from_micros(instant_us))
