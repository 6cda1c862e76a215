"""How many events arrived from each origin: a derived model, so that no scrape counts them all."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final, NamedTuple

from lineage_bridge.journal import Journal, Stored, catch_up

_SCHEMA = """
CREATE TABLE IF NOT EXISTS exporter_arrivals (
    origin TEXT PRIMARY KEY,
    events INTEGER NOT NULL,
    event_us INTEGER NOT NULL,   -- the latest event time
    arrival_us INTEGER NOT NULL  -- the latest arrival
) WITHOUT ROWID;
"""

_ADD = """
INSERT INTO exporter_arrivals VALUES (?, 1, ?, ?)
ON CONFLICT (origin) DO UPDATE SET
    events = events + 1,
    event_us = max(event_us, excluded.event_us),
    arrival_us = max(arrival_us, excluded.arrival_us)
"""


class Arrivals(NamedTuple):
    """The events that arrived from one origin; times in microseconds since the epoch."""

    origin: str
    events: int
    event_us: int
    arrival_us: int


class ArrivalsModel:
    """The journal's model `arrivals`."""

    name: str = "arrivals"
    version: int = 1
    schema: str = _SCHEMA
    tables: tuple[str, ...] = ("exporter_arrivals",)

    def apply(self, connection: sqlite3.Connection, events: Sequence[Stored]) -> None:
        """Count events, within the caller's transaction."""
        connection.executemany(_ADD, [(e.origin, e.time_us, e.received_us) for e in events])


ARRIVALS: Final = ArrivalsModel()


def count_arrivals(journal: Journal) -> list[Arrivals]:
    """Count the events that have come since the last call; return all counts, by origin."""
    catch_up(journal, ARRIVALS)
    with journal.reading() as connection:
        rows = connection.execute("SELECT * FROM exporter_arrivals ORDER BY origin").fetchall()
    return [Arrivals(*row) for row in rows]
