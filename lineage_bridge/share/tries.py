"""What a run writes down: which events are about to be sent, and what was answered; many at once.

Each commit waits for the disk, which can take longer than our collector takes for an answer. So the
events that follow are marked as doubtful together with the one that is sent now, and answers are
written down in groups. A run that is killed leaves some more doubtful events than it has sent: the
next one asks for each of them before it sends it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice

from lineage_bridge.share.order import Item
from lineage_bridge.share.queue import ForwardQueue, Settled, Started

AHEAD = 64  # events that are marked together
SAVE_SECONDS = 0.5  # an answer is written down by then


class Tries:
    """The tries of one run, between its order and its queue.

    Args:
        queue: has the events.
        clock: returns seconds that only grow.
    """

    def __init__(self, queue: ForwardQueue, clock: Callable[[], float]) -> None:
        self._queue = queue
        self._clock = clock
        self._ahead: dict[int, Started] = {}
        self._answered: list[Settled] = []
        self._answered_at = 0.0

    def begin(self, items: Sequence[Item], following: Iterable[Item]) -> dict[int, Started]:
        """Mark events as doubtful, and return them by number, without those that were superseded.

        Args:
            items: are sent now.
            following: are likely to be sent next.
        """
        new = [item.seq for item in items if item.seq not in self._ahead]
        if new:
            self.save()
            others = (item.seq for item in following if item.seq not in self._ahead)
            ahead = islice((seq for seq in others if seq not in new), AHEAD)
            for started in self._queue.start(new, list(ahead)):
                self._ahead[started.stored.seq] = started
        seqs = [item.seq for item in items if item.seq in self._ahead]
        return {seq: self._ahead.pop(seq) for seq in seqs}

    def end(self, results: Iterable[Settled]) -> None:
        """Take the results of tries, to be written down soon."""
        if not self._answered:
            self._answered_at = self._clock()
        self._answered += results
        if len(self._answered) >= AHEAD:
            self.save()

    def save_due(self) -> None:
        """Write down what was answered, if that was some time ago."""
        if self._clock() - self._answered_at >= SAVE_SECONDS:
            self.save()

    def save(self) -> None:
        """Write down what was answered."""
        if self._answered:
            self._queue.settle(self._answered)
            self._answered = []

    def give_back(self) -> None:
        """Write down what was answered, and that nothing else was sent of what was marked."""
        self.save()
        if self._ahead:
            self._queue.give_back(self._ahead.values())
            self._ahead = {}
