"""A thread that keeps models up to date while a process runs, and reports how far they are.

A mark is a place in the journal: a sequence number and the file that it is a number in.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from time import monotonic
from typing import NamedTuple, Protocol

from lineage_bridge.errors import HomeGoneError, LineageBridgeError
from lineage_bridge.journal import spool
from lineage_bridge.journal.database import Identity, identity_of
from lineage_bridge.journal.fold import Fold, lease_of
from lineage_bridge.journal.lease import PASS_SECONDS, lease
from lineage_bridge.journal.models import Model, is_of_journal, read_reached
from lineage_bridge.journal.store import Journal

LOOK_SECONDS = 0.2  # other processes may append without waking this one
RETRY_SECONDS = 0.05
GRACE_SECONDS = 0.05
_log = logging.getLogger(__name__)


class Mark(NamedTuple):
    """A place in a journal: a sequence number, and its file, as another file may replace it."""

    journal: Identity | None
    seq: int

    def has(self, other: Mark) -> bool:
        """Return whether the other place is in the same file, at or before this one."""
        return self.journal == other.journal and self.seq >= other.seq


class Watermark:
    """How far the first model is, and the callers that wait for a mark. Threads may share it."""

    def __init__(self) -> None:
        self.mark = Mark(None, 0)
        self._lock = threading.Lock()
        self._waiting: list[tuple[Mark, Callable[[], None]]] = []

    def move(self, mark: Mark) -> None:
        """Set how far the model is now, and call whoever waited for that."""
        with self._lock:
            self.mark = mark
            due = [call for wanted, call in self._waiting if mark.has(wanted)]
            if due:
                self._waiting = [item for item in self._waiting if not mark.has(item[0])]
        for call in due:
            call()

    def when(self, wanted: Mark, call: Callable[[], None]) -> Callable[[], None]:
        """Call a function once, as soon as a mark is reached; return a function that cancels it."""
        item = wanted, call
        with self._lock:
            is_reached = self.mark.has(wanted)
            if not is_reached:
                self._waiting.append(item)
        if is_reached:
            call()
        return partial(self._call_off, item)

    def _call_off(self, item: tuple[Mark, Callable[[], None]]) -> None:
        with self._lock, contextlib.suppress(ValueError):
            self._waiting.remove(item)

    def wait(self, wanted: Mark, seconds: float) -> bool:
        """Wait for a mark; return whether it was reached in time."""
        reached = threading.Event()
        call_off = self.when(wanted, reached.set)
        try:
            return reached.wait(seconds)
        finally:
            call_off()


class Follower(Protocol):
    """Something that keeps the models of a journal up to date.

    Attributes:
        watermark: how far the first of them is.
    """

    watermark: Watermark

    def wake(self) -> None:
        """Report that the journal has new events."""
        ...

    def close(self) -> None:
        """Stop following."""
        ...


def check_leases(home: Path, names: Iterable[str]) -> None:
    """Check that a follower of the models of these names could take its leases.

    Whoever waits for a follower that never can would wait in vain.

    Raises:
        JournalError: the folder of the locks, or one of them, is damaged or cannot be written.
    """
    for name in (*map(lease_of, names), spool.NAME):
        with lease(home, name):
            pass


class FollowerThread:
    """Follows a journal in a thread of this process. `close()` ends it after its current bite.

    Args:
        journal: open for writing.
        models: others wait for the first one.
        on_move: called with the new mark whenever the first model has moved.
    """

    def __init__(
        self,
        journal: Journal,
        models: Sequence[Model],
        on_move: Callable[[Mark], None] | None = None,
    ) -> None:
        self.watermark = Watermark()
        self._journal = journal
        self._models = models
        self._folds = [Fold(journal, model) for model in models]
        self._on_move = on_move
        self._derived: Identity | None = None
        self._awake = threading.Event()
        self._stop = threading.Event()
        self._is_failing = False
        self._thread = threading.Thread(target=self._run, name="fold", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Report that the journal has new events."""
        self._awake.set()

    def close(self) -> None:
        """Stop after the current bite."""
        self._stop.set()
        self._awake.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._awake.clear()
            try:
                is_idle = self._pass()
                self._is_failing = False
            except HomeGoneError:
                is_idle = True  # the journal has logged it
            except LineageBridgeError as exc:
                is_idle = True
                if not self._is_failing:  # one log line, however long it lasts
                    _log.error("What is derived from the journal cannot be kept up: %s", exc)
                self._is_failing = True
            self._awake.wait(LOOK_SECONDS if is_idle else 0)

    def _pass(self) -> bool:
        """Fold for a while, then take the spool in; return whether nothing is left to do."""
        self._journal.check()
        is_idle = self._has_all() or self._fold()
        return not spool.take_in(self._journal) and is_idle

    def _fold(self) -> bool:
        """Fold for a while, each model in its turn; return whether nothing is left to fold."""
        with ExitStack() as leases:
            mine: list[Fold] = []
            others: list[Fold] = []
            for fold, model in zip(self._folds, self._models, strict=True):
                held = leases.enter_context(lease(self._journal.home, lease_of(model.name)))
                (mine if held else others).append(fold)
            is_idle = self._bite(mine)
        if others:  # another process folds these; if the first model is among them, read how far
            if self._folds[0] in others:
                self._move(*self._reached_by_others())
            self._stop.wait(RETRY_SECONDS)
        return is_idle and not others

    def _has_all(self) -> bool:
        """Return whether all models have all events; start over if the derived file changed."""
        derived = identity_of(self._journal.derived.path)
        last = self._journal.last_seq()
        if derived != self._derived:
            self._derived = derived
            for fold in self._folds:
                fold.forget()
            self._move(None, 0)
        return all(
            fold.journal == self._journal.identity and fold.reached >= last for fold in self._folds
        )

    def _bite(self, mine: Sequence[Fold]) -> bool:
        """Take bites for as long as a pass may last; return whether nothing is left."""
        deadline = monotonic() + PASS_SECONDS
        left = list(mine)
        while monotonic() < deadline and not self._stop.is_set():
            left = [fold for fold in left if fold.bite()]
            if self._folds[0] in mine:
                self._move(self._folds[0].journal, self._folds[0].reached)
            if not left:
                # More events may come soon; taking the leases again would cost more than waiting.
                if not self._awake.wait(GRACE_SECONDS):
                    return True
                self._awake.clear()
                left = list(mine)
        return False

    def _move(self, journal: Identity | None, seq: int) -> None:
        mark = Mark(journal, seq)
        if mark != self.watermark.mark:
            self.watermark.move(mark)
            if self._on_move is not None:
                self._on_move(mark)

    def _reached_by_others(self) -> tuple[Identity | None, int]:
        with self._journal.reading() as connection:
            reached = read_reached(connection, self._models[0])
            if reached is None or not is_of_journal(connection, self._models[0], reached):
                return self._journal.identity, 0
        return self._journal.identity, reached.seq
