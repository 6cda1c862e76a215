"""Judge a deployment anew where what it was judged by turned out to be something else.

That is so when a start turns up that is older than what was judged, when the settings hold the
deployment to another policy, and when what is remembered of it cannot be decoded. Everything that
is remembered of it is let go and all its windows are read once more in their order, so that in the
end it stands as if all had been known from the start. Events that say something else by then are
superseded; those that say the same stay as they are.

Where windows can no longer be read (their files are gone), the sums must not shrink: then only what
can be said without them is mended, and judging goes on from there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from lineage_bridge import events
from lineage_bridge.adapters.p5_windows import observer_job
from lineage_bridge.assess.policy import ServingPolicy, policy_mark
from lineage_bridge.errors import ArtifactError
from lineage_bridge.ingest import cursors, unsaved
from lineage_bridge.ingest.activations import Activation
from lineage_bridge.ingest.lines import LineReader
from lineage_bridge.ingest.seen_lines import SeenLines
from lineage_bridge.ingest.serving_memory import SlotMemory, Sources, Standing
from lineage_bridge.ingest.window_state import (
    BROKEN,
    all_slots,
    judge_anew,
    load_fed,
    load_pending,
    pending_saving,
    raise_generation,
    unfeed,
)
from lineage_bridge.journal import Journal
from lineage_bridge.naming import Slot
from lineage_bridge.times import parse_time, to_micros

Policies = Callable[[Slot], ServingPolicy]

_OBSERVES = b'"observe.'


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be judged anew.

    Attributes:
        standing: the deployments, with the events that stand for them now.
        paths: the files that hold windows of theirs.
        kept: deployments that ought to be and cannot, since windows of theirs are gone.
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
    """Find out what is to be judged anew; nothing is written."""
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
    """Let go of what is to be judged anew; its files are read again by this run or the next.

    The caller holds the lease.
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
        unsaved.forget_observers(tx.connection, due.standing)  # they are among those that stand
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
    """How many windows of each were read, judged or not."""
    counted = {slot: sum(t.windows for t in memory.totals) for slot, memory in due.items()}
    for window in load_pending(connection, Sources()):
        if window.source.slot in counted:
            counted[window.source.slot] += 1
    return counted


class _Named(msgspec.Struct):
    """As much of a line as says whose it is."""

    service_name: str
    environment: str
    deployment_id: str
    window_start: str


_named = msgspec.json.Decoder(_Named).decode


class _Search:
    """The lines that count for some deployments, and the files that still hold them."""

    def __init__(self, journal: Journal, slots: Iterable[Slot], paths: Iterable[str]) -> None:
        self.lines: dict[Slot, set[tuple[int, bytes]]] = {slot: set() for slot in slots}
        self.paths: dict[Slot, set[str]] = {slot: set() for slot in self.lines}
        self._seen = SeenLines(journal)
        for path in paths:
            try:
                self._look_into(path)
            except (OSError, ArtifactError):
                continue  # what it held is missed where lines are compared with windows
            finally:
                self._seen.let_go()

    def _look_into(self, path: str) -> None:
        with open(path, "rb") as file:  # noqa: PTH123 - a Path costs more than reading
            for _, line in LineReader(file):
                try:
                    named = _named(line)
                except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                    continue  # a line of something else, or one that was rejected
                slot = Slot(named.service_name, named.environment, named.deployment_id)
                if slot in self.lines:
                    self._take(slot, named, line, path)

    def _take(self, slot: Slot, named: _Named, line: bytes, path: str) -> None:
        try:
            start_us = to_micros(parse_time(named.window_start)[0])
        except ValueError:
            return
        mark = self._seen.mark_of(start_us, line, slot)
        if mark is not None:
            self.lines[slot].add(mark)
            self.paths[slot].add(path)


def _standing(
    connection: sqlite3.Connection, namespace: str, slots: Iterable[Slot]
) -> dict[Slot, list[Standing]]:
    """The observers' events that no other one supersedes, by time."""
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
            before = events.ours(document).get("supersedes")
            superseded.add(str(before))
            found[slot].append(Standing(time_us, event_id, before))
    return {
        slot: [item for item in items if item.id not in superseded] for slot, items in found.items()
    }
