"""What a log is held against: the dataset version that the model was trained on that answered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from lineage_bridge.errors import NamingError
from lineage_bridge.facets.deployment import DeploymentFacet
from lineage_bridge.graph.deployments import Deployment, deployments, trained_on
from lineage_bridge.graph.model import Binding, Graph
from lineage_bridge.naming import Slot, dataset_id, model_dataset
from lineage_bridge.observe.logs.hours import Answered


class Trained(NamedTuple):
    """A dataset version that a model was trained on.

    Attributes:
        node: the dataset's node id.
    """

    node: str
    namespace: str
    name: str
    version: str


class References:
    """What the models of a graph were trained on.

    Args:
        graph: of all events.
        namespace: of our models.
    """

    def __init__(self, graph: Graph, namespace: str) -> None:
        self._graph = graph
        self._namespace = namespace
        self._deployments: dict[Slot, list[Deployment]] = defaultdict(list)
        for deployment in deployments(graph):
            self._deployments[deployment.slot].append(deployment)

    def of(self, answered: Answered) -> Trained | None:
        """Return what a model version was trained on; None where the graph does not know it.

        Args:
            answered: the deployment, and the model as its log names it.
        """
        for model in self._models(answered):
            read = trained_on(self._graph, model)
            if read is not None and read.version is not None and read != model:
                node = self._graph.nodes[read.dataset]
                return Trained(node.id, node.namespace, node.name, read.version)
        return None

    def _models(self, answered: Answered) -> Iterator[Binding]:
        """Yield the models that may be meant: what the deployment started, then by the name."""
        served = (answered.model, answered.version)
        for deployment in self._deployments.get(answered.slot, ()):
            for activation in deployment.activations:
                facet = activation.runs[0].facets.of(DeploymentFacet)
                said = None if facet is None else (facet.model, facet.model_version)
                if said == served and activation.model is not None:
                    yield activation.model
        try:
            name = model_dataset(answered.model)
        except NamingError:
            return
        node = self._graph.called(dataset_id(self._namespace, name))
        if node is not None and node.version_named(answered.version) is not None:
            yield Binding(node.id, answered.version, "snapshot")
