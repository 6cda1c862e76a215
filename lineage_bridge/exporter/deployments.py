"""Readings of deployments: health at the instant of the scrape, totals of their whole history."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

from lineage_bridge.answers import DeploymentHealth
from lineage_bridge.answers.health import serving_health
from lineage_bridge.assess.liveness import is_retired
from lineage_bridge.assess.reasons import DEGRADED, HEALTHY, IDLE, UNHEALTHY, UNKNOWN
from lineage_bridge.assess.serving_facet import RATIOS
from lineage_bridge.errors import NamingError
from lineage_bridge.exporter import platform_metrics as ml
from lineage_bridge.exporter.metric import Reading
from lineage_bridge.exporter.view import View
from lineage_bridge.facets.deployment import DeploymentFacet
from lineage_bridge.facets.serving_health import Endpoint, Reason, ServingHealthFacet
from lineage_bridge.graph.deployments import Deployment
from lineage_bridge.naming import model_dataset

STATUSES = (HEALTHY, IDLE, UNKNOWN, DEGRADED, UNHEALTHY)

_TOTALS = (
    ("requests", ml.DEPLOYMENT_REQUESTS),
    ("successes", ml.DEPLOYMENT_SUCCESSES),
    ("failures", ml.DEPLOYMENT_FAILURES),
    ("rejected", ml.DEPLOYMENT_REJECTIONS),
    ("timeouts", ml.DEPLOYMENT_TIMEOUTS),
)
_MS = 1e-3


def health_readings(view: View) -> Iterator[Reading]:
    """Read status, reasons, latencies and served model of every deployment."""
    for found in view.snapshot.health:
        labels = view.slot_labels(found.deployment)
        for status in STATUSES:
            value = 1 if found.health.status == status else 0
            yield ml.DEPLOYMENT_HEALTH.read(*labels, status, value=value)
        yield ml.DEPLOYMENT_RETIRED.read(*labels, value=1 if is_retired(found.health) else 0)
        yield from _reasons(found.health.reasons, labels, view.snapshot.at)
        yield from _served(found, labels)
        for endpoint in found.health.endpoints:
            yield from _latencies(endpoint, labels)


def serving_readings(view: View) -> Iterator[Reading]:
    """Read instances, silence and ratios of every deployment that has windows."""
    for deployment, facet in with_windows(view):
        labels = view.slot_labels(deployment)
        yield from _life(facet, labels, view.snapshot.at)
        for endpoint in facet.endpoints or ():
            yield from _ratios(endpoint, labels)


def total_readings(view: View) -> Iterator[Reading]:
    """Read the counters: of each deployment, of its model versions, and predictions of models."""
    predictions: dict[tuple[str, str], float] = defaultdict(float)
    for deployment, facet in with_windows(view):
        for name, metric in _TOTALS:
            value = getattr(facet.totals, name, None)
            if value is not None:
                yield metric.read(*view.slot_labels(deployment), value=value)
        names = _model_names(view, deployment)
        for part in facet.totals_by_version or ():
            model = _model_name(part.model, names)
            if model is not None and part.predictions is not None:
                predictions[model, deployment.slot.environment] += part.predictions
            if part.requests is not None:
                served = (*view.slot_labels(deployment), model or part.model, part.model_version)
                yield ml.DEPLOYMENT_VERSION_REQUESTS.read(*served, value=part.requests)
    for labels, value in predictions.items():
        yield ml.PREDICTIONS.read(*labels, value=value)


def with_windows(view: View) -> Iterator[tuple[Deployment, ServingHealthFacet]]:
    """Yield every deployment that has windows, with its newest finding."""
    for deployment in view.snapshot.deployments:
        facet = serving_health(view.graph, deployment)
        if facet is not None:
            yield deployment, facet


def _reasons(
    reasons: tuple[Reason, ...], labels: tuple[str, ...], at: datetime
) -> Iterator[Reading]:
    oldest: dict[tuple[str, ...], float] = {}
    for reason in reasons:
        key = (reason.endpoint or "", reason.code, reason.level)
        oldest[key] = max(_seconds_since(reason.since, at), oldest.get(key, 0.0))
    for reason_labels, age_seconds in oldest.items():
        yield ml.DEPLOYMENT_REASON_AGE.read(*labels, *reason_labels, value=age_seconds)


def _served(found: DeploymentHealth, labels: tuple[str, ...]) -> Iterator[Reading]:
    if found.model is not None:
        names = [
            text or ""
            for named in (found.model, found.dataset)
            for text in ((named.name, named.version) if named is not None else ("", ""))
        ]
        yield ml.DEPLOYMENT_INFO.read(*labels, *names, value=1)


def _latencies(endpoint: Endpoint, labels: tuple[str, ...]) -> Iterator[Reading]:
    for percentile, milliseconds in (
        ("50", endpoint.latency_p50_ms),
        ("95", endpoint.latency_p95_ms),
        ("99", endpoint.latency_p99_ms),
    ):
        if milliseconds is not None:
            yield ml.DEPLOYMENT_LATENCY.read(
                *labels, endpoint.endpoint, percentile, value=milliseconds * _MS
            )


def _life(facet: ServingHealthFacet, labels: tuple[str, ...], at: datetime) -> Iterator[Reading]:
    if facet.instances_running is not None:
        yield ml.DEPLOYMENT_INSTANCES.read(*labels, value=facet.instances_running)
    if facet.last_sign_of_life is not None:
        yield ml.DEPLOYMENT_SILENCE.read(*labels, value=_seconds_since(facet.last_sign_of_life, at))


def _ratios(endpoint: Endpoint, labels: tuple[str, ...]) -> Iterator[Reading]:
    """Read every ratio; the facet leaves out those that are zero."""
    if not endpoint.requests:
        return
    found = {share.code: share for share in endpoint.ratios or ()}
    for code, _, _ in RATIOS:
        share, named = found.get(code), (*labels, endpoint.endpoint, code)
        yield ml.DEPLOYMENT_BAD_RATIO.read(*named, value=share.value if share else 0)
        yield ml.DEPLOYMENT_PROVEN_BAD_RATIO.read(*named, value=share.lower if share else 0)


def _model_names(view: View, deployment: Deployment) -> dict[str, str]:
    """Map the service's names of its models to the labels of the graph's models."""
    names = {}
    for activation in deployment.activations:
        facet = activation.runs[0].facets.of(DeploymentFacet)
        if activation.model is not None and facet is not None:
            names[facet.model] = view.name(activation.model.dataset)
    return names


def _model_name(model: str, names: dict[str, str]) -> str | None:
    try:
        return names.get(model) or model_dataset(model)
    except NamingError:
        return None


def _seconds_since(instant: datetime, at: datetime) -> float:
    return max(0.0, (at - instant).total_seconds())
