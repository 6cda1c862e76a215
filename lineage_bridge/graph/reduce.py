"""The fold: the journal's events into the graph's tables, a batch at a time.

Invariant: the tables are a function of the set of events. Any order of arrival, duplicates, and any
split into increments lead to the same graph, byte for byte; a test says so. Nothing here looks at
what is in the tables already to decide what an event means: that is `load`'s work.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec

from lineage_bridge import facets
from lineage_bridge.graph.facts import read_facts
from lineage_bridge.graph.tables import SCHEMA, TABLES, Done, TableWriter
from lineage_bridge.journal import Journal, Stored, catch_up

_encode_done = msgspec.json.Encoder().encode
_decode_done = msgspec.json.Decoder(Done).decode


class GraphModel:
    """The journal's model `graph`."""

    name: str = "graph"
    # What the definitions of our facets let in is in the tables: with others, they are filled anew.
    version: int = 4 + (facets.fingerprint() << 8)
    schema: str = SCHEMA
    tables: tuple[str, ...] = TABLES

    def apply(self, connection: sqlite3.Connection, events: Sequence[Stored]) -> None:
        """Take in events, within the caller's transaction; what says nothing is passed over."""
        writer = TableWriter(connection)
        for stored in events:
            facts = read_facts(stored)
            if facts is not None:
                writer.put(facts, stored.received_us)

    def apply_in_parts(
        self, connection: sqlite3.Connection, event: Stored, done: bytes | None
    ) -> Iterator[Callable[[], bytes]]:
        """Take in one large event piece by piece (see `journal.models.DivisibleModel`)."""
        facts = read_facts(event)
        if facts is None:
            return
        held = Done() if done is None else _decode_done(done)
        for _ in TableWriter(connection).put_in_parts(facts, event.received_us, held):
            yield lambda: _encode_done(held)


GRAPH: Final = GraphModel()


def reduce(journal: Journal) -> int:
    """Take in what the journal has and the graph has not; return the number reached."""
    return catch_up(journal, GRAPH)
