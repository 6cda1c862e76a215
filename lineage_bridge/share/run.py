"""One run of forwarding: hand events out to connections, and record the answers.

A single thread decides and writes; the connections' threads only send. So order, pauses and the
database have one owner, and a connection never sleeps: an event to send again waits in the order.

Invariant: an event is `doubtful` in the database before its first byte is sent, and stops being
pending only after an answer was read. So a run that stops can abandon the events under way.
`tries` writes both down, many at a time.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from functools import partial

from lineage_bridge.errors import CollectorUnavailableError
from lineage_bridge.journal.store import Journal
from lineage_bridge.share.callers import Callers
from lineage_bridge.share.hidden import Node, Stale, withdraws
from lineage_bridge.share.marquez.api import Marquez
from lineage_bridge.share.marquez.outcome import Answer, Outcome
from lineage_bridge.share.order import Order
from lineage_bridge.share.patience import Patience
from lineage_bridge.share.queue import ForwardQueue, Settled, Started
from lineage_bridge.share.tries import Tries

MAX_LOOKS = 3  # at an event that is not whole in the model: Marquez may be still at work on it
MAX_FAILURES = 3  # a 500 is most often a poison event, and each try adds a row to Marquez's feed
LOOK_SECONDS = 0.5  # how often to look for new events while no event waits
REFRESH_SECONDS = 1.0  # and while some wait
LEAVE_SECONDS = 0.5  # how long the end of a run waits for the answers under way


class ForwardRun:
    """The work of `Forwarder.run` while it has the lease.

    Args:
        journal: the events.
        queue: the events that are still to be sent.
        marquez: receives them.
        connections: how many events are under way at most.
        patience: decides when to try again.
        clock: returns seconds that only grow.
        sleep: waits for so many seconds.
        name: of the Marquez, for messages.
    """

    def __init__(
        self,
        journal: Journal,
        queue: ForwardQueue,
        marquez: Marquez,
        *,
        connections: int,
        patience: Patience,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        name: str,
    ) -> None:
        self._journal = journal
        self._queue = queue
        self._marquez = marquez
        self._connections = connections
        self._patience = patience
        self._clock = clock
        self._sleep = sleep
        self._name = name
        self._order = Order()
        self._tries = Tries(queue, clock)
        self._callers = Callers()
        self._under_way: dict[Future[Answer], Started] = {}
        self._not_before: dict[int, float] = {}
        self._looks: Counter[int] = Counter()
        self._refresh_at = 0.0
        self._last_failure = ""
        self._hidden = queue.hidden()
        self._hide_at = 0.0
        self._hide_failures: Counter[Node] = Counter()
        self._given_up: set[Node] = set()
        self._stale: Stale | None = None  # as of the events taken in so far

    def go(self, *, until_idle: bool, stop: threading.Event, told: Callable[[], None]) -> None:
        """Forward until nothing is left (or for ever), or until `stop` is set.

        An event that is not answered soon after a stop stays pending and doubtful.

        Raises:
            CollectorUnavailableError: Marquez did not answer for too long, or will accept nothing.
        """
        try:
            while not stop.is_set():
                if not self._step(stop):
                    if until_idle:
                        return
                    self._sleep(LOOK_SECONDS)
                told()
        finally:
            self._callers.close()
            try:
                self._settle(wait(self._under_way, timeout=LEAVE_SECONDS).done)
            finally:
                self._tries.give_back()

    def _step(self, stop: threading.Event) -> bool:
        """Send, settle or tidy up what is possible now, or pause; return whether work is left."""
        self._refresh()
        self._hand_out()
        if self._under_way:
            done, _ = wait(self._under_way, timeout=LOOK_SECONDS, return_when=FIRST_COMPLETED)
            self._settle(done)
            self._tries.save_due()
            return True
        if not len(self._order) and not self._tidy_up(stop):
            return False
        self._rest()
        return True

    def _refresh(self) -> None:
        """Take new events of the journal into the order; if there are none, write nothing."""
        now = self._clock()
        if len(self._order) and now < self._refresh_at:
            return
        self._refresh_at = now + REFRESH_SECONDS
        if not self._under_way:
            self._tries.save()
        if self._queue.reached() < self._journal.last_seq():
            self._tries.give_back()
            self._queue.take_in()
            self._stale = None
        elif len(self._order) or self._under_way:
            return
        self._order.replace(self._queue.pending())  # includes dead letters that are retried

    def _hand_out(self) -> None:
        now = self._clock()
        room = self._connections - len(self._under_way)
        if room <= 0 or now < self._patience.resume_at:
            return
        ready = [
            item
            for item in self._order.ready(self._connections + len(self._not_before))
            if now >= self._not_before.get(item.seq, now)
        ][:room]
        if not ready:
            return
        started = self._tries.begin(ready, self._order.next())
        for item in ready:
            self._order.start(item)
            if item.seq not in started:  # superseded since it was read
                self._order.finish(item.seq)
                continue
            one = started[item.seq]
            send = partial(self._marquez.send, one.stored, doubtful=self._is_to_be_sought(one))
            self._under_way[self._callers.call(send)] = one

    def _is_to_be_sought(self, started: Started) -> bool:
        """Return whether Marquez may have the event, and is to be asked before it is sent."""
        is_known_partly = self._looks[started.stored.seq] >= MAX_LOOKS
        return started.was_doubtful and not started.again and not is_known_partly

    def _settle(self, done: Iterable[Future[Answer]]) -> None:
        answers = [(self._under_way.pop(future), future.result()) for future in done]
        if not answers:
            return
        is_plain = all(self._is_plain(started, answer) for started, answer in answers)
        self._tries.end([self._judge(started, answer) for started, answer in answers])
        if not is_plain:
            self._tries.give_back()
        for started, answer in answers:
            if answer.outcome is Outcome.TAKEN:
                self._hidden.shown_by(started.stored)
                self._send_what_follows(started.stored.seq)
            self._raise_if_parked(answer)
        if self._patience.is_exhausted(self._clock()):
            raise self._unavailable()

    def _is_plain(self, started: Started, answer: Answer) -> bool:
        """Return whether nothing depends on an answer but that its event is done with."""
        return answer.outcome is Outcome.TAKEN and started.stored.seq not in self._looks

    def _send_what_follows(self, seq: int) -> None:
        """Send what came after an event once more, if that event was completed only now."""
        if self._looks.pop(seq, 0) >= MAX_LOOKS:
            self._queue.send_again([seq], arrived=[seq])

    def _judge(self, started: Started, answer: Answer) -> Settled:
        seq = started.stored.seq
        self._count(answer)
        state = _state(answer, started)
        if state == "pending":
            self._order.release(seq)
            if answer.outcome is Outcome.FAILED:
                self._pause(seq, started.failures + 1)
            elif answer.outcome is Outcome.PARTLY:
                self._looks[seq] += 1
                self._pause(seq, self._looks[seq])
        else:
            self._order.finish(seq)
            self._not_before.pop(seq, None)
        return Settled(
            seq,
            state,
            doubtful=_is_doubtful(answer, started),
            failed=answer.outcome is Outcome.FAILED,
            status=None if answer.outcome is Outcome.TAKEN else answer.status,
            answer=None if answer.outcome is Outcome.TAKEN else answer.text,
        )

    def _pause(self, seq: int, times: int) -> None:
        self._not_before[seq] = self._clock() + self._patience.backoff(times)

    def _count(self, answer: Answer) -> None:
        if answer.outcome is Outcome.WAIT:
            self._patience.failed(self._clock(), answer.retry_after)
            self._last_failure = f"{answer.status or ''} {answer.text}".strip(" .")
        elif answer.outcome is not Outcome.PARKED:
            self._patience.answered()

    def _raise_if_parked(self, answer: Answer) -> None:
        if answer.outcome is not Outcome.PARKED:
            return
        said = f"answered {answer.status}: " if answer.status else ""
        reason = f"{said}{answer.text}"
        self._queue.park(reason)
        raise CollectorUnavailableError(
            f"Marquez at {self._name} takes nothing: {reason}. Check MARQUEZ_URL and "
            "MARQUEZ_API_KEY. Everything is kept; `lineage-bridge journal forward` goes on."
        )

    def _unavailable(self) -> CollectorUnavailableError:
        return CollectorUnavailableError(
            f"Marquez at {self._name} was not reached: {self._last_failure}. Everything is kept; "
            "`lineage-bridge journal forward` or `up` goes on where this stopped."
        )

    def _rest(self) -> None:
        """Wait for the end of a pause, in slices short enough to notice a `stop`."""
        now = self._clock()
        if self._patience.is_exhausted(now):
            raise self._unavailable()
        left = self._patience.seconds_left(now)
        self._not_before = {seq: then for seq, then in self._not_before.items() if then > now}
        if not left and self._not_before:
            left = min(self._not_before.values()) - now
        self._sleep(min(max(left, 0.01), LOOK_SECONDS))

    def _tidy_up(self, stop: threading.Event) -> bool:
        """Hide the nodes that only superseded events name; return whether any is left."""
        if self._clock() < max(self._patience.resume_at, self._hide_at):
            return True
        if self._stale is None:
            self._stale = self._queue.stale()
        stale = self._stale
        if not stale.seqs:
            return False
        for node in self._hidden.to_hide(stale.unneeded - self._given_up):
            if not self._hide(node, stop):
                return True
        self._queue.tidied(stale.seqs)
        self._stale = None
        return False

    def _hide(self, node: Node, stop: threading.Event) -> bool:
        """Hide one node; return False if it is to be tried again, or the run is to stop."""
        ask = partial(self._marquez.hide, node.namespace, node.name, kind=node.kind)
        hiding = self._callers.call(ask)
        while not wait([hiding], timeout=LOOK_SECONDS).done:
            if stop.is_set():
                return False
        answer = hiding.result()
        self._count(answer)
        self._raise_if_parked(answer)
        if answer.outcome is Outcome.WAIT:
            return False
        if answer.outcome is Outcome.TAKEN:
            self._hidden.mark(node)
            return True
        if answer.outcome is Outcome.FAILED:
            self._hide_failures[node] += 1
            if self._hide_failures[node] < MAX_FAILURES:
                self._hide_at = self._clock() + self._patience.backoff(self._hide_failures[node])
                return False
        self._given_up.add(node)  # refused again and again, Marquez's graph keeps a node too many
        return True


def _state(answer: Answer, started: Started) -> str:
    if answer.outcome is Outcome.TAKEN:
        # A withdrawal needs none of the nodes that it names: those that only it names are hidden.
        return "stale" if withdraws(started.stored) else "sent"
    if answer.outcome is Outcome.REFUSED:
        return "dead"
    is_last = answer.outcome is Outcome.FAILED and started.failures + 1 >= MAX_FAILURES
    return "dead" if is_last else "pending"


def _is_doubtful(answer: Answer, started: Started) -> bool:
    # What is known to be there in part is not looked for again once it has been sent whole.
    # A 500 may have stored the event in the feed, but not in the model: only a resend completes it,
    # so the event is not doubtful. An earlier doubt stays until Marquez has answered.
    if answer.outcome in (Outcome.WAIT, Outcome.PARKED, Outcome.PARTLY):
        return answer.doubtful or started.was_doubtful
    return False
