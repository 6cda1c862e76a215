"""Say what happens again and again once a minute, with how often it happened.

A stranger can make a server meet the same trouble thousands of times a second; a log that has a
line or a traceback of each hides everything else and fills the disk.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable, Hashable

from lineage_bridge.errors import bug_text

EVERY_SECONDS = 60.0
MAX_KINDS = 256


class Repeats:
    """Remembers when each kind of trouble was last reported in full.

    Args:
        clock: returns seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kinds: OrderedDict[Hashable, tuple[float, int]] = OrderedDict()

    def due(self, kind: Hashable) -> int | None:
        """Return how often a kind was held back since it was last reported; None if it is again."""
        now = self._clock()
        since, held_back = self._kinds.get(kind, (now - EVERY_SECONDS, 0))
        if now - since < EVERY_SECONDS:
            self._kinds[kind] = (since, held_back + 1)
            return None
        self._kinds[kind] = (now, 0)
        self._kinds.move_to_end(kind)
        if len(self._kinds) > MAX_KINDS:
            self._kinds.popitem(last=False)
        return held_back

    def warn(self, log: logging.Logger, message: str) -> None:
        """Log a message once a minute."""
        held_back = self.due((log.name, message))
        if held_back is not None:
            log.warning("%s%s", message, _more(held_back))

    def log_failure(self, log: logging.Logger, what: str, exc: Exception) -> None:
        """Log an exception: with its traceback once a minute for each place, else in a line."""
        frames = traceback.extract_tb(exc.__traceback__)
        place = (frames[-1].filename, frames[-1].lineno) if frames else None
        held_back = self.due((type(exc), place))
        if held_back is None:
            log.error("%s: %s", what, bug_text(exc))
        else:
            log.error("%s%s", what, _more(held_back), exc_info=exc)


def _more(held_back: int) -> str:
    return f" (and {held_back:,} more before)" if held_back else ""
