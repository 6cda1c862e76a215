"""Watch the sources of a home: what changes in them is read at once, pass by pass.

A pass is a backfill of what changed, so it may be killed at any time, and several watchers and
backfills may work on one home: they take turns. What a pass could not do is done by the next one.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from lineage_bridge.adapters.servers import is_there, is_url
from lineage_bridge.errors import LineageBridgeError
from lineage_bridge.ingest.backfill import Backfill, backfill
from lineage_bridge.ingest.changes import Look
from lineage_bridge.ingest.memory import forget_fact, keep_fact, load_fact
from lineage_bridge.ingest.observing import Observed, observe
from lineage_bridge.ingest.sources import Source, list_sources, roots_of
from lineage_bridge.journal import Journal
from lineage_bridge.journal.migrations import has_table
from lineage_bridge.settings import Settings
from lineage_bridge.times import format_time, parse_time

RETRY_SECONDS: Final = 2.0
RETRY_MAX_SECONDS: Final = 60.0
ASK_SECONDS: Final = 60.0  # from one look at a server to the next
SIGN_SECONDS: Final = 60.0  # from one sign of life of a watcher to the next
_LAST_LOOK: Final = "last_look"


class Stopped(Exception):  # noqa: N818 - nothing failed
    """Somebody ended it in the middle of a pass."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What one pass did.

    Attributes:
        is_whole: whether everything was looked at.
        done: what was read, and what came of it.
        observed: what was found in it; None if that was not looked into.
        seconds: how long it took.
    """

    is_whole: bool
    done: Backfill
    observed: Observed | None
    seconds: float

    @property
    def events(self) -> int:
        """How many events were appended."""
        found = 0 if self.observed is None else self.observed.events.total()
        return self.done.events + found


class Watcher:
    """Reads what changes in the sources of a home.

    Args:
        journal: of the home.
        settings: of the home; they may name sources too.
        stop: ends it, also in the middle of a pass.
        tell: is told of each pass.
        trouble: is told in a sentence what cannot be done for now; the same only once in a row.
        between: called after each look, also one at nothing.
        observes: whether it looks into datasets and logs.
        now: the present.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        journal: Journal,
        settings: Settings,
        stop: threading.Event,
        *,
        tell: Callable[[Pass], None] = lambda _: None,
        trouble: Callable[[str], None] = lambda _: None,
        between: Callable[[], object] = lambda: None,
        observes: bool = True,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._journal = journal
        self._settings = settings
        self._stop = stop
        self._tell = tell
        self._trouble = trouble
        self._between = between
        self._observes = observes
        self._now = now
        self._clock = clock
        self._home = os.path.realpath(journal.home)
        self._left: Look = frozenset()  # what is to be looked at yet
        self._failures = 0
        self._retry_at = 0.0
        self._sign_at = 0.0
        self._ask_at = 0.0
        self._troubled = ""
        self._gone: set[str] = set()

    def roots(self) -> list[str]:
        """Return the paths of all sources as they are named now, also of those that are gone."""
        return sorted({source.path for source in self._sources() if not is_url(source.path)})

    def run(self, looks: Iterable[Look]) -> None:
        """Take looks, one after another, until there are no more or it is stopped.

        What it leaves in the home says when it looked last; whoever is stopped takes that away, so
        that a watcher that nobody wants any more is not taken for one that was killed.
        """
        self._take(looks)
        if self._stop.is_set():
            with suppress(LineageBridgeError, OSError), self._journal.transaction() as tx:
                forget_fact(tx.connection, _LAST_LOOK)

    def _take(self, looks: Iterable[Look]) -> None:
        for look in looks:
            self._left = None if look is None or self._left is None else self._left | look
            if self._left is not None and self._clock() >= self._ask_at:
                self._left |= self._servers()
            if self._left:
                self._left = frozenset(path for path in self._left if not self._is_own(path))
            if self._clock() < self._retry_at:
                continue
            try:
                if self._left != frozenset():
                    self._pass(self._left)
                    self._left = frozenset()
                if self._clock() >= self._ask_at:
                    self._ask_at = self._clock() + ASK_SECONDS
                self._between()
                self._give_sign()
            except Stopped:
                return
            except (LineageBridgeError, OSError) as exc:  # such as a full disk
                self._failed(exc)
            else:
                self._failures, self._troubled = 0, ""

    def _give_sign(self) -> None:
        if self._clock() >= self._sign_at:
            with self._journal.transaction() as tx:
                keep_fact(tx.connection, _LAST_LOOK, format_time(self._now()))
            self._sign_at = self._clock() + SIGN_SECONDS

    def _pass(self, look: Look) -> None:
        begun = self._clock()
        sources = self._sources()
        self._tell_gone(sources)
        done = backfill(
            self._journal,
            self._settings,
            roots_of(sources),
            progress=self._go_on,
            final=False,
            changed=look,
        )
        observed = self._observe() if self._observes else None
        self._tell(Pass(look is None, done, observed, self._clock() - begun))

    def _observe(self) -> Observed:
        return observe(self._journal, self._settings, progress=self._go_on, now=self._now())

    def _is_own(self, path: str) -> bool:
        """Tell whether a path is of the home, which may lie in a source, and is always written."""
        return path == self._home or path.startswith(f"{self._home}/")

    def _go_on(self, *_: object) -> None:
        if self._stop.is_set():
            raise Stopped

    def _sources(self) -> list[Source]:
        with self._journal.reading() as connection:
            return list_sources(connection, self._settings)

    def _servers(self) -> frozenset[str]:
        """Return the sources that only tell when they are asked."""
        try:
            return frozenset(source.path for source in self._sources() if is_url(source.path))
        except (LineageBridgeError, OSError):  # the pass says so
            return frozenset()

    def _tell_gone(self, sources: Iterable[Source]) -> None:
        gone = {source.path for source in sources if not is_there(source.path)}
        for path in sorted(gone - self._gone):
            self._trouble(
                f"`{path}` is gone. What was read from it stays; it is read again once it is back."
            )
        self._gone = gone

    def _failed(self, exc: Exception) -> None:
        self._failures += 1
        pause_seconds = min(RETRY_SECONDS * 2.0 ** min(self._failures - 1, 8), RETRY_MAX_SECONDS)
        self._retry_at = self._clock() + pause_seconds
        if str(exc) != self._troubled:
            self._troubled = str(exc)
            self._trouble(f"{exc} It is tried again.")


def last_look(connection: sqlite3.Connection) -> datetime | None:
    """Return when a watcher of the home has looked last, to the minute; None if none should."""
    if not has_table(connection, "ingest_facts"):
        return None
    said = load_fact(connection, _LAST_LOOK)
    return None if said is None else parse_time(said).instant
