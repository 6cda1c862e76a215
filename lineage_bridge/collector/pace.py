"""Limit how fast events come in: not at all, unless folding is too far behind; then to its speed.

An event is acknowledged when it is in the journal, and can be read back once it is folded. If
producers were faster than folding for long, reads would fall behind without end. So while more than
`LAG_SECONDS` of folding is waiting, each event is delayed as long as folding one of its size takes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

LAG_SECONDS = 5.0
EVENT_BYTES = 2048  # the fixed cost of folding any event, expressed as extra bytes
FIRST_RATE = 5_000_000.0  # assumed bytes per second, until the rate is measured
LARGE_BYTES = 64 * 1024  # events over this size wait for each other, and no small one for them
SMALL_SHARE = 0.6  # of the folding rate; with LARGE_SHARE less than 1, so that folding catches up
LARGE_SHARE = 0.3
MAX_DELAY_SECONDS = 10.0  # a producer that waits much longer may give up
NEWEST_SHARE = 0.3  # weight of the newest measurement in the rate


class Pace:
    """Tracks the events that this process appended and how far folding is. For one thread.

    Args:
        clock: returns seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.slowed = 0
        self._clock = clock
        self._waiting: deque[tuple[int, float, int]] = deque()  # number, when appended, cost
        self._cost = 0  # of all waiting events
        self._rate = FIRST_RATE
        self._folded_at = clock()
        self._free_at = dict.fromkeys((False, True), 0.0)

    def appended(self, seq: int, size: int) -> None:
        """Note that an event of so many bytes is in the journal."""
        now = self._clock()
        if not self._waiting:
            self._folded_at = now
        self._waiting.append((seq, now, _cost(size)))
        self._cost += _cost(size)

    def folded(self, seq: int) -> None:
        """Note that every event up to a number is folded, and measure the rate."""
        cost = 0
        while self._waiting and self._waiting[0][0] <= seq:
            cost += self._waiting.popleft()[2]
        self._cost -= cost
        now = self._clock()
        if cost and now > self._folded_at:
            newest = cost / (now - self._folded_at)
            # If nothing is left, folding may have finished long before this call.
            if self._waiting or newest > self._rate:
                self._rate += NEWEST_SHARE * (newest - self._rate)
        if cost:
            self._folded_at = now

    def forget(self) -> None:
        """Forget all waiting events, because another journal has taken their place."""
        self._waiting.clear()
        self._cost = 0

    @property
    def lag_seconds(self) -> float:
        """How long the oldest event that is not folded yet has waited."""
        return self._clock() - self._waiting[0][1] if self._waiting else 0.0

    def delay(self, size: int) -> float:
        """Return how many seconds an event of so many bytes must wait before it is appended."""
        now = self._clock()
        # The amount that waits counts, not only the age of the oldest event: before that one is old
        # enough, more events could come in than can be folded in minutes.
        if max(self.lag_seconds, self._cost / self._rate) <= LAG_SECONDS:
            self._free_at = dict.fromkeys(self._free_at, now)
            return 0.0
        self.slowed += 1
        is_large = size > LARGE_BYTES
        share = LARGE_SHARE if is_large else SMALL_SHARE
        free_at = max(self._free_at[is_large], now) + _cost(size) / (self._rate * share)
        self._free_at[is_large] = min(free_at, now + MAX_DELAY_SECONDS)
        return self._free_at[is_large] - now


def _cost(size: int) -> int:
    return size + EVENT_BYTES
