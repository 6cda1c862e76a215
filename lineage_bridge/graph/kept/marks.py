"""Marks in the graph's tables: how far they were read, and which events are new since.

The tables number their rows of events, and of supersessions, in the order of arrival. No row is
deleted, and nothing that the graph depends on changes in it, but for what supersedes the event.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from lineage_bridge.graph.bind import Group
from lineage_bridge.graph.reduce import GRAPH
from lineage_bridge.graph.tables import NEVER
from lineage_bridge.journal.home_tables import generation
from lineage_bridge.journal.models import read_reached

_EVENT = """event, job, run, observes, time_us, said, run_said, streaming, started_us, turn, place,
    dropped_us"""

_NEW = f"SELECT {_EVENT} FROM graph_events WHERE event > ? ORDER BY event"

_DUE = f"SELECT {_EVENT} FROM graph_events WHERE time_us > ? AND time_us <= ? AND event <= ?"

_GONE = f"""
SELECT {_EVENT} FROM graph_superseded s CROSS JOIN graph_events e USING (identity)
WHERE s.superseded > ? AND e.event <= ? AND e.time_us <= ?
"""

_BETWEEN = """
SELECT 1 FROM graph_events WHERE time_us > ? AND time_us <= ? AND dropped_us = ? LIMIT 1
"""


class EventRow(NamedTuple):
    """One event, as `graph_events` has it."""

    event: int
    job: int | None
    run: str | None
    observes: int
    time_us: int
    said: int
    run_said: int
    streaming: int
    started_us: int | None
    turn: int | None
    place: bytes
    dropped_us: int

    @property
    def group(self) -> Group:
        """This event as a group of one."""
        return Group(
            self.said,
            self.run_said,
            self.streaming,
            self.time_us,
            self.started_us,
            self.turn,
            self.place,
        )


class RunNumbers(NamedTuple):
    """A run as the tables have it: whether its job looks, the job's number, the run id."""

    observes: int
    job: int
    run: str


class Mark(NamedTuple):
    """How far the tables were read, and how to recognise them.

    Attributes:
        seq: the last event of the journal that they contain.
        tables: the journal's epoch, and the generation of the file that they are in.
        event: the last row of `graph_events`.
        identity: that event's, None without one.
        received_us: its arrival.
        superseded: the last row of `graph_superseded`.
    """

    seq: int
    tables: tuple[int, int]
    event: int
    identity: str | None
    received_us: int | None
    superseded: int


class Changes(NamedTuple):
    """The difference between two marks and instants.

    Attributes:
        new: every event that arrived, also one that does not count.
        come: the events that count from now on.
        gone: the events that no longer count, since another one supersedes them.
    """

    new: Sequence[EventRow]
    come: Sequence[EventRow]
    gone: Sequence[EventRow]


def read_mark(connection: sqlite3.Connection, epoch: int) -> Mark:
    """How far the tables are now."""
    reached = read_reached(connection, GRAPH)
    event, identity, received_us = connection.execute(
        "SELECT event, identity, received_us FROM graph_events ORDER BY event DESC LIMIT 1"
    ).fetchone() or (0, None, None)
    (superseded,) = connection.execute(
        "SELECT coalesce(max(superseded), 0) FROM graph_superseded"
    ).fetchone()
    return Mark(
        0 if reached is None else reached.seq,
        (epoch, generation(connection)),
        event,
        identity,
        received_us,
        superseded,
    )


def is_ahead(connection: sqlite3.Connection, mark: Mark, now: Mark) -> bool:
    """Whether the tables are those of the mark with more rows, and nothing else.

    After pruning, or when the journal was restored from a copy, the tables are filled anew. Then
    they are in another file, or the row of the mark's last event holds another event.
    """
    if mark.tables != now.tables or mark.event > now.event or mark.superseded > now.superseded:
        return False
    if mark.event == now.event:
        return mark.identity == now.identity and mark.received_us == now.received_us
    row = connection.execute(
        "SELECT identity, received_us FROM graph_events WHERE event = ?", (mark.event,)
    ).fetchone()
    return bool(row == (mark.identity, mark.received_us))


def read_changes(
    connection: sqlite3.Connection, since: Mark, old_us: int, at_us: int, limit: int
) -> Changes | None:
    """What has changed since a mark and an instant; None if that is more than so many events."""
    new = _events(connection, _NEW, (since.event,), limit)
    due = _events(connection, _DUE, (old_us, at_us, since.event), limit) if at_us > old_us else []
    gone = _events(connection, _GONE, (since.superseded, since.event, old_us), limit)
    if len(new) + len(due) + len(gone) > limit:
        return None
    come = [event for event in (*new, *due) if event.time_us <= at_us and event.dropped_us == NEVER]
    return Changes(new, come, gone)


def has_events_between(connection: sqlite3.Connection, after_us: int, until_us: int) -> bool:
    """Whether an event that counts happened after one instant and not after another."""
    row = connection.execute(_BETWEEN, (after_us, until_us, NEVER)).fetchone()
    return row is not None


def _events(
    connection: sqlite3.Connection, statement: str, bound: tuple[int, ...], limit: int
) -> list[EventRow]:
    rows = connection.execute(f"{statement} LIMIT ?", (*bound, limit + 1))
    return [EventRow._make(row) for row in rows]


def by_run(events: Iterable[EventRow]) -> dict[RunNumbers, list[EventRow]]:
    """Those of the events that belong to a run, by run."""
    found: dict[RunNumbers, list[EventRow]] = defaultdict(list)
    for event in events:
        if event.job is not None and event.run is not None:
            found[RunNumbers(event.observes, event.job, event.run)].append(event)
    return found
