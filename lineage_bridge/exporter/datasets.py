"""Readings of datasets and models: their ages, their sizes, and the numbers of their trainings."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Final, get_args

from lineage_bridge.answers import DatasetFreshness
from lineage_bridge.assess.freshness import (
    BUILD,
    DATA,
    EFFECTIVE,
    FRESH,
    LATE,
    STALE,
    UNKNOWN,
)
from lineage_bridge.assess.liveness import is_retired
from lineage_bridge.events import as_number, as_object
from lineage_bridge.exporter import platform_metrics as ml
from lineage_bridge.exporter.metric import Reading
from lineage_bridge.exporter.per_node import PerNode
from lineage_bridge.exporter.view import View
from lineage_bridge.facets.feature_set import FeatureSetFacet
from lineage_bridge.facets.training import TrainingFacet
from lineage_bridge.facets.validation import CheckSeverity, CheckStatus
from lineage_bridge.graph.deployments import trained_on
from lineage_bridge.graph.model import Binding, Node

STATUSES = (FRESH, LATE, STALE, UNKNOWN)
SEVERITIES: Final[Sequence[CheckSeverity]] = get_args(CheckSeverity)
OUTCOMES: Final[Sequence[CheckStatus]] = get_args(CheckStatus)


def freshness_readings(view: View) -> Iterator[Reading]:
    """Read the ages, the status and the limits of each dataset that is judged."""
    for found in view.snapshot.freshness:
        yield from _freshness(found, view.name(found.node.id), view.environment)


def _freshness(found: DatasetFreshness, *labels: str) -> Iterator[Reading]:
    finding = found.finding
    if finding.build_age_seconds is not None:
        yield ml.FEATURE_FRESHNESS.read(*labels, value=finding.build_age_seconds)
        yield ml.DATASET_AGE.read(*labels, BUILD, value=finding.build_age_seconds)
    if finding.data_age_seconds is not None:
        yield ml.DATASET_AGE.read(*labels, DATA, value=finding.data_age_seconds)
    if finding.effective_age_seconds is not None:
        yield ml.DATASET_AGE.read(*labels, EFFECTIVE, value=finding.effective_age_seconds)
    if finding.clock_skew_seconds is not None:
        yield ml.DATASET_CLOCK_SKEW.read(*labels, value=finding.clock_skew_seconds)
    for status in STATUSES:
        value = 1 if finding.status == status else 0
        yield ml.DATASET_FRESHNESS_STATUS.read(*labels, status, value=value)
    yield ml.DATASET_AGE_LIMIT.read(*labels, LATE, value=finding.policy.warn_seconds)
    yield ml.DATASET_AGE_LIMIT.read(*labels, STALE, value=finding.policy.error_seconds)
    if found.next_build is not None:
        yield ml.DATASET_NEXT_BUILD.read(*labels, value=found.next_build.timestamp())


def check_readings(view: View) -> Iterator[Reading]:
    """Read what the checks found in the newest version of each dataset, and how old that is."""
    retired = set(_retired_logs(view))
    for found in view.snapshot.checks:
        labels = view.name(found.node.id), view.environment
        yield ml.DATASET_RETIRED.read(*labels, value=1 if found.node.id in retired else 0)
        checked = found.last_checked
        age = math.inf if checked is None else (view.snapshot.at - checked).total_seconds()
        yield ml.DATASET_CHECK_AGE.read(*labels, value=age)
        if found.facet is not None:
            counts = Counter((one.severity, one.status) for one in found.facet.checks)
            for severity, status in product(SEVERITIES, OUTCOMES):
                value = counts[severity, status]
                yield ml.DATASET_CHECKS.read(*labels, severity, status, value=value)


def _retired_logs(view: View) -> Iterator[str]:
    for one in view.snapshot.health:
        log = one.deployment.log if is_retired(one.health) else None
        node = None if log is None else view.graph.called(log)
        if node is not None:
            yield node.id


def size_readings(view: View, of_dataset: PerNode[tuple[Reading, ...]]) -> Iterator[Reading]:
    """Read rows, bytes, features and version of datasets; models have metrics of their own."""
    for node in view.datasets():
        if node.id not in view.models:
            yield from of_dataset.of(node, view.name(node.id), view.environment)


def sizes_of(node: Node, name: str, environment: str) -> tuple[Reading, ...]:
    """Read the sizes in a dataset's facets, and its newest version."""
    quality = as_object(node.facets.get("dataQualityMetrics"))
    written = as_object(node.facets.get("outputStatistics"))
    features = node.facets.of(FeatureSetFacet) or FeatureSetFacet()
    rows = as_number(quality.get("rowCount")), as_number(written.get("rowCount"))
    size = as_number(quality.get("bytes")), as_number(written.get("size"))
    found = [
        metric.read(name, environment, value=known[0])
        for metric, values in (
            (ml.DATASET_ROWS, rows),
            (ml.DATASET_SIZE, size),
            (ml.DATASET_FEATURES, (features.feature_count,)),
            (ml.DATASET_POSITIVE_RATIO, (features.positive_rate,)),
        )
        if (known := [value for value in values if value is not None])
    ]
    if node.versions:
        version = node.versions[-1].version
        found.append(ml.DATASET_INFO.read(name, environment, version, value=1))
    return tuple(found)


def model_readings(view: View) -> Iterator[Reading]:
    """Read the newest version of each model, the dataset version it is from, and its metrics."""
    for node_id in sorted(view.models):
        versions = view.graph.nodes[node_id].versions
        if versions:
            yield from _model(view, Binding(node_id, versions[-1].version, "snapshot"))


def _model(view: View, model: Binding) -> Iterator[Reading]:
    name, version = view.version_labels(model)
    dataset = view.version_labels(trained_on(view.graph, model))
    yield ml.MODEL_INFO.read(name, view.environment, version, *dataset, value=1)
    writer = view.graph.writer_of(model.dataset, model.version)
    training = writer.facets.of(TrainingFacet) if writer is not None else None
    reported = training.metrics if training is not None else None
    for metric, value in (reported or {}).items():
        yield ml.TRAINING_METRIC.read(name, view.environment, metric, value=value)
