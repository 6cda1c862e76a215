"""How fast events may come: as they like, until folding is too far behind, then no faster than it.

An event is acknowledged when it is in the journal, and read back when it is folded. Where producers
are faster than folding for long, reads would fall behind without end; so where what waits is more
than `LAG_SECONDS` of folding, each event waits as long as folding needs for one of its size.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

LAG_SECONDS = 5.0
EVENT_BYTES = 2048  # what an event costs to fold, whatever its size, as if it were so much larger
FIRST_RATE = 5_000_000.0  # bytes per second, until it was measured
LARGE_BYTES = 64 * 1024  # of an event: larger ones wait for each other, and no small one for them
SMALL_SHARE = 0.6  # of the rate of folding; with the large ones' less than all, so it catches up
LARGE_SHARE = 0.3
MAX_DELAY_SECONDS = 10.0  # a producer gives up some day
NEWEST_SHARE = 0.3  # of the measured rate, for the newest measurement


class Pace:
    """Knows what this process appended and how far folding is. For one thread.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.slowed = 0
        self._clock = clock
        self._waiting: deque[tuple[int, float, int]] = deque()  # number, when appended, cost
        self._cost = 0  # of all that is waiting
        self._rate = FIRST_RATE
        self._folded_at = clock()
        self._free_at = dict.fromkeys((False, True), 0.0)

    def appended(self, seq: int, size: int) -> None:
        """An event of so many bytes is in the journal."""
        now = self._clock()
        if not self._waiting:
            self._folded_at = now
        self._waiting.append((seq, now, _cost(size)))
        self._cost += _cost(size)

    def folded(self, seq: int) -> None:
        """Everything up to that number is folded."""
        cost = 0
        while self._waiting and self._waiting[0][0] <= seq:
            cost += self._waiting.popleft()[2]
        self._cost -= cost
        now = self._clock()
        if cost and now > self._folded_at:
            newest = cost / (now - self._folded_at)
            # Where nothing is left, folding may have been done long before anybody looked.
            if self._waiting or newest > self._rate:
                self._rate += NEWEST_SHARE * (newest - self._rate)
        if cost:
            self._folded_at = now

    def forget(self) -> None:
        """The journal is another one by now."""
        self._waiting.clear()
        self._cost = 0

    @property
    def lag_seconds(self) -> float:
        """How long the oldest event has waited that is not folded yet."""
        return self._clock() - self._waiting[0][1] if self._waiting else 0.0

    def delay(self, size: int) -> float:
        """How many seconds an event of so many bytes must wait before it is appended."""
        now = self._clock()
        # By what is waiting, and not only by how long it has: what would be let in until the oldest
        # of it is that old might be more than is folded in minutes.
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
