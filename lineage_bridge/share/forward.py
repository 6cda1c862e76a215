"""Forwarding: send our own events to Marquez, in an order that binds versions right, with retries.

`Forwarder.run` serves a command in the foreground (until nothing is left, with progress) and a
thread that never ends. The queue of events to send is in the journal's database, so any run goes on
where another one stopped, for whatever reason. Of several processes on one home only one forwards
to a Marquez at a time; the others wait and watch its progress.

`docs/forward.md` describes it for users.
"""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lineage_bridge.errors import (
    CollectorUnavailableError,
    JournalError,
    LineageBridgeError,
)
from lineage_bridge.journal.lease import lease
from lineage_bridge.journal.store import Journal
from lineage_bridge.masking import public_url
from lineage_bridge.share.marquez.api import Marquez
from lineage_bridge.share.marquez.client import ANSWER_SECONDS
from lineage_bridge.share.marquez.outcome import NoAnswerError
from lineage_bridge.share.patience import Patience
from lineage_bridge.share.queue import ForwardQueue
from lineage_bridge.share.run import LOOK_SECONDS, ForwardRun
from lineage_bridge.share.sent.comparison import Comparison, Incomplete, compare

if TYPE_CHECKING:
    import httpx

GIVE_UP_SECONDS = 60.0
RETRY_SECONDS = 1.0
TOLD_SECONDS = 0.1  # counting all events takes longer, the more there are


@dataclass(frozen=True, slots=True)
class ForwardStatus:
    """How many events are in which state, for one Marquez.

    Attributes:
        url: of the Marquez, without user and password.
        pending: still to be sent.
        sent: Marquez has them.
        dead: refused for good; see `lineage-bridge journal dead`.
        dismissed: dead letters that somebody dealt with.
        collapsed: heartbeats that a later one replaced.
        superseded: replaced by another event.
        hidden: jobs and datasets that this Marquez hides, as only replaced events name them.
    """

    url: str
    pending: int = 0
    sent: int = 0
    dead: int = 0
    dismissed: int = 0
    collapsed: int = 0
    superseded: int = 0
    hidden: int = 0


@dataclass(frozen=True, slots=True)
class ForwardReport:
    """The result of one run.

    Attributes:
        sent: events that arrived.
        dead: events that became dead letters.
        seconds: how long the run took.
        status: all events by state, after the run.
    """

    sent: int
    dead: int
    seconds: float
    status: ForwardStatus


