"""Models: the newest version, the dataset version behind it, and what its training reported."""

from __future__ import annotations

from collections.abc import Iterator

from lineage_bridge import facets
from lineage_bridge.exporter import platform_metrics as ml
from lineage_bridge.exporter.metric import Reading, number
from lineage_bridge.exporter.view import View, version_labels
from lineage_bridge.graph.deployments import trained_on
from lineage_bridge.graph.model import Binding


def model_readings(view: View) -> Iterator[Reading]:
    """Each model that has a version."""
    for node_id in sorted(view.models):
        versions = view.graph.nodes[node_id].versions
        if versions:
            yield from _model(view, Binding(node_id, versions[-1].version, "snapshot"))


def _model(view: View, model: Binding) -> Iterator[Reading]:
    name, version = version_labels(view, model)
    dataset = version_labels(view, trained_on(view.graph, model))
    yield ml.MODEL_INFO.read(name, view.environment, version, *dataset, value=1)
    writer = view.graph.writer_of(model.dataset, model.version)
    training = writer.facets.get(facets.TRAINING) if writer is not None else None
    reported = training.get("metrics") if training is not None else None
    for metric in reported if isinstance(reported, dict) else ():
        value = number(reported, metric)
        if value is not None:
            yield ml.TRAINING_METRIC.read(name, view.environment, metric, value=value)
