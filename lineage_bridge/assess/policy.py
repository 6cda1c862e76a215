"""What a deployment is held to: the limits and waiting times of the serving-health rules.

Every number of the rules is here and nowhere else; a policy is part of each servingHealth facet, so
that a reader can judge again with the same numbers. All durations are seconds, ratios are 0 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from hashlib import blake2b
from typing import Any


@dataclass(frozen=True, slots=True)
class ServingPolicy:
    """Limits and waiting times; a deployment's own come from `lineage-bridge.toml`.

    Attributes:
        lookback_seconds: what is judged, back from the end of the newest window.
        lookback_max_seconds: how far it is stretched where there are few requests.
        lookback_min_requests: it is stretched until it holds so many.
        short_seconds: the shortest part of it in which a fault may show.
        medium_seconds: the next one; the longest is the whole look-back.
        min_bad: a ratio of fewer bad ones is never raised.
        confidence_z: standard deviations of the Wilson bounds; 1.96 is 95 %.
        failure_degraded: share of requests that failed or timed out.
        failure_unhealthy: the same.
        prediction_degraded: share of predictions that are unusable.
        prediction_unhealthy: the same.
        refusal_degraded: share of requests rejected, or answered by a fallback.
        refusal_unhealthy: the same.
        latency_p95_ms: 5 % of the requests may be slower.
        latency_p99_ms: 1 % of the requests may be slower.
        clear_seconds: how long it must be good again.
        clear_min_requests: requests that this must be seen in.
        relapse_seconds: what comes back sooner is cleared with this much patience.
        window_seconds: the expected spacing of windows.
        gap_factor: spacing beyond so many of them is a gap.
        gap_max_missing: missing windows that are tolerated in the look-back.
        gap_max_seconds: spacing that is tolerated.
        stop_seconds: after the last flush, how long a restart may take.
        silent_seconds: without a sign of life for longer, nothing is known.
        start_seconds: after a start, how long the first request may take.
        expects_traffic: being stopped or silent is a fault.
    """

    lookback_seconds: float = 900.0
    lookback_max_seconds: float = 21_600.0
    lookback_min_requests: int = 10
    short_seconds: float = 300.0
    medium_seconds: float = 600.0
    min_bad: int = 3
    confidence_z: float = 1.96
    failure_degraded: float = 0.05
    failure_unhealthy: float = 0.25
    prediction_degraded: float = 0.01
    prediction_unhealthy: float = 0.25
    refusal_degraded: float = 0.05
    refusal_unhealthy: float = 0.50
    latency_p95_ms: float = 500.0
    latency_p99_ms: float = 1000.0
    clear_seconds: float = 300.0
    clear_min_requests: int = 10
    relapse_seconds: float = 900.0
    window_seconds: float = 60.0
    gap_factor: float = 2.0
    gap_max_missing: int = 3
    gap_max_seconds: float = 300.0
    stop_seconds: float = 120.0
    silent_seconds: float = 600.0
    start_seconds: float = 600.0
    expects_traffic: bool = False


@cache
def policy_facts(policy: ServingPolicy) -> Mapping[str, Any]:
    """The policy as the facet carries it."""
    return {_camel(field.name): getattr(policy, field.name) for field in fields(policy)}


@cache
def policy_mark(policy: ServingPolicy) -> str:
    """A short text that is another one for another policy."""
    return blake2b(repr(policy).encode(), digest_size=8).hexdigest()


def policy_of(facts: Mapping[str, Any]) -> ServingPolicy:
    """The policy that a facet carries; what it does not name has its default."""
    known = {field.name: facts.get(_camel(field.name)) for field in fields(ServingPolicy)}
    return ServingPolicy(**{name: value for name, value in known.items() if value is not None})


@cache
def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
