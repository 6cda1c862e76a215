"""Judge a deployment anew when the facts behind its earlier judgement have changed.

That is so when a start turns up that is older than the last judgement, and when the settings give
the deployment another policy. Its memory is deleted and all its windows are read again in order, so
that the result is the same as if everything had been known from the beginning. Its standing events
(those that no other supersedes) are superseded where their content changes; the others stay as they
are.

If some windows can no longer be read (their files are gone), the sums must not shrink: then only
the parts that do not need them are corrected, and judging goes on from there.

A memory that cannot be decoded is deleted as well, and then is as one that is missing: see
`resume`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from lineage_bridge.adapters.files import open_file
from lineage_bridge.adapters.lines import LineReader
from lineage_bridge.adapters.serving_windows import observer_job
from lineage_bridge.assess.policies import policy_mark
from lineage_bridge.errors import ArtifactError
from lineage_bridge.facets.serving_policy import ServingPolicy
from lineage_bridge.journal import Journal
from lineage_bridge.journal.fold import catch_up
from lineage_bridge.link.identities import Identities
from lineage_bridge.link.identities_model import IDENTITIES
from lineage_bridge.naming import Slot
from lineage_bridge.observe import cursors, unsaved
from lineage_bridge.observe.serving.activations import Activation
from lineage_bridge.observe.serving.file_slots import FileSlots, LineFilter, files_of
from lineage_bridge.observe.serving.memory import SlotMemory, Sources
from lineage_bridge.observe.serving.seen_lines import SeenLines
from lineage_bridge.observe.serving.state import (
    BROKEN,
    Saving,
    all_slots,
    forget_memories,
    judge_anew,
    load_fed,
    load_pending,
    pending_saving,
    raise_generation,
    unfeed,
)
from lineage_bridge.observe.serving.sums import count_windows
from lineage_bridge.observe.unsaved import Standing
from lineage_bridge.times import parse_time, to_micros

Policies = Callable[[Slot], ServingPolicy]


@dataclass(frozen=True, slots=True)
class Plan:
    """The deployments to judge anew.

    Attributes:
        standing: these deployments, with their standing events.
        broken: deployments whose memory cannot be decoded.
        paths: the files with the windows of all these.
        kept: deployments that ought to be judged anew but cannot, since some windows are gone.
        learned: saves which deployments some files have, which nobody knew so far.
        memories: of all deployments; None if one of them is to change.
    """

    standing: Mapping[Slot, list[Standing]] = field(default_factory=dict)
    broken: Sequence[Slot] = ()
    paths: Sequence[str] = ()
    kept: Sequence[Slot] = ()
    learned: Saving | None = None
    memories: Mapping[Slot, SlotMemory] | None = None

    @property
    def anew(self) -> Collection[Slot]:
        """All deployments whose windows are read again."""
        return {*self.standing, *self.broken}


def plan(
    journal: Journal,
    *,
    namespace: str,
    activations: Sequence[Activation],
    policies: Policies,
) -> Plan:
    """Find the deployments that must be judged anew; write nothing."""
    with journal.reading() as connection:
        memories = dict(all_slots(connection))
        due = _due(connection, memories, activations, policies)
        if not due:
            return Plan(memories=memories)
        counted = _counted(connection, due)
        files = files_of(connection, due)
        search = _Search(journal, due, FileSlots(connection))
    for path, slots in files.items():
        search.look_into(path, slots)
    broken = [slot for slot, memory in due.items() if memory.policy == BROKEN]
    whole = [
        slot
        for slot, memory in due.items()
        if len(search.lines[slot]) == counted[slot] and not memory.windows_missing
    ]
    whole = [slot for slot in whole if slot not in broken]
    return Plan(
        standing=_standing(journal, namespace, whole),
        broken=broken,
        paths=sorted({path for slot in (*whole, *broken) for path in search.paths[slot]}),
        kept=[slot for slot in due if slot not in whole and slot not in broken],
        learned=search.learned.saving(),
    )


def begin(journal: Journal, due: Plan, activations: Iterable[Activation]) -> None:
    """Delete the memory of deployments to judge anew; this run or the next reads their files again.

    The caller has the lease.
    """
    if due.learned is None and not due.anew:
        return
    slots = due.anew
    with journal.reading() as connection:
        waiting = load_pending(connection, Sources())
    left = pending_saving([w for w in waiting if w.source.slot not in slots])
    again = [a.run_id for a in activations if a.slot in slots]
    with journal.transaction() as tx:
        if due.learned is not None:
            due.learned(tx.connection)
        judge_anew(tx.connection, due.standing)
        forget_memories(tx.connection, due.broken)
        left(tx.connection)
        unsaved.forget_observers(tx.connection, due.standing)  # `due.standing` has these events
        unfeed(tx.connection, again)
        cursors.rewind(tx.connection, due.paths)
        raise_generation(tx.connection)


def _due(
    connection: sqlite3.Connection,
    memories: Mapping[Slot, SlotMemory],
    activations: Iterable[Activation],
    policies: Policies,
) -> dict[Slot, SlotMemory]:
    fed = load_fed(connection)
    new: dict[Slot, list[Activation]] = {}
    for start in activations:
        if start.run_id not in fed:
            new.setdefault(start.slot, []).append(start)
    return {
        slot: memory
        for slot, memory in memories.items()
        if memory.policy == BROKEN
        or (
            memory.state is not None
            and not memory.is_behind
            and (
                memory.policy not in {"", policy_mark(policies(slot))}
                or (memory.resumed is not None and memory.resumed.is_outdated)
                or any(start.started_us <= memory.judged_us for start in new.get(slot, ()))
            )
        )
    }


def _counted(connection: sqlite3.Connection, due: Mapping[Slot, SlotMemory]) -> dict[Slot, int]:
    """Count the windows of each deployment that were read, judged or not."""
    counted = {
        slot: count_windows(memory.totals) - memory.windows_missing for slot, memory in due.items()
    }
    for window in load_pending(connection, Sources()):
        if window.source.slot in counted:
            counted[window.source.slot] += 1
    return counted


class _Named(msgspec.Struct):
    """The part of a line that tells its deployment and time."""

    service_name: str
    environment: str
    deployment_id: str
    window_start: str


_named = msgspec.json.Decoder(_Named).decode


class _Search:
    """The lines that were counted for some deployments and still exist, with their files.

    Attributes:
        learned: the deployments of files of which they were not known.
    """

    def __init__(self, journal: Journal, slots: Collection[Slot], learned: FileSlots) -> None:
        self.lines: dict[Slot, set[tuple[int, bytes]]] = {slot: set() for slot in slots}
        self.paths: dict[Slot, set[str]] = {slot: set() for slot in self.lines}
        self.learned = learned
        self._seen = SeenLines(journal)

    def look_into(self, path: str, slots: Collection[Slot] | None) -> None:
        """Look for lines of some deployments (None: it is not known which ones the file has)."""
        held: set[Slot] = set()
        lines = None if slots is None else LineFilter(slots)
        try:
            with open_file(path) as file:
                for _, line in LineReader(file):
                    if lines is None or lines.may_be(line):
                        self._look_at(line, path, held)
        except (OSError, ArtifactError):
            return  # its lines are then missing where they are compared with the count
        finally:
            self._seen.let_go()
        if slots is None:
            self.learned.put(path, held)

    def _look_at(self, line: bytes, path: str, held: set[Slot]) -> None:
        try:
            named = _named(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return  # no window, or one that was rejected
        slot = Slot(named.service_name, named.environment, named.deployment_id)
        held.add(slot)
        if slot in self.lines:
            self._take(slot, named, line, path)

    def _take(self, slot: Slot, named: _Named, line: bytes, path: str) -> None:
        try:
            start_us = to_micros(parse_time(named.window_start).instant)
        except ValueError:
            return
        mark = self._seen.mark_of(start_us, line, slot)
        if mark is not None:
            self.lines[slot].add(mark)
            self.paths[slot].add(path)


def _standing(
    journal: Journal, namespace: str, slots: Collection[Slot]
) -> dict[Slot, list[Standing]]:
    """Find the observers' events that no other one supersedes, by time."""
    if not slots:
        return {}
    catch_up(journal, IDENTITIES)
    with journal.reading() as connection:
        known = Identities(connection, namespace)
        return {
            slot: [Standing(*item) for item in known.observed(observer_job(namespace, slot).name)]
            for slot in slots
        }
