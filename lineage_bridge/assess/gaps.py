"""Gaps: minutes that should have had a window and have none.

A gap is judged when it closes, and kept until it leaves the look-back. Only dense traffic can have
a gap: where windows are rare anyway (a cron job, a quiet night) a missing one proves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from lineage_bridge.assess.lookback import SECOND_US, Lookback, WindowFacts
from lineage_bridge.facets.serving_policy import ServingPolicy

DENSE_WINDOWS = 5
DENSE_SHARE = 0.5
EXPECTED_REQUESTS = 10

GAP_CODES: Final = frozenset({"windows_missing", "window_gap_seconds"})  # of the reasons


@dataclass(slots=True)
class Gap:
    """The time from the end of the last window before it to the start of the first one after it."""

    start_us: int
    end_us: int

    def missing(self, policy: ServingPolicy) -> int:
        """Count the windows that should have been in the gap."""
        return round((self.end_us - self.start_us) / SECOND_US / policy.window_seconds)

    def spacing_seconds(self, policy: ServingPolicy) -> float:
        """Return the time from the start of the last window before to that of the first after."""
        return (self.end_us - self.start_us) / SECOND_US + policy.window_seconds

    def counts(self, policy: ServingPolicy) -> bool:
        """Return whether it is long enough to be a gap; spacing of exactly the limit is not."""
        return self.spacing_seconds(policy) > policy.gap_factor * policy.window_seconds


@dataclass(slots=True)
class Gaps:
    """The gaps of one endpoint that are still in its look-back."""

    items: list[Gap] = field(default_factory=list)

    def before_adding(self, window: WindowFacts, lookback: Lookback, policy: ServingPolicy) -> None:
        """Note the gap that a new window closes, or let the window fill a gap noted before."""
        if window.start_us <= lookback.newest_end_us:
            if self.items:
                self._fill(window, policy)
        elif lookback.minutes:
            gap = Gap(lookback.newest_end_us, window.start_us)
            if gap.counts(policy) and _was_dense(gap, lookback, policy):
                self.items.append(gap)

    def let_go(self, newest_end_us: int, policy: ServingPolicy) -> None:
        """Forget the gaps that have left the look-back."""
        start_us = newest_end_us - int(policy.lookback_seconds * SECOND_US)
        self.items = [gap for gap in self.items if gap.end_us > start_us]

    def _fill(self, window: WindowFacts, policy: ServingPolicy) -> None:
        parts: list[Gap] = []
        for gap in self.items:
            if gap.start_us < window.end_us and window.start_us < gap.end_us:
                parts += [Gap(gap.start_us, window.start_us), Gap(window.end_us, gap.end_us)]
            else:
                parts.append(gap)
        self.items = [gap for gap in parts if gap.counts(policy)]


def _was_dense(gap: Gap, lookback: Lookback, policy: ServingPolicy) -> bool:
    """Return whether the look-back before the gap has enough windows, minutes and requests."""
    start_us = gap.start_us - int(policy.lookback_seconds * SECOND_US)
    held = list(lookback.since(start_us))
    span_us = gap.start_us - max(start_us, held[-1].start_us)
    minutes = span_us / SECOND_US / policy.window_seconds
    if sum(m.windows for m in held) < DENSE_WINDOWS or len(held) < DENSE_SHARE * minutes:
        return False
    expected = sum(m.requests for m in held) * (gap.end_us - gap.start_us) / span_us
    return expected >= EXPECTED_REQUESTS
