"""Find the nodes that somebody means by what they typed.

`finder` finds them: by their `names`, by those that jobs have under their `parents`, or by
`run_ids`, of which a part is enough.
"""

from __future__ import annotations

from lineage_bridge.graph.find.finder import find, find_datasets, meant_by
from lineage_bridge.graph.find.names import short_names
from lineage_bridge.graph.find.parents import Parents, read_parents
from lineage_bridge.graph.find.run_ids import RunParts

__all__ = [
    "Parents",
    "RunParts",
    "find",
    "find_datasets",
    "meant_by",
    "read_parents",
    "short_names",
]
