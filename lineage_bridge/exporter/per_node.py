"""Values computed from one node, and cached until the node changes.

A graph that was brought up to date has the very same objects for the nodes that did not change, so
a scrape computes values again only for the nodes that the last events touched.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from lineage_bridge.graph.model import Graph, Node

Value = TypeVar("Value")


class PerNode(Generic[Value]):
    """Cached values by node.

    Args:
        compute: a function of the node, and of the texts that `of` is given with it.
    """

    def __init__(self, compute: Callable[..., Value]) -> None:
        self._compute = compute
        self._kept: dict[str, tuple[Node, object, Value]] = {}

    def of(self, node: Node, *more: str) -> Value:
        """Return the value of a node, computed only if the node or the texts are new."""
        kept = self._kept.get(node.id)
        if kept is None or kept[0] is not node or kept[1] != more:
            kept = self._kept[node.id] = node, more, self._compute(node, *more)
        return kept[2]

    def forget_all_but(self, graph: Graph) -> None:
        """Drop the values of nodes that the graph no longer has."""
        if len(self._kept) > len(graph.nodes):
            self._kept = {id_: kept for id_, kept in self._kept.items() if id_ in graph.nodes}
