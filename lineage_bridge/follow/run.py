"""One process following one feed: asks what the audit wants to know, and saves what it found out.

A question that the feed does not answer is asked again, with back-off, for as long as it takes; so
a Marquez that is away for an hour costs an hour and no event. What was read is appended before its
bucket is settled: whenever a process dies, at worst a bucket is read again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from lineage_bridge.errors import CollectorUnavailableError
from lineage_bridge.follow import tables
from lineage_bridge.follow.audit import PAGE, Asking, Count, Page, Question, Read, Settled
from lineage_bridge.follow.buckets import Bucket
from lineage_bridge.follow.intake import look_at, take_in
from lineage_bridge.follow.tables import FOLLOW, Gains
from lineage_bridge.journal.store import Journal
from lineage_bridge.share.marquez.feed import EVENT_BYTES, PAGE_BYTES, Feed, Listed
from lineage_bridge.share.marquez.outcome import NoAnswerError, Outcome
from lineage_bridge.share.patience import Patience

LOOK_SECONDS = 0.5  # how long a stop may go unnoticed
SETTLED_AT_ONCE = 200  # buckets that are saved in one transaction
_FOR_GOOD = frozenset({Outcome.PARKED, Outcome.REFUSED})


class Stopped(Exception):  # noqa: N818 # no error
    """The run was told to stop."""


@dataclass(slots=True)
class Progress:
    """How far a pass is.

    Attributes:
        read: events that were listed.
        total: events of the feed, as far as they were counted.
        gains: what came of them.
    """

    read: int = 0
    total: int = 0
    gains: Gains = field(default_factory=Gains)


@dataclass(frozen=True, slots=True)
class Timing:
    """The clocks, which tests replace.

    Attributes:
        clock: returns seconds that only grow.
        sleep: waits for so many seconds.
        now_us: returns the time, microseconds since the epoch.
    """

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    now_us: Callable[[], int] = lambda: time.time_ns() // 1000


class FollowRun:
    """The work on one feed, while this process has the lease.

    Args:
        journal: open for writing.
        feed: answers.
        name: of the Marquez, for messages, without user and password.
        patience: decides when to ask again.
        ends_early: whether an answer that only a setting can change is an error at once.
        stop: ends the run when it is set.
        say: is told in a sentence when the feed does not answer, and when it does again.
        timing: the clocks.
        told: called after each step.
    """

    def __init__(
        self,
        journal: Journal,
        feed: Feed,
        *,
        name: str,
        patience: Patience,
        ends_early: bool,
        stop: threading.Event,
        say: Callable[[str], None],
        timing: Timing,
        told: Callable[[Progress], None],
    ) -> None:
        self._journal = journal
        self._feed = feed
        self._name = name
        self._patience = patience
        self._ends_early = ends_early
        self._stop = stop
        self._say = say
        self._timing = timing
        self._told = told
        self._is_away = False
        self._limit: int | None = None  # of a page, while larger ones failed
        self._settled: list[Settled] = []
        self.progress = Progress()
        journal.prepare(FOLLOW)
        with journal.transaction() as tx:
            self._source = tables.source_of(tx.connection, name)
            self._is_noted = tables.has_problem(tx.connection, self._source)

    def buckets(self) -> list[Bucket]:
        """Return what is known of the feed."""
        with self._journal.reading() as connection:
            return tables.read_buckets(connection, self._source)

    def go(self, questions: Asking[None]) -> None:
        """Ask the feed whatever an audit wants to know.

        Raises:
            CollectorUnavailableError: the feed did not answer for too long, or never will.
            JournalError: the journal cannot be written.
            Stopped: the run was told to stop; what was settled is saved.
        """
        answer: int | Page | None = None
        try:
            while True:
                question = questions.send(answer)
                answer = self._answer(question)
                self._told(self.progress)
        except StopIteration:
            pass
        finally:
            self._save()

    def audited(self, began_us: int) -> None:
        """Note that an audit of all buckets, which began then, came to its end."""
        with self._journal.transaction() as tx:
            tables.audited(tx.connection, self._source, began_us)

    def _answer(self, question: Question) -> int | Page | None:
        match question:
            case Count(start, end):
                total = self._count(start, end)
                self.progress.total = max(self.progress.total, total)
                return total
            case Read():
                return self._page(question)
            case Settled():
                self._settled.append(question)
                if len(self._settled) >= SETTLED_AT_ONCE:
                    self._save()
                return None

    def _count(self, start: int, end: int) -> int:
        found = self._list(Read(start, end, 0, at_once=True), 0)
        assert found is not None
        return found.total

    def _page(self, asked: Read) -> Page:
        limit = asked.limit if asked.at_once else min(asked.limit, self._limit or asked.limit)
        while (found := self._list(asked, limit)) is None:
            if limit == 1 or asked.at_once:
                total = self._count(asked.start, asked.end)
                return Page((), total, is_whole=total - asked.offset <= 1, is_stuck=True)
            limit = self._limit = limit // 2
        if self._limit is not None and not asked.at_once:
            self._limit = limit * 2 if limit * 2 < PAGE else None
        seen, arrivals = look_at(self._journal, self._source, asked, found.bodies)
        gains = Gains()
        if arrivals:
            self._save()  # what was settled knows nothing of them
            gains = take_in(self._journal, self._source, arrivals)
        self.progress.read += len(seen)
        self.progress.gains.add(gains)
        return Page(seen, found.total, is_whole=len(seen) < limit, is_news=bool(gains))

    def _list(self, asked: Read, limit: int) -> Listed | None:
        """Ask until there is an answer; None if fewer events have to be asked for."""
        most = EVENT_BYTES if asked.at_once or limit == 1 else PAGE_BYTES
        while True:
            if self._stop.is_set():
                raise Stopped
            try:
                found = self._feed.list(asked.start, asked.end, limit, asked.offset, most)
            except NoAnswerError as exc:
                self._failed(exc)
                if limit > 1 and not asked.at_once:  # perhaps that many take too long
                    return None
            else:
                self._answered()
                return found

    def _answered(self) -> None:
        self._patience.answered()
        if self._is_noted:
            self._note(None)
        if self._is_away:
            self._is_away = False
            self._say(f"Marquez at {self._name} answers again; following goes on.")

    def _failed(self, exc: NoAnswerError) -> None:
        """Wait until it is time to ask again."""
        answer, now = exc.answer, self._timing.clock()
        self._patience.failed(now, answer.retry_after)
        if not self._is_away:
            self._is_away = True
            self._note(str(exc))
            if not self._ends_early:
                self._say(
                    f"Marquez at {self._name} gives no events: {exc}. Following waits and goes on "
                    "by itself; no event is lost."
                )
        if self._ends_early and (answer.outcome in _FOR_GOOD or self._patience.is_exhausted(now)):
            raise CollectorUnavailableError(
                f"Marquez at {self._name} gives no events: {exc}. What was read is kept; "
                "`lineage-bridge follow` goes on when it does."
            )
        while (left := self._patience.seconds_left(self._timing.clock())) > 0:
            if self._stop.is_set():
                raise Stopped
            self._timing.sleep(min(left, LOOK_SECONDS))

    def _note(self, problem: str | None) -> None:
        with self._journal.transaction() as tx:
            tables.note_problem(tx.connection, self._source, problem, self._timing.now_us())
        self._is_noted = problem is not None

    def _save(self) -> None:
        settled, self._settled = self._settled, []
        if not settled:
            return
        with self._journal.transaction() as tx:
            now_us = self._timing.now_us()
            gone = sum(tables.settle(tx.connection, self._source, one, now_us) for one in settled)
            tables.add(tx.connection, self._source, Gains(gone=gone))
        self.progress.gains.gone += gone
