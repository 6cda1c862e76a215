"""The journal: a durable, arrival-ordered list of OpenLineage events, and the only state.

`store` holds the events, `writer` groups commits of many threads. What is derived from them stands
in a second file (`derived`): `models` says what a model is, `fold` fills it, `follower` keeps it up
to date. `forward` brings what is ours to Marquez.
"""

from __future__ import annotations

from lineage_bridge.journal.fold import catch_up
from lineage_bridge.journal.models import Model
from lineage_bridge.journal.rebuild import rebuild
from lineage_bridge.journal.store import Journal, Stored, Transaction
from lineage_bridge.journal.writer import Writer

__all__ = ["Journal", "Model", "Stored", "Transaction", "Writer", "catch_up", "rebuild"]
