"""Judge a deployment anew when the facts behind its earlier judgement have changed.

That is so when a start turns up that is older than the last judgement, when the settings give the
deployment another policy, and when its memory cannot be decoded. Its memory is deleted and all its
windows are read again in order, so that the result is the same as if everything had been known from
the beginning. Its standing events (those that no other supersedes) are superseded where their
content changes; the others stay as they are.

If some windows can no longer be read (their files are gone), the sums must not shrink: then only
the parts that do not need them are corrected, and judging goes on from there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from lineage_bridge import events
from lineage_bridge.adapters.lines import LineReader
from lineage_bridge.adapters.p5_windows import observer_job
from lineage_bridge.assess.policies import policy_mark
from lineage_bridge.errors import ArtifactError
from lineage_bridge.facets.serving_policy import ServingPolicy
from lineage_bridge.journal import Journal
from lineage_bridge.naming import OBSERVE, Slot
from lineage_bridge.observe import cursors, unsaved
from lineage_bridge.observe.serving.activations import Activation
from lineage_bridge.observe.serving.memory import SlotMemory, Sources
from lineage_bridge.observe.serving.seen_lines import SeenLines
from lineage_bridge.observe.serving.state import (
    BROKEN,
    all_slots,
    judge_anew,
    load_fed,
    load_pending,
    pending_saving,
    raise_generation,
    unfeed,
)
from lineage_bridge.observe.unsaved import Standing
from lineage_bridge.times import parse_time, to_micros

Policies = Callable[[Slot], ServingPolicy]

_OBSERVES = f'"{OBSERVE}'.encode()


@dataclass(frozen=True, slots=True)
class Plan:
    """The deployments to judge anew.

    Attributes:
        standing: these deployments, with their standing events.
        paths: the files with their windows.
        kept: deployments that ought to be judged anew but cannot, since some windows are gone.
    """

    standing: Mapping[Slot, list[Standing]] = field(default_factory=dict)
    paths: Sequence[str] = ()
    kept: Sequence[Slot] = ()


def plan(
    journal: Journal,
    *,
    namespace: str,
    activations: Sequence[Activation],
    policies: Policies,
) -> Plan:
    """Find the deployments that must be judged anew; write nothing."""
    with journal.reading() as connection:
        due = _due(connection, activations, policies)
        if not due:
            return Plan()
        counted = _counted(connection, due)
        paths = cursors.list_paths(connection)
    search = _Search(journal, due, paths)
    whole = [
        slot
        for slot, memory in due.items()
        if memory.policy == BROKEN or len(search.lines[slot]) == counted[slot]
    ]
    standing: Mapping[Slot, list[Standing]] = {}
    if whole:
        with journal.reading() as connection:
            standing = _standing(connection, namespace, whole)
    return Plan(
        standing=standing,
        paths=sorted({path for slot in whole for path in search.paths[slot]}),
        kept=[slot for slot in due if slot not in whole],
    )


def begin(journal: Journal, due: Plan, activations: Iterable[Activation]) -> None:
    """Delete the memory of deployments to judge anew; this run or the next reads their files again.

    The caller has the lease.
    """
    if not due.standing:
        return
    with journal.reading() as connection:
        waiting = load_pending(connection, Sources())
    left = pending_saving([w for w in waiting if w.source.slot not in due.standing])
    again = [a.run_id for a in activations if a.slot in due.standing]
    with journal.transaction() as tx:
        judge_anew(tx.connection, due.standing)
        left(tx.connection)
        unsaved.forget_observers(tx.connection, due.standing)  # `due.standing` has these events
        unfeed(tx.connection, again)
        cursors.rewind(tx.connection, due.paths)
        raise_generation(tx.connection)


def _due(
    connection: sqlite3.Connection, activations: Iterable[Activation], policies: Policies
) -> dict[Slot, SlotMemory]:
    fed = load_fed(connection)
    new: dict[Slot, list[Activation]] = {}
    for start in activations:
        if start.run_id not in fed:
            new.setdefault(start.slot, []).append(start)
    return {
        slot: memory
        for slot, memory in all_slots(connection)
        if memory.policy == BROKEN
        or (
            memory.state is not None
            and (
                memory.policy not in {"", policy_mark(policies(slot))}
                or any(start.started_us <= memory.judged_us for start in new.get(slot, ()))
            )
        )
    }


def _counted(connection: sqlite3.Connection, due: Mapping[Slot, SlotMemory]) -> dict[Slot, int]:
    """Count the windows of each deployment that were read, judged or not."""
    counted = {slot: sum(t.windows for t in memory.totals) for slot, memory in due.items()}
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
    """The lines that were counted for some deployments and still exist, with their files."""

    def __init__(self, journal: Journal, slots: Iterable[Slot], paths: Iterable[str]) -> None:
        self.lines: dict[Slot, set[tuple[int, bytes]]] = {slot: set() for slot in slots}
        self.paths: dict[Slot, set[str]] = {slot: set() for slot in self.lines}
        self._seen = SeenLines(journal)
        for path in paths:
            try:
                self._look_into(path)
            except (OSError, ArtifactError):
                continue  # its lines are then missing where they are compared with the count
            finally:
                self._seen.let_go()

    def _look_into(self, path: str) -> None:
        with open(path, "rb") as file:  # noqa: PTH123 - a Path costs more than reading
            for _, line in LineReader(file):
                try:
                    named = _named(line)
                except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                    continue  # no window, or one that was rejected
                slot = Slot(named.service_name, named.environment, named.deployment_id)
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
    connection: sqlite3.Connection, namespace: str, slots: Iterable[Slot]
) -> dict[Slot, list[Standing]]:
    """Find the observers' events that no other one supersedes, by time."""
    found: dict[Slot, list[Standing]] = {slot: [] for slot in slots}
    by_job = {observer_job(namespace, slot).name: slot for slot in found}
    rows = connection.execute(
        "SELECT id, time_us, body FROM events WHERE id IS NOT NULL AND kind = 'run'"
        " AND origin IN ('artifact', 'import') AND instr(body, ?) ORDER BY time_us, seq",
        (_OBSERVES,),
    )
    superseded: set[str] = set()
    for event_id, time_us, body in rows:
        document = events.decode(body)
        job = document["job"]
        slot = by_job.get(job["name"]) if job["namespace"] == namespace else None
        if slot is not None:
            before = events.supersedes_of(document)
            superseded.add(str(before))
            found[slot].append(Standing(time_us, event_id, before))
    return {
        slot: [item for item in items if item.id not in superseded] for slot, items in found.items()
    }
