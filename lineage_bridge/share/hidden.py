"""Nodes that nothing needs any more: which they are, and which of them a Marquez hides.

A job or dataset of ours that only superseded events name stays in Marquez for ever, with its edges,
unless it is hidden there with its `DELETE`. An event that names a hidden node shows it again in
Marquez by itself; then its mark here is forgotten, so that it can be hidden once more.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from lineage_bridge.errors import EventError
from lineage_bridge.events import EventView, decode, view_event
from lineage_bridge.journal.home_tables import STORED, Stored, read_events
from lineage_bridge.journal.migrations import has_table
from lineage_bridge.journal.store import Journal

SCHEMA = """CREATE TABLE IF NOT EXISTS forward_hidden (
    target INTEGER NOT NULL,
    kind TEXT NOT NULL,                   -- job or dataset
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (target, kind, namespace, name)
) WITHOUT ROWID"""
BATCH = 500


class Node(NamedTuple):
    """A job or dataset, as Marquez is asked to hide it."""

    kind: str
    namespace: str
    name: str


class Stale(NamedTuple):
    """Events that were sent and then superseded, and the nodes that no other event names."""

    seqs: list[int]
    unneeded: set[Node]


def find_stale(journal: Journal, target: int) -> Stale:
    """Find the events that were sent to a Marquez and then superseded, and what they leave."""
    seqs: list[int] = []
    nodes: set[Node] = set()
    for stored in _in_state(journal, target, "stale"):
        seqs.append(stored.seq)
        nodes |= _ours_of(stored)
    return Stale(seqs, _unneeded(journal, nodes) if nodes else nodes)


def _in_state(journal: Journal, target: int, state: str) -> Iterator[Stored]:
    after = 0
    while True:
        with journal.reading() as connection:
            rows = connection.execute(
                f"SELECT {STORED} FROM events WHERE seq IN"
                " (SELECT seq FROM forward_events WHERE target = ? AND state = ? AND seq > ?"
                " ORDER BY seq LIMIT ?) ORDER BY seq",
                (target, state, after, BATCH),
            ).fetchall()
        yield from (Stored(*row) for row in rows)
        if not rows:
            return
        after = rows[-1][0]


def _view(stored: Stored) -> EventView | None:
    try:
        return view_event(decode(stored.body))
    except EventError:
        return None


def withdraws(stored: Stored) -> bool:
    """Return whether an event only takes others back, and says nothing of the nodes it names."""
    if b'"withdraws"' not in stored.body:
        return False
    view = _view(stored)
    return view is not None and view.withdraws


def nodes_of(stored: Stored) -> set[Node]:
    """Return all nodes that an event names."""
    view = _view(stored)
    if view is None:
        return set()
    datasets = [*view.inputs, *view.outputs, *([] if view.dataset is None else [view.dataset])]
    nodes = {Node("dataset", *dataset.name) for dataset in datasets}
    return nodes if view.job is None else nodes | {Node("job", *view.job)}


def _ours_of(stored: Stored) -> set[Node]:
    """Return those in the namespace of the event's job: others belong to their own platforms."""
    nodes = nodes_of(stored)
    namespaces = {node.namespace for node in nodes if node.kind == "job"}
    return {node for node in nodes if node.namespace in namespaces}


def _unneeded(journal: Journal, nodes: set[Node]) -> set[Node]:
    with journal.reading() as connection:
        superseded = {row[0] for row in connection.execute("SELECT id FROM forward_superseded")}
    left, after = set(nodes), 0
    while left:
        with journal.reading() as connection:
            events = read_events(connection, after, BATCH)
        if not events:
            return left
        for event in events:
            if (event.id is None or event.id not in superseded) and not withdraws(event):
                left -= nodes_of(event)
        after = events[-1].seq
    return left


class HiddenNodes:
    """The nodes that one Marquez hides, as far as this home asked it to.

    Args:
        journal: open for writing; it has the marks.
        target: the Marquez's number in this home.
    """

    def __init__(self, journal: Journal, target: int) -> None:
        self._journal = journal
        self._target = target
        with journal.reading() as connection:
            rows = connection.execute(
                "SELECT kind, namespace, name FROM forward_hidden WHERE target = ?", (target,)
            )
            self._marked = {Node(*row) for row in rows}

    def to_hide(self, nodes: Iterable[Node]) -> list[Node]:
        """List those of some nodes that are not hidden yet: jobs last, their datasets first."""
        return sorted(set(nodes) - self._marked)

    def mark(self, node: Node) -> None:
        """Remember that a node is hidden."""
        with self._journal.transaction() as tx:
            tx.connection.execute(
                "INSERT OR IGNORE INTO forward_hidden VALUES (?, ?, ?, ?)", (self._target, *node)
            )
        self._marked.add(node)

    def shown_by(self, stored: Stored) -> None:
        """Forget the marks of the nodes that an event named which Marquez took."""
        shown = nodes_of(stored) & self._marked if self._marked else set()
        if not shown:
            return
        with self._journal.transaction() as tx:
            tx.connection.executemany(
                "DELETE FROM forward_hidden WHERE target = ? AND kind = ? AND namespace = ?"
                " AND name = ?",
                [(self._target, *node) for node in shown],
            )
        self._marked -= shown


def count_hidden(connection: sqlite3.Connection, target: int) -> int:
    """Count the nodes that a Marquez hides."""
    if not has_table(connection, "forward_hidden"):
        return 0
    row = connection.execute("SELECT count(*) FROM forward_hidden WHERE target = ?", (target,))
    return int(row.fetchone()[0])
