"""Following a shared Marquez: a pass in the foreground, or a thread that never ends.

All that a run needs to go on is in the home, so any process goes on where another one stopped. Of
several processes on one home one follows a Marquez at a time; each gives way after its pass.

`docs/follow.md` describes it for users.
"""

from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lineage_bridge.errors import CollectorUnavailableError, JournalError, LineageBridgeError
from lineage_bridge.follow.audit import audit, changed
from lineage_bridge.follow.buckets import recent
from lineage_bridge.follow.run import LOOK_SECONDS, FollowRun, Progress, Stopped, Timing
from lineage_bridge.follow.status import SourceState, state_of
from lineage_bridge.journal.lease import lease
from lineage_bridge.journal.store import Journal
from lineage_bridge.masking import public_url
from lineage_bridge.share.marquez.client import ANSWER_SECONDS, MarquezClient
from lineage_bridge.share.marquez.feed import Feed
from lineage_bridge.share.patience import Patience

if TYPE_CHECKING:
    import httpx

GIVE_UP_SECONDS = 60.0
TAIL_SECONDS = 2.0  # between two looks at the newest events
AUDIT_SECONDS = 30.0  # between two looks at all of them, and at least
AUDIT_SHARE = 2  # times as long as the last one took, if that is more
OVERLAP_US = 3600 * 1_000_000  # events that are late by less than this are found by the tail
RETRY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class FollowReport:
    """What one pass found.

    Attributes:
        appended: events of others that are new.
        recognised: events that the journal had already.
        unreadable: events that the journal cannot hold.
        gone: events that the feed no longer has.
        seconds: how long it took.
        state: of the whole feed, afterwards.
    """

    appended: int
    recognised: int
    unreadable: int
    gone: int
    seconds: float
    state: SourceState


class Follower:
    """Follows one Marquez into one journal.

    Args:
        journal: open for writing.
        url: of the Marquez.
        api_key: sent as a bearer token.
        give_up_seconds: how long Marquez may fail to answer in `run`.
        transport: replaces the network, for tests.
        answer_seconds: how long to wait for an answer.
        timing: the clocks.
        jitter: returns a number from 0 to 1.
    """

    def __init__(
        self,
        journal: Journal,
        url: str,
        *,
        api_key: str | None = None,
        give_up_seconds: float = GIVE_UP_SECONDS,
        transport: httpx.BaseTransport | None = None,
        answer_seconds: float = ANSWER_SECONDS,
        timing: Timing | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._journal = journal
        self._url = url
        self.name = public_url(url)
        self._api_key = api_key
        self._give_up_seconds = give_up_seconds
        self._transport = transport
        self._answer_seconds = answer_seconds
        self._timing = timing or Timing()
        self._jitter = jitter

    def run(
        self,
        *,
        progress: Callable[[Progress], None] | None = None,
    ) -> FollowReport:
        """Take in all events that the feed has and the journal has not, then return.

        Args:
            progress: called after each step.

        Raises:
            CollectorUnavailableError: Marquez did not answer for `give_up_seconds`, or another
                process does not give way; what was read is kept.
            JournalError: the journal cannot be written.
        """
        began, never = self._timing.clock(), threading.Event()
        with self._client() as client, self._lease(never) as is_alone:
            if not is_alone:
                raise CollectorUnavailableError(
                    f"Another process follows {self.name} into this home, and has not come to an "
                    "end for a while. It goes on."
                )
            run = self._run(Feed(client), never, told=progress or (lambda _: None), ends_early=True)
            self._audit(run)
        gains = run.progress.gains
        return FollowReport(
            gains.appended,
            gains.recognised,
            gains.unreadable,
            gains.gone,
            self._timing.clock() - began,
            state_of(self._journal, self.name),
        )

    def run_forever(self, stop: threading.Event, say: Callable[[str], None]) -> None:
        """Follow until `stop` is set, in a thread; report trouble to `say` instead of raising."""
        is_said = False
        while not stop.is_set():
            try:
                with self._client() as client:
                    self._follow(Feed(client), stop, say)
            except Stopped:
                return
            except JournalError as exc:  # the home was moved, for example: it may come back
                if not is_said:
                    say(str(exc))
                is_said = True
                stop.wait(RETRY_SECONDS)
            except LineageBridgeError as exc:
                say(str(exc))
                return

    def _follow(self, feed: Feed, stop: threading.Event, say: Callable[[str], None]) -> None:
        audit_at = self._timing.clock()
        while not stop.is_set():
            with self._lease(stop) as is_alone:
                if is_alone:
                    run = self._run(feed, stop, say=say)
                    if self._timing.clock() < audit_at:
                        self._tail(run)
                    else:
                        took = self._audit(run)
                        audit_at = self._timing.clock() + max(AUDIT_SECONDS, AUDIT_SHARE * took)
            stop.wait(TAIL_SECONDS)

    def _tail(self, run: FollowRun) -> None:
        buckets = run.buckets()
        newest = min(
            buckets[-1].start, self._timing.now_us()
        )  # a clock that is ahead hides nothing
        run.go(changed(recent(buckets, newest - OVERLAP_US)))

    def _audit(self, run: FollowRun) -> float:
        """Compare all buckets with the feed; return how many seconds that took."""
        began, began_us = self._timing.clock(), self._timing.now_us()
        run.go(audit(run.buckets()))
        run.audited(began_us)
        return self._timing.clock() - began

    def _run(
        self,
        feed: Feed,
        stop: threading.Event,
        *,
        say: Callable[[str], None] = lambda _: None,
        told: Callable[[Progress], None] = lambda _: None,
        ends_early: bool = False,
    ) -> FollowRun:
        return FollowRun(
            self._journal,
            feed,
            name=self.name,
            patience=Patience(self._give_up_seconds if ends_early else None, self._jitter),
            ends_early=ends_early,
            stop=stop,
            say=say,
            timing=self._timing,
            told=told,
        )

    def _client(self) -> MarquezClient:
        return MarquezClient(
            self._url,
            api_key=self._api_key,
            transport=self._transport,
            answer_seconds=self._answer_seconds,
        )

    def _lease(self, stop: threading.Event) -> AbstractContextManager[bool]:
        """Take turns with other processes that follow the same Marquez into this home."""
        began = self._timing.clock()

        def wait() -> bool:
            self._timing.sleep(LOOK_SECONDS)
            return not stop.is_set() and self._timing.clock() - began < self._give_up_seconds

        name = hashlib.sha256(self.name.encode()).hexdigest()[:12]
        return lease(self._journal.home, f"follow-{name}", wait=wait)
