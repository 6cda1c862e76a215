"""The source of all readings: a snapshot, and the names that labels show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from lineage_bridge import naming
from lineage_bridge.answers import Snapshot
from lineage_bridge.graph.deployments import Deployment, is_model
from lineage_bridge.graph.model import Binding, Graph, Node


@dataclass(frozen=True)
class View:
    """A snapshot as the metrics show it.

    Attributes:
        snapshot: the graph at an instant, and its judgements.
        environment: the label of facts that name no environment.
        namespace: of the home; its names are shown as they are, whatever others call theirs.
    """

    snapshot: Snapshot
    environment: str
    namespace: str

    @property
    def graph(self) -> Graph:
        """The graph of the snapshot."""
        return self.snapshot.graph

    @cached_property
    def _names(self) -> dict[str, str]:
        nodes = self.graph.nodes.values()
        uses = Counter((node.kind, node.name) for node in nodes)
        return {
            node.id: node.name
            if uses[node.kind, node.name] == 1 or node.namespace == self.namespace
            else f"{node.namespace}:{node.name}"
            for node in nodes
        }

    def name(self, node_id: str) -> str:
        """Return a node's name, after its namespace where the name alone is not unique."""
        return self._names[node_id]

    def slot_labels(self, deployment: Deployment) -> tuple[str, str, str]:
        """Return service, environment and deployment, with a namespace as for `name`."""
        slot, namespace = deployment.slot, deployment.namespace
        is_plain = self._slots[slot] == 1 or namespace == self.namespace
        name = slot.deployment if is_plain else f"{namespace}:{slot.deployment}"
        return slot.service, slot.environment, name

    @cached_property
    def _slots(self) -> Counter[naming.Slot]:
        return Counter(one.slot for one in self.snapshot.deployments)

    @cached_property
    def models(self) -> frozenset[str]:
        """The ids of the datasets that are models."""
        return frozenset(node.id for node in self.datasets() if is_model(node))

    def datasets(self) -> Iterator[Node]:
        """Yield the datasets, models among them."""
        return (node for node in self.graph.nodes.values() if node.kind == "dataset")

    def jobs(self) -> Iterator[Node]:
        """Yield the jobs."""
        return (node for node in self.graph.nodes.values() if node.kind == "job")

    def version_labels(self, binding: Binding | None) -> tuple[str, str]:
        """Return name and version of a bound dataset as label values, empty if unknown."""
        if binding is None or binding.dataset not in self.graph.nodes:
            return "", ""
        return self.name(binding.dataset), binding.version or ""
