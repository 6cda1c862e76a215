"""How each node, version and run is: by itself, by what it inherits, and by both."""

from __future__ import annotations

from lineage_bridge.answers.status.own import KEYS, Facts, own_faults
from lineage_bridge.answers.status.statuses import NodeStatus, Statuses

__all__ = ["KEYS", "Facts", "NodeStatus", "Statuses", "own_faults"]
