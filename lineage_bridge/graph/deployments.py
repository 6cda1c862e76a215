"""Deployments in the graph: starts, activations, the model that serves and what it was trained on.

An activation is the time in which a deployment serves one model version: replicas and restarts of
that version belong to it, v1 -> v5 -> v1 are three.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from urllib.parse import unquote

from lineage_bridge import facets
from lineage_bridge.graph.model import Binding, Graph, Run
from lineage_bridge.naming import Slot, dataset_id

PREDICTIONS = "predictions."
MODELS = "models."

_REQUIRED = ("service", "environment", "deployment", "model", "modelVersion")


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


def deployments(graph: Graph) -> list[Deployment]:
    """Every deployment that an event or a window tells of, sorted by slot."""
    found: dict[str, Deployment] = {}
    for node in graph.nodes.values():
        told = node.runs_with(facets.DEPLOYMENT) if node.runs else ()
        starts = [run for run in told if deployment_facts(run) is not None] if told else ()
        if starts:
            deployment = _deployment(node.namespace, starts)
            found[deployment.predictions] = deployment
    for node in graph.nodes.values():
        if node.id not in found and facets.SERVING_HEALTH in node.facets:
            slot = _slot_of_name(node.name)
            found[node.id] = Deployment(slot, node.namespace, node.id)
    return sorted(found.values(), key=lambda d: (d.slot, d.namespace))


def deployment_facts(run: Run) -> Mapping[str, str] | None:
    """The facts of a start; None where the run has none, or a stranger wrote an invalid facet."""
    facts = run.facets.get(facets.DEPLOYMENT)
    if not isinstance(facts, dict) or not all(isinstance(facts.get(k), str) for k in _REQUIRED):
        return None
    return facts


def _deployment(namespace: str, runs: Iterable[Run]) -> Deployment:
    ordered = sorted(runs, key=lambda run: (run.started or run.first, run.id))
    facts = deployment_facts(ordered[0]) or {}
    slot = Slot(facts["service"], facts["environment"], facts["deployment"])
    activations = []
    for _, group in groupby(ordered, key=_served):
        same = tuple(group)
        activations.append(Activation(_model_of(same[0]), same[0].started or same[0].first, same))
    predictions = dataset_id(namespace, slot.predictions)
    return Deployment(slot, namespace, predictions, tuple(activations))


def _served(run: Run) -> tuple[str | None, str | None]:
    model = _model_of(run)
    return (model.dataset, model.version) if model is not None else (None, None)


def _model_of(run: Run) -> Binding | None:
    return next((b for b in run.inputs if b.version is not None), None)


def _slot_of_name(name: str) -> Slot:
    parts = [unquote(part) for part in name.removeprefix(PREDICTIONS).split(".")]
    if len(parts) == 3:
        return Slot(*parts)
    return Slot("", "", name)  # a name that was cut: its parts are lost


def trained_on(graph: Graph, model: Binding) -> Binding | None:
    """The dataset version that a served model was trained on, through publications, if known."""
    binding: Binding | None = model
    seen: set[str] = set()
    while binding is not None and _is_model(graph, binding):
        if binding.dataset in seen:
            return None
        seen.add(binding.dataset)
        binding = _read_by_writer(graph, binding)
    return binding


def _is_model(graph: Graph, binding: Binding) -> bool:
    node = graph.nodes.get(binding.dataset)
    return node is not None and node.name.startswith(MODELS)


def _read_by_writer(graph: Graph, binding: Binding) -> Binding | None:
    run = graph.writer_of(binding.dataset, binding.version)
    return next(iter(run.inputs), None) if run is not None else None
