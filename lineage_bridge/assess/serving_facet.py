"""The facet lineageBridge_servingHealth: a finding with all facts that it was made from.

Any reader must be able to judge again from these facts at a later time (`liveness.health_at`), so
the facet carries the policy, the signs of life and `evaluatedAt`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache

import msgspec

from lineage_bridge.assess import lookback as counted
from lineage_bridge.assess.assertions import ERROR, WARN, Assertion
from lineage_bridge.assess.bounds import wilson_bounds
from lineage_bridge.assess.endpoint import EndpointState
from lineage_bridge.assess.faults import rules_of
from lineage_bridge.assess.gaps import GAP_CODES
from lineage_bridge.assess.lookback import SECOND_US, Lookback
from lineage_bridge.assess.reasons import UNHEALTHY, worst_first, worst_of
from lineage_bridge.assess.serving import DeploymentState
from lineage_bridge.facets import serving_health as facet
from lineage_bridge.facets.serving_policy import AppliedPolicy, ServingPolicy
from lineage_bridge.times import from_micros

# Each ratio with its counter, and whether it is a share of predictions (else of requests).
RATIOS = (
    ("failure_ratio", counted.FAILURES, False),
    ("timeout_ratio", counted.TIMEOUTS, False),
    ("rejection_ratio", counted.REJECTED, False),
    ("prediction_non_finite_ratio", counted.NON_FINITE, True),
    ("prediction_null_ratio", counted.NULLS, True),
    ("prediction_out_of_range_ratio", counted.OUT_OF_RANGE, True),
    ("prediction_fallback_ratio", counted.FALLBACKS, True),
)


# What a window's counters are judged by, each with whether it is a share of predictions.
_COUNTED = {rule.code: rule.of_predictions for rule in rules_of(ServingPolicy())}


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

    def as_totals(self) -> facet.Totals:
        """Return the sums as the facet has them."""
        return facet.Totals(**self._sums())

    def as_totals_by_version(self) -> facet.TotalsByVersion:
        """Return the sums as the facet has those of one model version."""
        return facet.TotalsByVersion(model=self.model, model_version=self.version, **self._sums())

    def _sums(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in facet.Totals.__struct_fields__}


def serving_facet(
    state: DeploymentState,
    at_us: int,
    policy: ServingPolicy,
    *,
    environment: str,
    service: str | None = None,
    deployment: str | None = None,
    by_version: Sequence[Totals],
    stands_seconds: float = 0.0,
    late_windows: int = 0,
    inconsistent_windows: int = 0,
) -> facet.ServingHealthFacet:
    """Make the facet of a deployment that was judged at an instant.

    `stands_seconds` is how long the finding stays valid without a newer one while windows come:
    the interval of the observer's heartbeat; 0 where all existing windows were read.
    """
    life_us = state.last_life_us
    names = sorted(state.endpoints)
    endpoints = tuple(_endpoint(name, state.endpoints[name], life_us, policy) for name in names)
    held = [state.endpoints[name].lookback for name in names]
    return facet.ServingHealthFacet(
        status=worst_of(endpoint.status for endpoint in endpoints),
        reasons=worst_first(reason for endpoint in endpoints for reason in endpoint.reasons),
        notes=(
            *_counted(late_windows=late_windows, inconsistent_windows=inconsistent_windows),
            *_notes(state, policy),
        ),
        evaluated_at=_time(at_us),
        service=service,
        environment=environment,
        deployment=deployment,
        model=state.model,
        model_version=state.version,
        activation_started_at=_time(state.started_us),
        lookback_seconds=max((_length_seconds(look) for look in held), default=0.0),
        windows=sum(look.windows for look in held),
        endpoints=endpoints,
        totals=_sum(by_version).as_totals(),
        totals_by_version=tuple(part.as_totals_by_version() for part in by_version),
        starts=state.starts,
        flushes=state.flushes,
        instances_running=state.running,
        last_sign_of_life=_time(life_us),
        last_start=_time_if(state.last_start_us),
        last_flush=_time_if(state.last_flush_us),
        last_heartbeat=_time_if(state.last_heartbeat_us),
        newest_window_end=_time_if(max((look.newest_end_us for look in held), default=None)),
        policy=_applied(policy, stands_seconds),
    )


def serving_assertions(
    state: DeploymentState, reasons: Sequence[facet.Reason]
) -> Iterator[Assertion]:
    """Yield for each code whether it held at all endpoints; nothing where nothing was counted.

    What time alone raises (silence, a stop) is judged by whoever reads the finding, not here.

    Args:
        state: what was judged.
        reasons: what was found, the worst first.
    """
    minutes = [m for one in state.endpoints.values() for m in one.lookback.minutes]
    has_requests = any(minute.requests for minute in minutes)
    has_predictions = any(minute.predictions for minute in minutes)
    raised: dict[str, facet.Reason] = {}
    for reason in reasons:
        raised.setdefault(reason.code, reason)
    for code, of_predictions in _COUNTED.items():
        if code in raised or (has_predictions if of_predictions else has_requests):
            yield _assertion(code, raised.get(code))
    for code in sorted(GAP_CODES):
        yield _assertion(code, raised.get(code))


def _assertion(code: str, raised: facet.Reason | None) -> Assertion:
    return _passed(code) if raised is None else _failed(raised)


@cache
def _passed(code: str) -> Assertion:
    return Assertion(code, success=True)


def _failed(reason: facet.Reason) -> Assertion:
    return Assertion(
        reason.code,
        success=False,
        severity=ERROR if reason.level == UNHEALTHY else WARN,
        expected=f"<= {reason.threshold:g}" if reason.threshold is not None else None,
        actual=f"{reason.value:g}" if reason.value is not None else None,
    )


def _endpoint(
    name: str, state: EndpointState, life_us: int, policy: ServingPolicy
) -> facet.Endpoint:
    look, reasons = state.lookback, state.reasons(name, life_us, policy)
    newest = look.minutes[-1]
    return facet.Endpoint(
        endpoint=name,
        status=worst_of(reason.level for reason in reasons),
        reasons=reasons,
        windows=look.windows,
        requests=look.requests,
        lookback_seconds=_length_seconds(look),
        newest_window_end=_time(look.newest_end_us),
        last_request=_time_if(state.last_request_us),
        ratios=tuple(_ratios(look, policy.confidence_z)),
        latency_p50_ms=newest.p50_ms,
        latency_p95_ms=newest.p95_ms,
        latency_p99_ms=newest.p99_ms,
    )


def _ratios(look: Lookback, z: float) -> Iterator[facet.BadShare]:
    """Yield the ratios that are not zero, over the whole look-back."""
    if not look.bad_total:
        return
    predictions = sum(minute.predictions for minute in look.minutes)
    for code, counter, of_predictions in RATIOS:
        of = predictions if of_predictions else look.requests
        bad = min(look.bad[counter], of)
        if bad:
            lower, upper = wilson_bounds(bad, of, z)
            yield facet.BadShare(
                code=code, value=bad / of, lower=lower, upper=upper, count=bad, of=of
            )


def _counted(**counts: int) -> Iterator[facet.Note]:
    return (facet.Note(code=code, value=count) for code, count in counts.items() if count)


def _notes(state: DeploymentState, policy: ServingPolicy) -> Iterator[facet.Note]:
    for name in sorted(state.endpoints):
        endpoint = state.endpoints[name]
        requests = endpoint.lookback.requests
        if requests < policy.lookback_min_requests:
            yield facet.Note(code="insufficient_requests", endpoint=name, value=requests)
        if endpoint.windows_lost:
            yield facet.Note(code="window_lost", endpoint=name, value=endpoint.windows_lost)


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


@lru_cache(maxsize=256)
def _applied(policy: ServingPolicy, stands_seconds: float) -> AppliedPolicy:
    return AppliedPolicy(**msgspec.structs.asdict(policy), stands_seconds=stands_seconds)


_time = lru_cache(maxsize=1024)(from_micros)


def _time_if(instant_us: int | None) -> datetime | None:
    return None if instant_us is None else _time(instant_us)
