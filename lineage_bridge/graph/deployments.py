"""Deployments in the graph: starts, activations, the model that serves and what it was trained on.

An activation is the time in which a deployment serves one model version: replicas and restarts of
that version belong to it, v1 -> v5 -> v1 are three.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from lineage_bridge import naming
from lineage_bridge.errors import NamingError
from lineage_bridge.facets.deployment import DeploymentFacet
from lineage_bridge.facets.serving_health import ServingHealthFacet
from lineage_bridge.graph.model import Binding, Graph, Node, Run
from lineage_bridge.naming import Slot, dataset_id, slot_of, slot_of_log


@dataclass(frozen=True, slots=True)
class Activation:
    """One model version in a deployment, from its first start on."""

    model: Binding | None
    started: datetime
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment with its activations, oldest first; none where only windows tell of it."""

    slot: Slot
    namespace: str
    predictions: str
    activations: tuple[Activation, ...] = ()

    @property
    def current(self) -> Activation | None:
        """The newest activation."""
        return self.activations[-1] if self.activations else None

    @property
    def log(self) -> str | None:
        """The node id of its inference log; None of one whose own words are not known."""
        try:
            return dataset_id(self.namespace, self.slot.inference_log)
        except NamingError:  # only its predictions are known, by a name that says nothing of it
            return None

    def latest_starts(self) -> Iterator[Run]:
        """Yield the starts, newest first."""
        return (run for one in reversed(self.activations) for run in reversed(one.runs))


def deployments(graph: Graph) -> list[Deployment]:
    """Return every deployment that an event or a window tells of, sorted by slot.

    Of several jobs with starts of one slot, the one that is called by it counts alone.
    """
    found: dict[str, Deployment] = {}
    for node in graph.nodes.values():
        for told in _told_by(node) if node.runs else ():
            one = _as_named(graph, told)
            if one.predictions not in found or node.name == one.slot.job:
                found[one.predictions] = one
    for node in graph.nodes.values():
        if node.kind == "dataset" and ServingHealthFacet.key in node.facets:
            if any(dataset_id(*name) in found for name in node.names):
                continue
            found[node.id] = _only_told(node)
    return sorted(found.values(), key=lambda d: (d.slot, d.namespace))


def with_logged(graph: Graph, found: Sequence[Deployment]) -> list[Deployment]:
    """Return deployments and those of which nothing but an inference log is known, by slot.

    Args:
        graph: of some instant.
        found: those that events and windows of the same instant tell of.
    """
    known = {(one.namespace, one.slot) for one in found}
    every = list(found)
    for node in graph.nodes.values():
        slot = slot_of_log(node.name) if node.kind == "dataset" else None
        if slot is not None and (node.namespace, slot) not in known:
            predictions = dataset_id(node.namespace, slot.predictions)
            every.append(Deployment(slot, node.namespace, predictions))
    return sorted(every, key=lambda one: (one.slot, one.namespace))


def _only_told(predictions: Node) -> Deployment:
    for name in predictions.names:
        slot = slot_of(name.name)
        if slot is not None:
            return Deployment(slot, name.namespace, predictions.id)
    return Deployment(Slot("", "", predictions.name), predictions.namespace, predictions.id)


def _as_named(graph: Graph, one: Deployment) -> Deployment:
    """Take the predictions by their former name where only that is known, as it was in the past."""
    former = dataset_id(one.namespace, one.slot.former_predictions)
    if one.predictions in graph.nodes or former not in graph.nodes:
        return one
    return replace(one, predictions=former)


def _told_by(job: Node) -> Sequence[Deployment]:
    """Return the deployments that the runs of a job start; nearly always it is one or none."""
    starts = job.runs_with(DeploymentFacet.key)
    return job.remembered("deployments", lambda: _grouped(job.namespace, starts)) if starts else ()


def _grouped(namespace: str, starts: Iterable[Run]) -> tuple[Deployment, ...]:
    by_slot: dict[Slot, list[Run]] = defaultdict(list)
    for run in starts:
        by_slot[_slot_of(run)].append(run)
    return tuple(_deployment(slot, namespace, runs) for slot, runs in by_slot.items())


def _deployment(slot: Slot, namespace: str, runs: Iterable[Run]) -> Deployment:
    ordered = sorted(runs, key=lambda run: (run.started or run.first, run.id))
    activations = []
    for _, group in groupby(ordered, key=_served):
        same = tuple(group)
        activations.append(Activation(_model_of(same[0]), same[0].started or same[0].first, same))
    predictions = dataset_id(namespace, slot.predictions)
    return Deployment(slot, namespace, predictions, tuple(activations))


def _slot_of(start: Run) -> Slot:
    facet = start.facets.of(DeploymentFacet)
    assert facet is not None, "a start is a run that has this facet"
    return Slot(facet.service, facet.environment, facet.deployment)


def _served(run: Run) -> tuple[str | None, str | None]:
    model = _model_of(run)
    return (model.dataset, model.version) if model is not None else (None, None)


def _model_of(run: Run) -> Binding | None:
    return next((b for b in run.inputs if b.version is not None), None)


def is_model(node: Node) -> bool:
    """Return whether a dataset is a model, by its name or its standard facet."""
    return node.remembered(
        "is model", lambda: naming.is_model(node.name) or node.facets.dataset_type == "MODEL"
    )


def trained_on(graph: Graph, model: Binding | None) -> Binding | None:
    """The dataset version that a served model was trained on, through publications, if known."""
    binding = model
    seen: set[str] = set()
    while binding is not None and _is_model(graph, binding):
        if binding.dataset in seen:
            return None
        seen.add(binding.dataset)
        binding = _read_by_writer(graph, binding)
    return binding


def _is_model(graph: Graph, binding: Binding) -> bool:
    node = graph.nodes.get(binding.dataset)
    return node is not None and naming.is_model(node.name)


def _read_by_writer(graph: Graph, binding: Binding) -> Binding | None:
    run = graph.writer_of(binding.dataset, binding.version)
    return next(iter(run.inputs), None) if run is not None else None
