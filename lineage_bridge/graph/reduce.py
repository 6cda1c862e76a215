"""The fold: the journal's events into the graph's tables, a batch at a time.

Invariant: the tables are a function of the set of events. Any order of arrival, duplicates, and any
split into increments lead to the same graph, byte for byte; a test says so. Nothing here looks at
what is in the tables already to decide what an event means: that is `load`'s work.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from lineage_bridge.graph.facts import read_facts
from lineage_bridge.graph.tables import SCHEMA, TABLES, TableWriter
from lineage_bridge.journal import Journal, Stored, catch_up


class GraphModel:
    """The journal's model `graph`."""

    name: str = "graph"
    version: int = 1
    schema: str = SCHEMA
    tables: tuple[str, ...] = TABLES

    def apply(self, connection: sqlite3.Connection, events: Sequence[Stored]) -> None:
        """Take in events, within the caller's transaction; what says nothing is passed over."""
        writer = TableWriter(connection)
        for stored in events:
            facts = read_facts(stored)
            if facts is not None:
                writer.put(facts, stored.received_us)


GRAPH: Final = GraphModel()


def reduce(journal: Journal) -> int:
    """Take in what the journal has and the graph has not; return the number reached."""
    return catch_up(journal, GRAPH)
