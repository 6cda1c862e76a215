"""The look-back: the minutes of one endpoint that are judged, newest last.

It ends at the end of the newest window and reaches back 15 minutes, further only while it has too
few requests. So where every window has a request it never has more than 25 minutes: 15, and before
them at most 10 that bring it to 10 requests. Windows of one minute come from replicas and add up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from lineage_bridge.assess.bounds import possibly_slow, proven_slow
from lineage_bridge.facets.serving_policy import ServingPolicy

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US

# The counters of bad requests and predictions: positions in `WindowFacts.bad` and `Minute.bad`.
FAILURES, TIMEOUTS, NON_FINITE, NULLS, OUT_OF_RANGE, FALLBACKS, REJECTED, SLOW_P95, SLOW_P99 = (
    range(9)
)
COUNTERS = 9
NOTHING_BAD: tuple[int, ...] = (0,) * (SLOW_P95)


class WindowFacts(NamedTuple):
    """The facts of one metric window that are judged. Times in microseconds since the epoch.

    `bad` has the counters at the positions above, but not the slow ones: they depend on the policy.
    `flush` is True if the window was written before its end, at a shutdown.
    """

    start_us: int
    end_us: int
    requests: int
    predictions: int
    bad: tuple[int, ...]
    p50_ms: float
    p95_ms: float
    p99_ms: float
    flush: bool = False


@dataclass(slots=True)
class Minute:
    """The sums of all windows that began in one minute."""

    start_us: int
    end_us: int
    windows: int = 0
    requests: int = 0
    predictions: int = 0
    bad: list[int] | None = None  # None: nothing bad at all
    possibly_slow: tuple[int, int] = (0, 0)  # requests over the p95 limit, over the p99 limit
    windows_over: tuple[int, int] = (0, 0)  # windows whose p95, whose p99 is over its limit
    p50_ms: float = 0.0  # the worst of the replicas
    p95_ms: float = 0.0
    p99_ms: float = 0.0

    def count(self, counter: int) -> int:
        """Return the value of a counter of bad ones."""
        return self.bad[counter] if self.bad is not None else 0


@dataclass(slots=True)
class Lookback:
    """The minutes in the look-back, oldest first, with their sums."""

    minutes: list[Minute] = field(default_factory=list)
    newest_end_us: int = 0
    requests: int = 0
    windows: int = 0
    bad: list[int] = field(default_factory=lambda: [0] * COUNTERS)
    bad_total: int = 0

    def add(self, window: WindowFacts, policy: ServingPolicy) -> None:
        """Add a window; one from before the oldest minute changes nothing."""
        start_us = window.start_us - window.start_us % MINUTE_US
        minutes = self.minutes
        if not minutes or start_us > minutes[-1].start_us:
            minute = Minute(start_us, window.end_us)
            minutes.append(minute)
        else:
            held = self._held_minute(start_us, window.end_us)
            if held is None:
                return
            minute = held
        self._count(minute, window, policy)
        if window.end_us > self.newest_end_us:
            self.newest_end_us = window.end_us
            self._let_go(policy)

    def since(self, start_us: int) -> Iterator[Minute]:
        """Yield the minutes that end after an instant, newest first."""
        for minute in reversed(self.minutes):
            if minute.end_us <= start_us:
                return
            yield minute

    def _held_minute(self, start_us: int, end_us: int) -> Minute | None:
        minutes = self.minutes
        if start_us < minutes[0].start_us:
            return None
        position = len(minutes) - 1
        while minutes[position].start_us > start_us:
            position -= 1
        if minutes[position].start_us != start_us:
            position += 1
            minutes.insert(position, Minute(start_us, end_us))
        return minutes[position]

    def _count(self, minute: Minute, window: WindowFacts, policy: ServingPolicy) -> None:
        _, end_us, requests, predictions, bad, p50_ms, p95_ms, p99_ms, _ = window
        minute.windows += 1
        minute.requests += requests
        minute.predictions += predictions
        self.windows += 1
        self.requests += requests
        if minute.windows == 1:
            minute.p50_ms, minute.p95_ms, minute.p99_ms = p50_ms, p95_ms, p99_ms
        else:  # another replica, or a part of the minute after a restart
            minute.end_us = max(minute.end_us, end_us)
            minute.p50_ms = max(minute.p50_ms, p50_ms)
            minute.p95_ms = max(minute.p95_ms, p95_ms)
            minute.p99_ms = max(minute.p99_ms, p99_ms)
        limit_ms = min(policy.latency_p95_ms, policy.latency_p99_ms)
        if p95_ms <= limit_ms and p99_ms <= limit_ms:
            possible, also = minute.possibly_slow
            minute.possibly_slow = (possible + requests // 100, also + requests // 100)
            if bad != NOTHING_BAD:
                self._count_bad(minute, (*bad, 0, 0))
        else:
            self._count_slow(minute, window, policy)

    def _count_slow(self, minute: Minute, window: WindowFacts, policy: ServingPolicy) -> None:
        requests = window.requests
        times = (window.p50_ms, window.p95_ms, max(window.p95_ms, window.p99_ms))
        limits = (policy.latency_p95_ms, policy.latency_p99_ms)
        possible, also = minute.possibly_slow
        first, second = (possibly_slow(requests, *times, limit) for limit in limits)
        minute.possibly_slow = (possible + first, also + second)
        over_p95, over_p99 = minute.windows_over
        minute.windows_over = (
            over_p95 + (requests > 0 and times[1] > limits[0]),
            over_p99 + (requests > 0 and times[2] > limits[1]),
        )
        slow = (proven_slow(requests, *times, limit) for limit in limits)
        self._count_bad(minute, (*window.bad, *slow))

    def _count_bad(self, minute: Minute, bad: Sequence[int]) -> None:
        if minute.bad is None:
            minute.bad = [0] * COUNTERS
        for counter, count in enumerate(bad):
            if count:
                minute.bad[counter] += count
                self.bad[counter] += count
                self.bad_total += count

    def _let_go(self, policy: ServingPolicy) -> None:
        minutes, newest_us = self.minutes, self.newest_end_us
        start_us = newest_us - policy.lookback_seconds * SECOND_US
        while minutes[0].end_us <= start_us and len(minutes) > 1:
            oldest = minutes[0]
            needed = self.requests - oldest.requests < policy.lookback_min_requests
            is_held = oldest.end_us > newest_us - policy.lookback_max_seconds * SECOND_US
            if needed and oldest.requests and is_held:
                return
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        oldest = self.minutes.pop(0)
        self.requests -= oldest.requests
        self.windows -= oldest.windows
        if oldest.bad is not None:
            for counter, count in enumerate(oldest.bad):
                self.bad[counter] -= count
                self.bad_total -= count
