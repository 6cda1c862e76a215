"""The journal: a durable, arrival-ordered list of OpenLineage events, and the only state.

`store` keeps the events, `writer` groups the commits of many threads. A second file (`derived`)
keeps the tables that are derived from the events: `models` defines what a model is, `fold` fills
its tables, `follower` keeps them up to date.
"""

from __future__ import annotations

from lineage_bridge.journal.fold import catch_up
from lineage_bridge.journal.home_tables import Stored
from lineage_bridge.journal.models import Model
from lineage_bridge.journal.store import Journal, Transaction
from lineage_bridge.journal.writer import Writer

__all__ = ["Journal", "Model", "Stored", "Transaction", "Writer", "catch_up"]
