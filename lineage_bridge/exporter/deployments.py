"""Deployments: health judged at the instant of the scrape, and totals of their whole history.

The health is that of `graph.health`; what its published shape leaves out (ratios, instances, signs
of life, totals by model) is read from the facet that it was judged from.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from lineage_bridge import facets
from lineage_bridge.assess.reasons import DEGRADED, HEALTHY, IDLE, UNHEALTHY, UNKNOWN
from lineage_bridge.assess.serving_facts import RATIOS
from lineage_bridge.errors import NamingError
from lineage_bridge.exporter import platform_metrics as ml
from lineage_bridge.exporter.metric import Reading, number
from lineage_bridge.exporter.view import Judged, View
from lineage_bridge.graph.deployments import Deployment, deployments
from lineage_bridge.graph.health import health_json
from lineage_bridge.naming import model_dataset
from lineage_bridge.times import parse_time

STATUSES = (HEALTHY, IDLE, UNKNOWN, DEGRADED, UNHEALTHY)

_TOTALS = (
    ("requests", ml.DEPLOYMENT_REQUESTS),
    ("successes", ml.DEPLOYMENT_SUCCESSES),
    ("failures", ml.DEPLOYMENT_FAILURES),
    ("rejected", ml.DEPLOYMENT_REJECTIONS),
    ("timeouts", ml.DEPLOYMENT_TIMEOUTS),
)
_LATENCIES = (("50", "latency_p50_ms"), ("95", "latency_p95_ms"), ("99", "latency_p99_ms"))
_MS = 1e-3


def health_readings(judged: Judged) -> Iterator[Reading]:
    """Status, reasons, latencies and what is served, of every deployment."""
    for found in health_json(judged.view.graph, judged.at)["deployments"]:
        labels = (found["service"], found["environment"], found["deployment"])
        yield from _status(found, labels)
        yield from _reasons(found, labels, judged.at)
        yield from _served(found, labels)
        for endpoint in found["endpoints"]:
            yield from _latencies(endpoint, labels)


def serving_readings(judged: Judged) -> Iterator[Reading]:
    """Instances, silence and ratios, of every deployment that windows tell of."""
    for deployment, facts in _with_windows(judged.view):
        yield from _life(facts, _labels(deployment), judged.at)
        for endpoint in _objects(facts, "endpoints"):
            yield from _ratios(endpoint, _labels(deployment))


def total_readings(view: View) -> Iterator[Reading]:
    """The counters: totals of each deployment, and predictions of each model."""
    predictions: dict[tuple[str, str], float] = defaultdict(float)
    for deployment, facts in _with_windows(view):
        totals = facts.get("totals")
        for name, metric in _TOTALS:
            value = number(totals, name)
            if value is not None:
                yield metric.read(*_labels(deployment), value=value)
        names = _model_names(view, deployment)
        for part in _objects(facts, "totalsByVersion"):
            model, value = _model_name(part, names), number(part, "predictions")
            if model is not None and value is not None:
                predictions[model, deployment.slot.environment] += value
    for labels, value in predictions.items():
        yield ml.PREDICTIONS.read(*labels, value=value)


def _with_windows(view: View) -> Iterator[tuple[Deployment, Mapping[str, Any]]]:
    for deployment in deployments(view.graph):
        facts = view.graph.facet(deployment.predictions, facets.SERVING_HEALTH)
        if facts is not None:
            yield deployment, facts


def _labels(deployment: Deployment) -> tuple[str, str, str]:
    slot = deployment.slot
    return slot.service, slot.environment, slot.deployment


def _status(found: Mapping[str, Any], labels: tuple[str, ...]) -> Iterator[Reading]:
    for status in STATUSES:
        value = 1 if found["status"] == status else 0
        yield ml.DEPLOYMENT_HEALTH.read(*labels, status, value=value)


def _reasons(found: Mapping[str, Any], labels: tuple[str, ...], at: datetime) -> Iterator[Reading]:
    oldest: dict[tuple[str, ...], float] = {}
    for reason in found["reasons"]:
        key = (reason.get("endpoint", ""), reason["code"], reason["level"])
        oldest[key] = max(_seconds_since(reason["since"], at), oldest.get(key, 0.0))
    for reason_labels, age_seconds in oldest.items():
        yield ml.DEPLOYMENT_REASON_AGE.read(*labels, *reason_labels, value=age_seconds)


def _served(found: Mapping[str, Any], labels: tuple[str, ...]) -> Iterator[Reading]:
    model, dataset = found.get("model"), found.get("dataset", {})
    if model is not None:
        yield ml.DEPLOYMENT_INFO.read(
            *labels,
            model["name"],
            model.get("version", ""),
            dataset.get("name", ""),
            dataset.get("version", ""),
            value=1,
        )


def _latencies(endpoint: Mapping[str, Any], labels: tuple[str, ...]) -> Iterator[Reading]:
    for percentile, key in _LATENCIES:
        milliseconds = number(endpoint, key)
        if milliseconds is not None:
            yield ml.DEPLOYMENT_LATENCY.read(
                *labels, endpoint["endpoint"], percentile, value=milliseconds * _MS
            )


def _life(facts: Mapping[str, Any], labels: tuple[str, ...], at: datetime) -> Iterator[Reading]:
    running = number(facts, "instancesRunning")
    if running is not None:
        yield ml.DEPLOYMENT_INSTANCES.read(*labels, value=running)
    life = facts.get("lastSignOfLife")
    if isinstance(life, str):
        yield ml.DEPLOYMENT_SILENCE.read(*labels, value=_seconds_since(life, at))


def _ratios(endpoint: Mapping[str, Any], labels: tuple[str, ...]) -> Iterator[Reading]:
    """Every sort of bad; the facet leaves out those that are zero."""
    if not number(endpoint, "requests"):
        return
    found = {ratio.get("code"): number(ratio, "value") for ratio in _objects(endpoint, "ratios")}
    for code, _, _ in RATIOS:
        value = found.get(code) or 0.0
        yield ml.DEPLOYMENT_BAD_RATIO.read(*labels, endpoint["endpoint"], code, value=value)


def _model_names(view: View, deployment: Deployment) -> dict[str, str]:
    """What the service calls its models -> the label that the graph's models have."""
    return {
        activation.runs[0].facets[facets.DEPLOYMENT]["model"]: view.name(activation.model.dataset)
        for activation in deployment.activations
        if activation.model is not None
    }


def _model_name(part: Mapping[str, Any], names: Mapping[str, str]) -> str | None:
    model = part.get("model")
    if not isinstance(model, str):
        return None
    try:
        return names.get(model) or model_dataset(model)
    except NamingError:
        return None


def _seconds_since(time: str, at: datetime) -> float:
    return max(0.0, (at - parse_time(time)[0]).total_seconds())


def _objects(facts: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    entries = facts.get(name)
    return [e for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []
