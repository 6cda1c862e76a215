"""When to try again: exponential back-off with jitter, for as long as Marquez does not answer.

One pause applies to all connections: a Marquez that does not answer one does not answer another.
"""

from __future__ import annotations

from collections.abc import Callable

FIRST_SECONDS = 0.5
MAX_SECONDS = 60.0


class Patience:
    """Counts failures in a row; all times are seconds of the same clock.

    Args:
        give_up_seconds: how long Marquez may fail to answer; None is for ever.
        jitter: returns a number from 0 to 1; a pause is 50 to 100 % of the back-off.
    """

    def __init__(self, give_up_seconds: float | None, jitter: Callable[[], float]) -> None:
        self._give_up_seconds = give_up_seconds
        self._jitter = jitter
        self._failures = 0
        self._since: float | None = None
        self.resume_at = 0.0

    def answered(self) -> None:
        """Note that Marquez answered: end the pause and the row of failures."""
        self._failures = 0
        self._since = None
        self.resume_at = 0.0

    def failed(self, now: float, retry_after: float | None = None) -> None:
        """Note that Marquez did not answer, or asked to be tried again later."""
        if self._since is None:
            self._since = now
        if now >= self.resume_at:  # else this try began before the pause: it is the same failure
            self._failures += 1
            self.resume_at = now + self.backoff(self._failures)
        if retry_after is not None:
            self.resume_at = max(self.resume_at, now + retry_after)

    def is_exhausted(self, now: float) -> bool:
        """Return whether Marquez has not answered for too long."""
        deadline = self._deadline()
        return deadline is not None and now >= deadline

    def seconds_left(self, now: float) -> float:
        """Return how long to wait until the next try, or until it is time to give up."""
        deadline = self._deadline()
        until = self.resume_at if deadline is None else min(self.resume_at, deadline)
        return max(until - now, 0.0)

    def backoff(self, failures: int) -> float:
        """Return the pause after so many failures in a row."""
        # The exponent is bounded: 2.0 ** 2000 overflows a float.
        longest = min(FIRST_SECONDS * 2.0 ** min(failures - 1, 16), MAX_SECONDS)
        return longest * (0.5 + 0.5 * self._jitter())

    def _deadline(self) -> float | None:
        if self._since is None or self._give_up_seconds is None:
            return None
        return self._since + self._give_up_seconds
