"""Health of every deployment at an instant: the newest finding, judged again for silence and stop.

The shape is published in `docs/json.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from lineage_bridge import facets
from lineage_bridge.assess.liveness import Health, Start, health_at
from lineage_bridge.assess.policy import ServingPolicy
from lineage_bridge.graph.deployments import (
    Activation,
    Deployment,
    deployment_facts,
    deployments,
    trained_on,
)
from lineage_bridge.graph.model import Binding, Graph
from lineage_bridge.naming import Slot
from lineage_bridge.times import format_time

TOTALS = ("requests", "successes", "failures", "rejected", "timeouts", "predictions", "windows")


PolicyOf = Callable[[Slot], ServingPolicy | None]


def health_json(graph: Graph, at: datetime, *, policy_of: PolicyOf | None = None) -> dict[str, Any]:
    """`{"at", "deployments": [...]}`, sorted by service, environment and deployment.

    `graph` must be that of the same instant: facts with an event time after `at` are not in it.
    What time alone changes (stopped, silent, no requests yet) is judged by the policy that
    `policy_of` gives for a deployment; without one, by that which the facet carries.
    """
    own = policy_of or _that_of_the_facet
    return {
        "at": format_time(at),
        "deployments": [_deployment(graph, d, at, own(d.slot)) for d in deployments(graph)],
    }


def _that_of_the_facet(_: Slot) -> None:
    return None


def _judge(
    graph: Graph, deployment: Deployment, at: datetime, policy: ServingPolicy | None
) -> tuple[Health, Mapping[str, Any]]:
    """The judgement, and the facet that it was made from; empty where there is none."""
    facts = graph.facet(deployment.predictions, facets.SERVING_HEALTH)
    starts = [
        Start(run.started or run.first, own["model"], own["modelVersion"])
        for activation in deployment.activations
        for run in activation.runs
        if (own := deployment_facts(run)) is not None
    ]
    try:
        return health_at(facts, at, starts=starts, policy=policy), facts or {}
    except (AttributeError, KeyError, TypeError, ValueError):
        # Anybody may post a facet under our name; one that breaks its schema says nothing.
        return health_at(None, at, starts=starts, policy=policy), {}


def _deployment(
    graph: Graph, deployment: Deployment, at: datetime, policy: ServingPolicy | None
) -> dict[str, Any]:
    health, facts = _judge(graph, deployment, at, policy)
    shape: dict[str, Any] = {
        "service": deployment.slot.service,
        "environment": deployment.slot.environment,
        "deployment": deployment.slot.deployment,
        "status": health.status,
        "reasons": [_reason(reason) for reason in health.reasons],
    }
    shape.update(_served(graph, deployment.current))
    shape["lookback_seconds"] = facts.get("lookbackSeconds", 0.0)
    shape["windows"] = facts.get("windows", 0)
    totals = facts.get("totals", {})
    shape["totals"] = {name: totals.get(name, 0) for name in TOTALS}
    shape["endpoints"] = [_endpoint(endpoint) for endpoint in health.endpoints]
    if facts.get("notes"):
        shape["notes"] = facts["notes"]
    return shape


def _served(graph: Graph, activation: Activation | None) -> dict[str, Any]:
    if activation is None:
        return {}
    shape: dict[str, Any] = {
        "activation": {
            "started": format_time(activation.started),
            "runs": [run.id for run in activation.runs],
        }
    }
    if activation.model is not None:
        shape["model"] = _named(graph, activation.model)
        dataset = trained_on(graph, activation.model)
        if dataset is not None:
            shape["dataset"] = _named(graph, dataset)
    return shape


def _named(graph: Graph, binding: Binding) -> dict[str, Any]:
    shape = {"name": graph.nodes[binding.dataset].name}
    return {**shape, "version": binding.version} if binding.version is not None else shape


def _reason(reason: Mapping[str, Any]) -> dict[str, Any]:
    names = ("code", "level", "endpoint", "value", "threshold", "lower", "since")
    return {name: reason[name] for name in names if reason.get(name) is not None}


def _endpoint(endpoint: Mapping[str, Any]) -> dict[str, Any]:
    shape = {
        "endpoint": endpoint["endpoint"],
        "status": endpoint["status"],
        "reasons": [_reason(reason) for reason in endpoint["reasons"]],
        "windows": endpoint.get("windows", 0),
        "requests": endpoint.get("requests", 0),
    }
    for name, key in (
        ("latency_p50_ms", "latencyP50Ms"),
        ("latency_p95_ms", "latencyP95Ms"),
        ("latency_p99_ms", "latencyP99Ms"),
        ("newest_window_end", "newestWindowEnd"),
    ):
        if key in endpoint:
            shape[name] = endpoint[key]
    return shape
