"""Symlinks of the kept graph: which names become one node by what is new.

Nearly always an event says what was said before, or gives a new dataset its names. Only where nodes
that are kept become one, or come apart, the graph is loaded anew.
"""

from __future__ import annotations

import sqlite3

from lineage_bridge.graph.kept.marks import Changes
from lineage_bridge.graph.kept.steps import Kept
from lineage_bridge.graph.rows import Bounds
from lineage_bridge.graph.symlinks import Symlinks, pairs_of, read_symlinks


def symlinks_after(
    connection: sqlite3.Connection, kept: Kept, changes: Changes, bounds: Bounds
) -> Symlinks | None:
    """Return the names that are one node after the changes; None if a kept node takes part."""
    pairs = {
        said: tuple(pairs_of(connection, said))
        for said in {event.said for event in (*changes.come, *changes.gone)}
    }
    come = [(pair, event.time_us) for event in changes.come for pair in pairs[event.said]]
    before = kept.symlinks
    if not before.would_change(come) and not any(pairs[event.said] for event in changes.gone):
        return before
    after = read_symlinks(connection, {"at": bounds.at, "known": bounds.known})
    return None if _moves(connection, kept, before, after) else after


def _moves(connection: sqlite3.Connection, kept: Kept, before: Symlinks, after: Symlinks) -> bool:
    """Whether a name of a kept node becomes that of another."""
    for name in before.node_of.keys() | after.node_of.keys():
        node = before.node_of.get(name, name)
        if node != after.node_of.get(name, name) and _id_of(connection, node) in kept.nodes:
            return True
    return False


def _id_of(connection: sqlite3.Connection, number: int) -> str:
    row = connection.execute("SELECT id FROM graph_nodes WHERE node = ?", (number,)).fetchone()
    return str(row[0])
