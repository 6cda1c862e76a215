"""Faults: when a ratio raises one and when it clears, by evidence and not by one lucky minute.

A fault is raised when the last 5 or 10 minutes, or the whole look-back, have at least 3 bad
requests or predictions and the lower bound of their share is above the limit. It is cleared when
(a) the last 5 minutes are good (by the milder level's limit) and provably better than the minutes
before, after which only those 5 count, or (b) the whole look-back has been within the limit for a
while. A fault that comes back soon after it was cleared is cleared by (b) alone, after a longer
wait, so that a service at its limit does not flap.

Latency is judged in the same way, by the requests that its percentiles prove slow. Over many
requests they prove a share hardly above the limit, so latency is also a fault when provably more
than half of the windows are over it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, NamedTuple

from lineage_bridge.assess import lookback as counted
from lineage_bridge.assess.bounds import wilson_lower, wilson_upper
from lineage_bridge.assess.lookback import SECOND_US, Lookback, Minute
from lineage_bridge.facets.serving_policy import ServingPolicy

Level = Literal["degraded", "unhealthy"]

P95_SHARE = 0.05  # share of the requests that may be slower than the 95th percentile
P99_SHARE = 0.01
NEVER_US = -(2**62)
MOST = 0.5  # "more than half", for windows over a limit and for an unhealthy latency

_P95: dict[str, Any] = {
    "counter": counted.SLOW_P95,
    "of_predictions": False,
    "clear_limit": P95_SHARE,
    "slow": 0,
}
_P99: dict[str, Any] = {
    "counter": counted.SLOW_P99,
    "of_predictions": False,
    "clear_limit": P99_SHARE,
    "slow": 1,
}


class Rule(NamedTuple):
    """One ratio and the share above which it is a fault."""

    key: str  # code and level, such as `failure_ratio/degraded`: faults are stored under it
    code: str
    level: Level
    counter: int
    of_predictions: bool
    limit: float
    clear_limit: float  # the milder level's limit: a fault clears when good, not just less bad
    slow: int | None = None  # for latency, 0: compared with the p95 limit, 1: with the p99 limit


@dataclass(slots=True)
class Fault:
    """A rule that is broken.

    `good_since_us` is the end of the newest window when the whole look-back was first good again;
    `relapse` is True if the fault came back soon after it had been cleared.
    """

    since_us: int
    good_since_us: int | None = None
    relapse: bool = False


@dataclass(slots=True)
class Cleared:
    """When a rule's fault was last cleared, and where the rule's look-back starts since then."""

    at_us: int
    from_us: int


class Span(NamedTuple):
    """Sums over a part of the look-back."""

    of: int
    bad: int
    possibly: int  # for latency: how many requests can have been slow
    windows: int  # for latency
    over: int  # for latency: windows over the limit


@cache
def rules_of(policy: ServingPolicy) -> tuple[Rule, ...]:
    """Return all rules of a policy, grouped by code, the worse level first."""
    failure = (policy.failure_degraded, policy.failure_unhealthy)
    prediction = (policy.prediction_degraded, policy.prediction_unhealthy)
    refusal = (policy.refusal_degraded, policy.refusal_unhealthy)
    ratios = [
        ("failure_ratio", counted.FAILURES, False, failure),
        ("timeout_ratio", counted.TIMEOUTS, False, failure),
        ("prediction_non_finite_ratio", counted.NON_FINITE, True, prediction),
        ("prediction_null_ratio", counted.NULLS, True, prediction),
        ("prediction_out_of_range_ratio", counted.OUT_OF_RANGE, True, prediction),
        ("prediction_fallback_ratio", counted.FALLBACKS, True, refusal),
        ("rejection_ratio", counted.REJECTED, False, refusal),
    ]
    rules: list[Rule] = []
    for code, counter, of_predictions, (degraded, unhealthy) in ratios:
        levels: list[tuple[Level, float]] = [("unhealthy", unhealthy), ("degraded", degraded)]
        rules += [
            Rule(f"{code}/{level}", code, level, counter, of_predictions, limit, degraded)
            for level, limit in levels
        ]
    return (
        *rules,
        Rule("latency_p99_ms/unhealthy", "latency_p99_ms", "unhealthy", **_P99, limit=MOST),
        Rule("latency_p99_ms/degraded", "latency_p99_ms", "degraded", **_P99, limit=P99_SHARE),
        Rule("latency_p95_ms/degraded", "latency_p95_ms", "degraded", **_P95, limit=P95_SHARE),
    )


def spans(rule: Rule, held: Lookback, policy: ServingPolicy, from_us: int) -> tuple[Span, ...]:
    """Sum up the last 5 minutes, the last 10 and the whole look-back, back to `from_us` at most."""
    counter, slow, of_predictions = rule.counter, rule.slow, rule.of_predictions
    newest_us = held.newest_end_us
    # Where the part that is being summed up begins; a minute before it ends the part.
    begins_us = newest_us - int(policy.short_seconds * SECOND_US)
    of = bad = possibly = windows = over = 0
    found: list[Span] = []
    for minute in reversed(held.minutes):
        end_us = minute.end_us
        if end_us <= from_us:
            break
        while end_us <= begins_us:
            found.append(Span(of, bad, possibly, windows, over))
            longer = len(found) == 1
            begins_us = newest_us - int(policy.medium_seconds * SECOND_US) if longer else NEVER_US
        of += minute.predictions if of_predictions else minute.requests
        if minute.bad is not None:
            bad += minute.bad[counter]
        if slow is not None:
            windows += minute.windows
            possibly += minute.possibly_slow[slow]
            over += minute.windows_over[slow]
    whole = Span(of, bad, possibly, windows, over)
    return (*found, *[whole] * (3 - len(found)))


def lower_share(span: Span, policy: ServingPolicy) -> float:
    """Return the share of bad ones that is certain enough: the Wilson lower bound."""
    if not span.of:
        return 0.0
    return wilson_lower(min(span.bad, span.of), span.of, policy.confidence_z)


def is_broken(rule: Rule, span: Span, policy: ServingPolicy) -> bool:
    """Return whether this part of the look-back proves that the rule is broken."""
    if span.bad < policy.min_bad:
        return False
    if span.bad > rule.limit * span.of:
        # A median proves just over half, however slow all are: its lower bound never exceeds half.
        if rule.slow is not None and rule.level == "unhealthy":
            return True
        if lower_share(span, policy) > rule.limit:
            return True
    return (
        rule.slow is not None
        and rule.level == "degraded"
        and span.over > MOST * span.windows
        and wilson_lower(span.over, span.windows, policy.confidence_z) > MOST
    )


def first_bad_us(rule: Rule, held: Lookback, from_us: int) -> int:
    """Return the start of the first minute over the limit by itself, else of the first bad one."""
    minutes = list(held.since(from_us))[::-1]
    over = [m for m in minutes if _is_over(rule, m)]
    bad = over or [m for m in minutes if m.count(rule.counter)] or minutes
    return bad[0].start_us


def _is_over(rule: Rule, minute: Minute) -> bool:
    of = minute.predictions if rule.of_predictions else minute.requests
    share_over = minute.count(rule.counter) > rule.limit * of
    return share_over or (rule.slow is not None and minute.windows_over[rule.slow] > 0)


def is_better(rule: Rule, parts: Sequence[Span], policy: ServingPolicy) -> bool:
    """Return whether (a) holds: the last minutes are good, provably better than those before."""
    short, _, whole = parts
    bad = short.bad if rule.slow is None else short.possibly
    if short.of < policy.clear_min_requests or bad > rule.clear_limit * short.of:
        return False
    before = Span(whole.of - short.of, whole.bad - short.bad, 0, 0, 0)
    return wilson_upper(bad, short.of, policy.confidence_z) < lower_share(before, policy)


def is_long_good(
    rule: Rule, fault: Fault, whole: Span, newest_end_us: int, policy: ServingPolicy
) -> bool:
    """Return whether (b) holds: the look-back has been good for long enough; note since when."""
    mostly_over = rule.level == "degraded" and whole.over > MOST * whole.windows
    if whole.of == 0 or whole.bad > rule.limit * whole.of or mostly_over:
        fault.good_since_us = None
        return False
    if fault.good_since_us is None:
        fault.good_since_us = newest_end_us
    patience = policy.relapse_seconds if fault.relapse else policy.clear_seconds
    return newest_end_us - fault.good_since_us >= patience * SECOND_US
