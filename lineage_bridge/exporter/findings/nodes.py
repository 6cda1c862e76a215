"""Readings of nodes that are not ok, whoever told of them."""

from __future__ import annotations

from collections.abc import Iterator

from lineage_bridge.assess.status.faults import rank
from lineage_bridge.exporter import platform_metrics as ml
from lineage_bridge.exporter.metric import Reading
from lineage_bridge.exporter.view import View


def node_readings(view: View) -> Iterator[Reading]:
    """Read how bad each node is that is not ok; what is well has no series."""
    for one in view.snapshot.statuses.amiss():
        if one.end.mark is None:
            node = view.graph.nodes[one.end.node]
            labels = node.namespace, node.name, node.kind
            yield ml.NODE_STATUS.read(*labels, "own", value=rank(one.own))
            yield ml.NODE_STATUS.read(*labels, "effective", value=rank(one.effective))
