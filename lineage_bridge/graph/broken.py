"""Broken facets: those under keys of ours that break their definition, and why.

Only the facet is left out of the graph, not its event. `doctor` lists them, so that whoever sends
them can mend them.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import NamedTuple

from lineage_bridge.graph.tables import NEVER
from lineage_bridge.times import from_micros

# Equal facets are shown with their newest event: with max() SQLite takes the run from its row.
_LIKE_ONES = f"""
SELECT b.key, b.node, b.problem, b.producer, e.run, count(*), max(e.time_us)
FROM graph_broken b JOIN graph_events e USING (identity)
WHERE e.dropped_us = {NEVER}
GROUP BY b.key, b.node, b.problem, b.producer
ORDER BY b.key, b.node, b.problem, b.producer
"""


class BrokenFacet(NamedTuple):
    """Broken facets with the same key, node, problem and producer.

    Attributes:
        key: such as `lineageBridge_freshness`.
        node: the id of the job or dataset that has the facet; empty for a run facet.
        problem: where in the facet, what was expected and what was found.
        producer: as the events name it.
        run: the run id of the newest event, None if it has none.
        events: how many events have it.
        newest: the time of the newest event.
    """

    key: str
    node: str
    problem: str
    producer: str
    run: str | None
    events: int
    newest: datetime


def list_broken(connection: sqlite3.Connection) -> list[BrokenFacet]:
    """List all broken facets, sorted; the graph's model must have caught up."""
    rows = connection.execute(_LIKE_ONES)
    return [BrokenFacet._make((*row[:-1], from_micros(row[-1]))) for row in rows]
