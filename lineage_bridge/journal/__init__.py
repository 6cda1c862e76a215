"""The journal: a durable, arrival-ordered list of OpenLineage events, and the only state.

`store` holds the events, `models` keeps what is derived from them, `writer` groups commits of many
threads, `forward` brings what is ours to Marquez.
"""

from __future__ import annotations

from lineage_bridge.journal.models import Model, catch_up, rebuild
from lineage_bridge.journal.store import Journal, Stored, Transaction
from lineage_bridge.journal.writer import Writer

__all__ = ["Journal", "Model", "Stored", "Transaction", "Writer", "catch_up", "rebuild"]
