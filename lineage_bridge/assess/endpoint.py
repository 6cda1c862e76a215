"""The serving health of one endpoint: its look-back, its gaps and its faults.

The fast path matters: nearly every window is plainly fine, and judging then takes four comparisons.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lineage_bridge.assess.faults import (
    Cleared,
    Fault,
    Rule,
    Span,
    first_bad_us,
    is_better,
    is_broken,
    is_long_good,
    lower_share,
    rules_of,
    spans,
)
from lineage_bridge.assess.gaps import Gaps
from lineage_bridge.assess.lookback import SECOND_US, Lookback, WindowFacts
from lineage_bridge.assess.reasons import HEALTHY, IDLE, reason_since, worst_first, worst_of
from lineage_bridge.facets.serving_health import Level, Reason
from lineage_bridge.facets.serving_policy import ServingPolicy

Signature = tuple[str, tuple[tuple[str, str], ...]]  # status, then code and level of each reason
NO_TRAFFIC = "no_traffic"
PLAIN: Signature = (HEALTHY, ())


@dataclass(slots=True)
class EndpointState:
    """The memory that judging needs of one endpoint, within one activation."""

    lookback: Lookback = field(default_factory=Lookback)
    gaps: Gaps = field(default_factory=Gaps)
    faults: dict[str, Fault] = field(default_factory=dict)
    cleared: dict[str, Cleared] = field(default_factory=dict)
    flushes: int = 0
    windows_lost: int = 0
    last_request_us: int | None = None  # when the newest window with requests was written
    signature: Signature = ("", ())

    def add(self, window: WindowFacts, policy: ServingPolicy) -> None:
        """Add one window; windows of the same minute come from replicas and add up."""
        self.gaps.before_adding(window, self.lookback, policy)
        self.lookback.add(window, policy)
        if self.gaps.items:
            self.gaps.let_go(self.lookback.newest_end_us, policy)

    def judge(self, life_us: int, policy: ServingPolicy) -> bool:
        """Judge the look-back; return whether the status, a reason or a level changed."""
        held = self.lookback
        is_plain = (
            held.bad_total < policy.min_bad
            and not self.faults
            and not self.gaps.items
            and self.has_traffic(life_us, policy)
        )
        if is_plain:
            signature = PLAIN
        else:
            self._judge_faults(policy)
            signature = self._signature(life_us, policy)
        changed = signature != self.signature
        self.signature = signature
        return changed

    def has_traffic(self, life_us: int, policy: ServingPolicy) -> bool:
        """Return whether a request came in the `silent_seconds` before the last sign of life."""
        return (
            self.last_request_us is not None
            and life_us - self.last_request_us <= policy.silent_seconds * SECOND_US
        )

    def _signature(self, life_us: int, policy: ServingPolicy) -> Signature:
        """Return status, codes and levels without the numbers: the finding changes with these."""
        levels: dict[str, Level] = {}
        for rule in rules_of(policy) if self.faults else ():
            if rule.key in self.faults:
                levels.setdefault(rule.code, rule.level)
        for reason in self._gap_reasons("", policy):
            levels[reason.code] = reason.level
        if not self.has_traffic(life_us, policy):
            levels[NO_TRAFFIC] = IDLE
        return worst_of(levels.values()), tuple(sorted(levels.items()))

    def _judge_faults(self, policy: ServingPolicy) -> None:
        bad, faults = self.lookback.bad, self.faults
        known: dict[tuple[int, int], tuple[Span, ...]] = {}
        for rule in rules_of(policy):
            if bad[rule.counter] >= policy.min_bad or (faults and rule.key in faults):
                self._judge_fault(rule, faults.get(rule.key), policy, known)

    def _judge_fault(
        self,
        rule: Rule,
        fault: Fault | None,
        policy: ServingPolicy,
        known: dict[tuple[int, int], tuple[Span, ...]],
    ) -> None:
        held = self.lookback
        cleared = self.cleared.get(rule.key)
        from_us = cleared.from_us if cleared else 0
        parts = known.get((rule.counter, from_us))
        if parts is None:  # both levels of a code mostly look at the same minutes
            parts = known[rule.counter, from_us] = spans(rule, held, policy, from_us)
        if fault is not None and not fault.relapse and is_better(rule, parts, policy):
            short_us = int(policy.short_seconds * SECOND_US)
            self._clear(rule, held.newest_end_us - short_us)
        elif any(is_broken(rule, part, policy) for part in parts):
            if fault is None:
                relapse = cleared is not None and (
                    held.newest_end_us - cleared.at_us <= policy.relapse_seconds * SECOND_US
                )
                self.faults[rule.key] = Fault(first_bad_us(rule, held, from_us), None, relapse)
            else:
                fault.good_since_us = None
        elif fault is not None and is_long_good(rule, fault, parts[-1], held.newest_end_us, policy):
            self._clear(rule, 0)

    def _clear(self, rule: Rule, from_us: int) -> None:
        del self.faults[rule.key]
        self.cleared[rule.key] = Cleared(self.lookback.newest_end_us, from_us)

    def reasons(self, endpoint: str, life_us: int, policy: ServingPolicy) -> tuple[Reason, ...]:
        """Return every reason with its numbers, worst first."""
        found = [*self._fault_reasons(endpoint, policy), *self._gap_reasons(endpoint, policy)]
        if not self.has_traffic(life_us, policy):
            since_us = self.last_request_us or self.lookback.minutes[0].start_us
            quiet_seconds = (life_us - since_us) / SECOND_US
            limit = policy.silent_seconds
            found.append(
                reason_since(
                    NO_TRAFFIC, IDLE, since_us, endpoint, value=quiet_seconds, threshold=limit
                )
            )
        return worst_first(found)

    def _fault_reasons(self, endpoint: str, policy: ServingPolicy) -> list[Reason]:
        found: dict[str, Reason] = {}
        for rule in rules_of(policy) if self.faults else ():
            fault = self.faults.get(rule.key)
            if fault is not None and rule.code not in found:
                found[rule.code] = self._fault_reason(rule, fault, endpoint, policy)
        return list(found.values())

    def _fault_reason(
        self, rule: Rule, fault: Fault, endpoint: str, policy: ServingPolicy
    ) -> Reason:
        cleared = self.cleared.get(rule.key)
        parts = spans(rule, self.lookback, policy, cleared.from_us if cleared else 0)
        surest = max(parts, key=lambda part: lower_share(part, policy))
        value = min(1.0, surest.bad / surest.of) if surest.of else 0.0
        threshold, lower = rule.limit, lower_share(surest, policy)
        if rule.slow is not None:
            worst = max(self.lookback.minutes, key=lambda m: (m.p95_ms, m.p99_ms)[rule.slow or 0])
            lower, value = value, (worst.p95_ms, worst.p99_ms)[rule.slow]
            threshold = (policy.latency_p95_ms, policy.latency_p99_ms)[rule.slow]
        return reason_since(
            rule.code,
            rule.level,
            fault.since_us,
            endpoint,
            value=value,
            threshold=threshold,
            lower=lower,
        )

    def _gap_reasons(self, endpoint: str, policy: ServingPolicy) -> list[Reason]:
        gaps = self.gaps.items
        if not gaps:
            return []
        found = []
        missing = sum(gap.missing(policy) for gap in gaps)
        if missing > policy.gap_max_missing:
            since_us = gaps[0].start_us
            limit = float(policy.gap_max_missing)
            found.append(
                reason_since(
                    "windows_missing",
                    "degraded",
                    since_us,
                    endpoint,
                    value=float(missing),
                    threshold=limit,
                )
            )
        longest = max(gaps, key=lambda gap: gap.end_us - gap.start_us)
        spacing = longest.spacing_seconds(policy)
        if spacing > policy.gap_max_seconds:
            limit = policy.gap_max_seconds
            found.append(
                reason_since(
                    "window_gap_seconds",
                    "degraded",
                    longest.start_us,
                    endpoint,
                    value=spacing,
                    threshold=limit,
                )
            )
        return found
