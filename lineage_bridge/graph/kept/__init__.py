"""One home's graph in memory: loaded once, then kept up to date.

`graph` decides whether to load the graph or to update it. `marks` tells which events are new,
`rows` and `runs` read what they touch, `steps` works out what changes, `drafts` makes the nodes.
`places` and `index` hold what that takes beside the graph.
"""

from __future__ import annotations

from lineage_bridge.graph.kept.graph import KeptGraph

__all__ = ["KeptGraph"]
