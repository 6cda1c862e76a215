"""Judge what was read, instant by instant, and append what changed to the journal.

An observer event is due when a deployment's finding changed, every 15 minutes of data, and at the
end of a backfill for sums that no event has told yet. Before each, everything else that happened up
to its instant is appended, so that the journal is in the order of event time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from lineage_bridge.adapters.p5_windows import observer_job, window_event
from lineage_bridge.assess.lookback import SECOND_US
from lineage_bridge.assess.policy import ServingPolicy
from lineage_bridge.assess.serving import DeploymentState
from lineage_bridge.assess.serving_facts import serving_facts
from lineage_bridge.events import Job
from lineage_bridge.ingest.activations import Activation, Starts
from lineage_bridge.ingest.window_state import (
    Implied,
    Pending,
    SlotMemory,
    Slots,
    load_fed,
    save_fed,
)
from lineage_bridge.journal import Transaction
from lineage_bridge.naming import Slot
from lineage_bridge.times import from_micros

HEARTBEAT_US = 900 * SECOND_US
TAKEOVER_US = 120 * SECOND_US  # without a deployment event, so long must a version be quiet


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
    ) -> None:
        self.appended = 0
        self._slots = Slots(connection)
        self._starts = Starts(activations, load_fed(connection))
        self._fed: list[str] = []
        self._namespace = namespace
        self._policies = policies
        self._outgoing = outgoing
        self._known: dict[Slot, tuple[ServingPolicy, Job]] = {}

    def judge(self, tx: Transaction, at_us: int, windows: Iterable[Pending]) -> None:
        """Judge all windows of one instant."""
        self._take_starts(at_us)
        by_slot: dict[Slot, list[Pending]] = {}
        for window in windows:
            by_slot.setdefault(window.source.slot, []).append(window)
        for slot in sorted(by_slot) if len(by_slot) > 1 else by_slot:
            lines = by_slot[slot]
            if len(lines) > 1:
                lines.sort(key=lambda w: (w.source.endpoint, w.facts))
            self._judge_slot(tx, slot, at_us, lines)

    def finish(self, tx: Transaction, *, tell_sums: bool) -> None:
        """Take in the remaining starts, tell sums that moved, append what is left to append."""
        self._take_starts(None)
        moved = [(self._slots.touch(slot), slot) for slot in self._slots.moved()]
        if tell_sums:
            for memory, slot in sorted(moved, key=lambda m: (m[0].judged_us, m[1])):
                self._append(tx, slot, memory, memory.judged_us)
        self._outgoing.append_until(tx, None)

    def save(self, tx: Transaction) -> None:
        """Write what changed, in the transaction of the events."""
        self._slots.save()
        save_fed(tx.connection, self._fed)
        self._fed = []

    def _take_starts(self, until_us: int | None) -> None:
        for start in self._starts.due(until_us):
            self._fed.append(start.run_id)
            memory = self._slots.touch(start.slot)
            state = memory.state
            serving = (start.model, start.version)
            if state is None or (
                serving != (state.model, state.version) and start.started_us >= state.started_us
            ):
                state = memory.state = DeploymentState(*serving, start.started_us)
            if serving == (state.model, state.version):
                state.start(start.instance, start.started_us)

    def _judge_slot(
        self, tx: Transaction, slot: Slot, at_us: int, windows: Sequence[Pending]
    ) -> None:
        memory = self._slots.touch(slot)
        policy, _ = self._about(slot)
        if at_us <= memory.judged_us:
            _take_late(memory, windows, policy)
            return
        memory.judged_us = at_us
        judged = []
        for window in windows:
            memory.count(window.source, window.facts, window.sums)
            memory.inconsistent_windows += window.is_inconsistent
            if self._serves(memory, slot, window):
                judged.append((window.source.endpoint, window.facts))
        if not judged or memory.state is None:
            return
        changed = memory.state.observe(judged, at_us, policy)
        if changed or at_us - memory.emitted_us >= HEARTBEAT_US:
            memory.emitted_us = at_us
            self._append(tx, slot, memory, at_us)

    def _serves(self, memory: SlotMemory, slot: Slot, window: Pending) -> bool:
        """Is the window of the activation that is judged? A newer activation takes its place."""
        if _is_of_state(memory.state, window):
            return True
        source, facts, state = window.source, window.facts, memory.state
        period = self._starts.period(
            slot, (source.model, source.version), (facts.start_us, facts.end_us)
        )
        if period is None:
            is_first = _note_implied(memory, window)
            started_us, is_newer = facts.start_us, is_first
        else:
            started_us, is_newer = period.started_us, True
        if state is not None and not _takes_over(state, window, started_us, is_newer=is_newer):
            return False
        memory.state = DeploymentState(source.model, source.version, started_us)
        return True

    def _about(self, slot: Slot) -> tuple[ServingPolicy, Job]:
        known = self._known.get(slot)
        if known is None:
            known = (self._policies(slot), observer_job(self._namespace, slot))
            self._known[slot] = known
        return known

    def _append(self, tx: Transaction, slot: Slot, memory: SlotMemory, at_us: int) -> None:
        assert memory.state is not None
        policy, job = self._about(slot)
        self._outgoing.append_until(tx, at_us)
        facts = serving_facts(
            memory.state,
            at_us,
            policy,
            environment=slot.environment,
            by_version=memory.totals,
            late_windows=memory.late_windows,
            inconsistent_windows=memory.inconsistent_windows,
        )
        supersedes = memory.event_id if memory.event_us == at_us else None
        event = window_event(facts, from_micros(at_us), job=job, slot=slot, supersedes=supersedes)
        self.appended += tx.append(event, "artifact") is not None
        memory.event_us, memory.event_id, memory.moved = at_us, event.id, False


def _is_of_state(state: DeploymentState | None, window: Pending) -> bool:
    source = window.source
    return (
        state is not None
        and state.version == source.version
        and state.model == source.model
        and window.facts.end_us > state.started_us
    )


def _takes_over(
    state: DeploymentState, window: Pending, started_us: int, *, is_newer: bool
) -> bool:
    """Does a window of another activation take the place of what is judged?"""
    if is_newer and started_us > state.started_us:
        return True
    if state.starts:
        return False
    newest_us = max((e.lookback.newest_end_us for e in state.endpoints.values()), default=0)
    return window.facts.start_us >= newest_us + TAKEOVER_US


def _note_implied(memory: SlotMemory, window: Pending) -> bool:
    """Note a model version that no deployment event told of; tell if it is the first time."""
    source = window.source
    for item in memory.implied:
        if (item.model, item.version) == (source.model, source.version):
            item.windows += 1
            return False
    memory.implied.append(Implied(source.model, source.version, window.facts.start_us, 1))
    return True


def _take_late(memory: SlotMemory, windows: Sequence[Pending], policy: ServingPolicy) -> None:
    """Windows of an instant that was judged: they count, and their minute has them if held."""
    for window in windows:
        memory.count(window.source, window.facts, window.sums)
        memory.late_windows += 1
        if memory.state is not None and _is_of_state(memory.state, window):
            memory.state.add_late(window.source.endpoint, window.facts, policy)
