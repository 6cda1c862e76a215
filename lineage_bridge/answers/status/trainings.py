"""What is wrong with trainings: their numbers against usual ones, and the age of what they read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from lineage_bridge.answers.freshness import DatasetFreshness
from lineage_bridge.assess.status.faults import Fault
from lineage_bridge.assess.status.trainings import (
    Metrics,
    Read,
    fault_of_metrics,
    fault_of_old_data,
)
from lineage_bridge.facets.freshness import FreshnessFacet
from lineage_bridge.facets.training import TrainingFacet
from lineage_bridge.graph.deployments import is_model
from lineage_bridge.graph.model import Binding, End, Graph, Node, Run


class Trained(NamedTuple):
    """A model version, and the run that trained it.

    Attributes:
        end: the version.
        run: the run.
        metrics: what it reported.
        read: the dataset versions that it read.
    """

    end: End
    run: Run
    metrics: Metrics
    read: tuple[End, ...]


def faults_of_trainings(
    graph: Graph, freshness: Sequence[DatasetFreshness]
) -> Iterator[tuple[End, Fault]]:
    """Yield what is wrong with model versions and with the runs that trained them."""
    trained = {
        node.id: list(_trained(graph, node))
        for node in graph.nodes.values()
        if node.kind == "dataset" and is_model(node)
    }
    yield from _of_metrics(trained)
    limits = {
        one.node.id: one.finding.policy.warn_seconds
        for one in freshness
        if one.expectation.source != "default"
    }
    for versions in trained.values():
        for one in versions:
            yield from _of_data(graph, one, limits)


def _trained(graph: Graph, model: Node) -> Iterator[Trained]:
    """Yield the versions of a model of which the training is known, oldest first."""
    for version in model.versions:
        run = graph.writer_of(model.id, version.version)
        facet = None if run is None else run.facets.of(TrainingFacet)
        if run is not None and facet is not None:
            read = tuple(b.end for b in run.inputs if b.version is not None)
            yield Trained(End(model.id, version.version), run, facet.metrics or {}, read)


def _of_metrics(trained: Mapping[str, Sequence[Trained]]) -> Iterator[tuple[End, Fault]]:
    by_data: dict[End, list[Trained]] = defaultdict(list)
    for versions in trained.values():
        for one in versions:
            for end in one.read:
                by_data[end].append(one)
    for model, versions in trained.items():
        good: list[Metrics] = []
        for one in versions:
            others = [
                other.metrics
                for end in one.read
                for other in by_data[end]
                if other.end.node != model
            ]
            fault = fault_of_metrics(one.metrics, good, others, one.run.ended)
            if fault is None:
                good.append(one.metrics)
            else:
                yield one.end, fault


def _of_data(
    graph: Graph, one: Trained, limits: Mapping[str, float]
) -> Iterator[tuple[End, Fault]]:
    began = one.run.started or one.run.first
    for binding in one.run.inputs:
        limit = limits.get(binding.dataset)
        read = None if limit is None else _read(graph, binding, began, limit)
        fault = None if read is None else fault_of_old_data(read, began)
        if fault is not None:
            yield one.run.end, fault


def _read(graph: Graph, binding: Binding, began: datetime, limit: float) -> Read | None:
    node = graph.nodes[binding.dataset]
    version = None if binding.version is None else node.version_named(binding.version)
    if version is None or version.time is None:
        return None
    facet = version.facets.of(FreshnessFacet)
    built = (None if facet is None else facet.build_time) or version.time
    data = (None if facet is None else facet.data_time) or built
    newer = sum(1 for v in node.versions if v.time is not None and version.time < v.time <= began)
    name = f"{node.name}@{version.version}"
    return Read(name, data, built, newer, limit)
