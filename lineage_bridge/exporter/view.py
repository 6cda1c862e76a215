"""What the readings are taken from: the graph, the instant, and the names that labels show."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from lineage_bridge.graph.deployments import MODELS
from lineage_bridge.graph.model import Binding, Graph, Node

MODEL_TYPE = "MODEL"  # in the standard facet datasetType


@dataclass(frozen=True)
class View:
    """The graph as it is shown.

    Attributes:
        graph: all facts that count.
        environment: the label of facts that name no environment.
    """

    graph: Graph
    environment: str

    @cached_property
    def _names(self) -> dict[str, str]:
        nodes = self.graph.nodes.values()
        uses = Counter((node.kind, node.name) for node in nodes)
        return {
            node.id: node.name
            if uses[node.kind, node.name] == 1
            else f"{node.namespace}:{node.name}"
            for node in nodes
        }

    def name(self, node_id: str) -> str:
        """A node's name, with its namespace before it where the name alone is not unique."""
        return self._names[node_id]

    @cached_property
    def models(self) -> frozenset[str]:
        """The ids of the datasets that are models."""
        return frozenset(node.id for node in self.graph.nodes.values() if _is_model(node))


@dataclass(frozen=True, slots=True)
class Judged:
    """A view at an instant: what ages and statuses are computed from."""

    view: View
    at: datetime


def version_labels(view: View, binding: Binding | None) -> tuple[str, str]:
    """Name and version of a bound dataset as label values, empty where nothing is known."""
    if binding is None or binding.dataset not in view.graph.nodes:
        return "", ""
    return view.name(binding.dataset), binding.version or ""


def _is_model(node: Node) -> bool:
    if node.kind != "dataset":
        return False
    said = node.facets.get("datasetType", {}).get("datasetType")
    return node.name.startswith(MODELS) or said == MODEL_TYPE
