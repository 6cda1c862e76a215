"""What changed below some folders: told by the system where it can, else by looking again.

The system (inotify and its like) tells nothing of what other hosts write to a network share, and
has a limit of how many folders it watches. There, all is looked at again and again; and elsewhere
too, but rarely, so that nothing that the system did not tell stays unread.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

Look: TypeAlias = frozenset[str] | None
"""The paths to look at: absolute and real, perhaps none; None for everything."""

TICK_SECONDS: Final = 2.0
WHOLE_SECONDS: Final = 600.0  # from one look at everything to the next, where the system tells
POLL_FACTOR: Final = 20.0  # to look again and again may take a twentieth of the time

_DEBOUNCE_MS: Final = 400  # what is written at once is read at once
_STEP_MS: Final = 100

# Yields what changed in the folders, an empty set at each tick, and ends if it cannot watch them.
Tell: TypeAlias = Callable[[Sequence[str], threading.Event], Iterator[frozenset[str]]]


class Changes:
    """Looks to take, one after another, for as long as nobody stops it.

    Args:
        roots: return the folders as they are named now; asked at each tick.
        stop: ends it.
        poll: whether the system is not to be asked.
        trouble: is told in a sentence why the system cannot tell.
        tell: asks the system.
        clock: seconds that only grow.
        wait: waits so many seconds, or until it is stopped; returns whether it is.
    """

    def __init__(
        self,
        roots: Callable[[], Sequence[str]],
        stop: threading.Event,
        *,
        poll: bool = False,
        trouble: Callable[[str], None] = lambda _: None,
        tell: Tell | None = None,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], bool] | None = None,
    ) -> None:
        self._roots = roots
        self._stop = stop
        self._polls = poll
        self._trouble = trouble
        self._tell = tell or told_by_system
        self._clock = clock
        self._wait = wait or stop.wait

    def __iter__(self) -> Iterator[Look]:
        while not self._stop.is_set():
            armed = _as_they_are(self._roots())
            begun = self._clock()
            yield None
            took = self._clock() - begun
            if self._polls or not armed:
                yield from self._ticks(max(TICK_SECONDS, took * POLL_FACTOR), armed)
            else:
                yield from self._told(armed)

    def _ticks(self, seconds: float, armed: dict[str, _Identity]) -> Iterator[Look]:
        """Wait for the next look at everything; where there is nothing, for something to come."""
        due = self._clock() + seconds
        while not self._wait(min(TICK_SECONDS, max(0.0, due - self._clock()))):
            if _as_they_are(self._roots()) != armed or (armed and self._clock() >= due):
                return
            yield frozenset()

    def _told(self, armed: dict[str, _Identity]) -> Iterator[Look]:
        """Pass on what the system tells, until the folders are other ones, or it is time.

        Its first answer has everything looked at once more: what changed after the last look and
        before it began to watch, it does not know.
        """
        due = self._clock() + WHOLE_SECONDS
        is_first = True
        try:
            for changed in self._tell(list(armed), self._stop):
                if _as_they_are(self._roots()) != armed or self._clock() >= due:
                    return
                yield None if is_first else changed
                is_first = False
        except OSError as exc:
            if _as_they_are(self._roots()) == armed:  # else one of them has just gone
                self._trouble(
                    f"The system cannot tell what changes ({exc.strerror or exc}); everything is "
                    "looked at again and again instead."
                )
                self._polls = True


_Identity: TypeAlias = tuple[int, int]


def _as_they_are(roots: Sequence[str]) -> dict[str, _Identity]:
    """Return the folders that are there, and which they are: one may be replaced by another."""
    found = {}
    for root in roots:
        try:
            real = os.path.realpath(root)
            stat = os.stat(real)  # noqa: PTH116 - paths are text here
        except OSError:
            continue
        found[real] = (stat.st_dev, stat.st_ino)
    return dict(sorted(found.items()))


def told_by_system(roots: Sequence[str], stop: threading.Event) -> Iterator[frozenset[str]]:
    """Yield what the system tells of folders, at least every `TICK_SECONDS`.

    Raises:
        OSError: it cannot watch them.
    """
    from watchfiles import watch

    for changes in watch(
        *roots,
        watch_filter=None,
        debounce=_DEBOUNCE_MS,
        step=_STEP_MS,
        stop_event=stop,
        rust_timeout=round(TICK_SECONDS * 1_000),
        yield_on_timeout=True,
        raise_interrupt=False,
        ignore_permission_denied=True,
    ):
        yield frozenset(path for _, path in changes)