class Forwarder:
    """Forwards a journal to one Marquez.

    Args:
        journal: open for writing.
        url: of the Marquez.
        api_key: sent as a bearer token.
        connections: how many events may be under way at once.
        give_up_seconds: a run until idle ends after so long without any answer; None: never.
        transport: replaces the network, for tests.
        answer_seconds: how long to wait for an answer.
        clock: returns seconds that only grow.
        sleep: waits for so many seconds.
        jitter: returns a number from 0 to 1.
    """

    def __init__(
        self,
        journal: Journal,
        url: str,
        *,
        api_key: str | None = None,
        connections: int = 4,
        give_up_seconds: float | None = GIVE_UP_SECONDS,
        transport: httpx.BaseTransport | None = None,
        answer_seconds: float = ANSWER_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._journal = journal
        self._url = url
        self._name = public_url(url)
        self._api_key = api_key
        self._connections = connections
        self._give_up_seconds = give_up_seconds
        self._transport = transport
        self._answer_seconds = answer_seconds
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter
        self._queue = ForwardQueue(journal, url)

    def status(self) -> ForwardStatus:
        """Count this target's events by state, without those not taken in yet."""
        counts = self._queue.counts()
        counts["superseded"] = counts.get("superseded", 0) + counts.pop("stale", 0)
        return ForwardStatus(self._name, **counts, hidden=self._queue.count_hidden())

    def run(
        self,
        *,
        until_idle: bool = True,
        stop: threading.Event | None = None,
        progress: Callable[[ForwardStatus], None] | None = None,
    ) -> ForwardReport:
        """Forward all events, then return; or with `until_idle=False` go on for ever.

        A KeyboardInterrupt ends the run at once: an event under way that is not answered within
        half a second stays for a later run, as do the others. Nothing waits for its thread.

        Args:
            until_idle: end when no event is left, and when Marquez has not answered for long.
            stop: ends the run when it is set.
            progress: called after each step.

        Raises:
            CollectorUnavailableError: Marquez did not answer for `give_up_seconds` (until idle
                only), or wants another key; no event is lost.
            JournalError: the journal cannot be written.
        """
        stopped = stop or threading.Event()
        began, before = self._clock(), self.status()
        due = began

        def told() -> None:
            nonlocal due
            if progress is not None and self._clock() >= due:
                progress(self.status())
                due = self._clock() + TOLD_SECONDS

        self._take_turn(until_idle=until_idle, stop=stopped, told=told)
        after = self.status()
        if progress is not None:
            progress(after)
        return ForwardReport(
            sent=after.sent - before.sent,
            dead=max(after.dead - before.dead, 0),
            seconds=self._clock() - began,
            status=after,
        )

    def verify(self, told: Callable[[int, int], None]) -> Comparison:
        """Compare what was sent with what Marquez holds; see `comparison.compare`.

        Args:
            told: called with how many events are compared, and how many there are.

        Raises:
            CollectorUnavailableError: Marquez could not be asked.
        """
        with self._marquez() as marquez:
            try:
                return compare(self._queue.sent(), marquez, told)
            except NoAnswerError as exc:
                raise CollectorUnavailableError(
                    f"Marquez at {self._name} could not be asked what it holds: {exc}."
                ) from None

    def send_again(self, incomplete: Collection[Incomplete]) -> int:
        """Queue events that Marquez does not have whole, and those that must follow them.

        Returns:
            How many are to be sent once more.
        """
        return self._queue.send_again([event.seq for event in incomplete])

    def run_forever(self, stop: threading.Event, say: Callable[[str], None]) -> None:
        """Forward until `stop` is set, in a thread; report errors to `say` instead of raising."""
        is_said = False
        while not stop.is_set():
            try:
                self.run(until_idle=False, stop=stop)
            except JournalError as exc:  # the home was moved, for example: it may come back
                if not is_said:
                    say(str(exc))
                is_said = True
                stop.wait(RETRY_SECONDS)
            except LineageBridgeError as exc:
                say(str(exc))
                return

    def _take_turn(
        self, *, until_idle: bool, stop: threading.Event, told: Callable[[], None]
    ) -> None:
        """Forward as soon as no other process does; until then watch the other's progress."""
        seen, since = self._queue.counts(), self._clock()
        while not stop.is_set():
            with lease(self._journal.home, _lease_name(self._name)) as is_alone:
                if is_alone:
                    self._forward(until_idle=until_idle, stop=stop, told=told)
                    return
            told()
            self._sleep(LOOK_SECONDS)
            now = self._queue.counts()
            if now != seen:
                seen, since = now, self._clock()
            elif until_idle and self._is_done(now):
                return
            elif until_idle and self._is_too_long(self._clock() - since):
                raise CollectorUnavailableError(
                    f"Another process forwards this home to {self._name}, and it has reached "
                    "nothing for a while. Everything is kept; it goes on."
                )

    def _is_too_long(self, seconds: float) -> bool:
        return self._give_up_seconds is not None and seconds >= self._give_up_seconds

    def _is_done(self, counts: dict[str, int]) -> bool:
        left = counts.get("pending", 0) + counts.get("stale", 0)
        return not left and self._queue.reached() >= self._journal.last_seq()

    def _forward(
        self, *, until_idle: bool, stop: threading.Event, told: Callable[[], None]
    ) -> None:
        self._queue.park(None)
        with self._marquez() as marquez:
            run = ForwardRun(
                self._journal,
                self._queue,
                marquez,
                connections=self._connections,
                patience=Patience(self._give_up_seconds if until_idle else None, self._jitter),
                clock=self._clock,
                sleep=self._sleep,
                name=self._name,
            )
            run.go(until_idle=until_idle, stop=stop, told=told)

    def _marquez(self) -> Marquez:
        return Marquez(
            self._url,
            api_key=self._api_key,
            connections=self._connections,
            transport=self._transport,
            answer_seconds=self._answer_seconds,
        )


def _lease_name(name: str) -> str:
    return f"forward-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
