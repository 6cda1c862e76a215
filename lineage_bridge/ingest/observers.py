"""Judge what was read, instant by instant, and append what changed to the journal.

An observer event is due when a deployment's finding changed, every 15 minutes of data, and at the
end of a backfill for sums that no event has told yet. Before each, everything else that happened up
to its instant is appended, so that the journal is in the order of event time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Protocol

from lineage_bridge.adapters.p5_windows import observer_job
from lineage_bridge.assess.policy import ServingPolicy, policy_mark
from lineage_bridge.ingest.activations import Activation, Starts
from lineage_bridge.ingest.observer import Observer
from lineage_bridge.ingest.window_state import Memories, Pending, Source, load_fed, save_fed
from lineage_bridge.journal import Transaction
from lineage_bridge.naming import Slot


class Outgoing(Protocol):
    """Events of records (builds, trainings, starts) that wait for their turn, sorted by time."""

    def append_until(self, tx: Transaction, time_us: int | None) -> None:
        """Append all up to and including that instant; None: all."""
        ...


class Observers:
    """One observer for each deployment, over the memory in the journal's database."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        namespace: str,
        activations: Sequence[Activation],
        policies: Callable[[Slot], ServingPolicy],
        outgoing: Outgoing,
        kept: Iterable[Slot] = (),
    ) -> None:
        """`kept` have starts that are older than what was judged, or another policy by now."""
        self.appended = 0
        self._memories = Memories(connection)
        self._starts = Starts(activations, load_fed(connection))
        self._fed: list[str] = []
        self._namespace = namespace
        self._policies = policies
        self._outgoing = outgoing
        self._observers: dict[Slot, Observer] = {}
        self._by_source: dict[Source, Observer] = {}
        self._changed: set[Observer] = set()
        for slot in kept:
            self._go_on_with(self._of_slot(slot))

    def judge(self, tx: Transaction, at_us: int, windows: Iterable[Pending]) -> None:
        """Judge all windows of one instant."""
        self._take_starts(at_us)
        together: dict[Observer, list[Pending]] = {}
        for window in windows:
            observer = self._by_source.get(window.source) or self._observer(window.source)
            together.setdefault(observer, []).append(window)
        self._changed.update(together)
        due = [
            observer
            for observer, own in together.items()
            if observer.judge(at_us, own, self._starts)
        ]
        for observer in sorted(due, key=attrgetter("slot")) if len(due) > 1 else due:
            self._append(tx, observer, at_us)

    def finish(self, tx: Transaction, *, tell_sums: bool) -> None:
        """Tell sums that moved, append what is left to append.

        Starts after the last window are left for the run that reads a later one.
        """
        untold = [self._of_slot(slot) for slot in self._memories.untold()]
        for observer in sorted(untold, key=lambda o: (o.memory.judged_us, o.slot)):
            memory = observer.memory
            is_outdated = any(item.at_us <= memory.judged_us for item in memory.standing)
            if is_outdated or (tell_sums and memory.moved):
                self._changed.add(observer)
                self._append(tx, observer, memory.judged_us, is_end=tell_sums)
        self._outgoing.append_until(tx, None)

    def save(self, tx: Transaction) -> None:
        """Write what changed, in the transaction of the events."""
        self._memories.save(sorted(observer.slot for observer in self._changed))
        self._changed.clear()
        save_fed(tx.connection, self._fed)
        self._fed = []

    def _take_starts(self, until_us: int) -> None:
        for start in self._starts.due(until_us):
            observer = self._of_slot(start.slot)
            observer.take_start(start)
            self._changed.add(observer)
            self._fed.append(start.run_id)

    def _go_on_with(self, observer: Observer) -> None:
        late = self._starts.take(observer.slot, observer.memory.judged_us)
        observer.take_late_starts(late, self._starts)
        self._fed += [start.run_id for start in late]
        self._changed.add(observer)

    def _observer(self, source: Source) -> Observer:
        observer = self._by_source[source] = self._of_slot(source.slot)
        return observer

    def _of_slot(self, slot: Slot) -> Observer:
        observer = self._observers.get(slot)
        if observer is None:
            job = observer_job(self._namespace, slot)
            memory, policy = self._memories.of(slot), self._policies(slot)
            memory.policy = policy_mark(policy)
            observer = Observer(slot, memory, policy, job)
            self._observers[slot] = observer
        return observer

    def _append(
        self, tx: Transaction, observer: Observer, at_us: int, *, is_end: bool = False
    ) -> None:
        self._outgoing.append_until(tx, at_us)
        for event in observer.events(at_us, is_end=is_end):
            self.appended += tx.append(event, "artifact") is not None
