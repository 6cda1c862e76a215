"""Datasets: their ages by each clock, whether they are fresh, and how large they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lineage_bridge import facets
from lineage_bridge.assess.freshness import BUILD, DATA, FRESH, LATE, STALE, UNKNOWN
from lineage_bridge.exporter import platform_metrics as ml
from lineage_bridge.exporter.metric import Reading, number
from lineage_bridge.exporter.view import Judged, View
from lineage_bridge.graph.freshness import freshness_json
from lineage_bridge.graph.model import Node
from lineage_bridge.naming import dataset_id

STATUSES = (FRESH, LATE, STALE, UNKNOWN)


def freshness_readings(judged: Judged) -> Iterator[Reading]:
    """Ages and status of each dataset that says when it was built or what is in it."""
    view = judged.view
    for finding in freshness_json(view.graph, judged.at)["datasets"]:
        name = view.name(dataset_id(finding["namespace"], finding["name"]))
        yield from _freshness(finding, name, view.environment)


def _freshness(finding: Mapping[str, Any], *labels: str) -> Iterator[Reading]:
    build_age, data_age = finding.get("build_age_seconds"), finding.get("data_age_seconds")
    if build_age is not None:
        yield ml.FEATURE_FRESHNESS.read(*labels, value=build_age)
        yield ml.DATASET_AGE.read(*labels, BUILD, value=build_age)
    if data_age is not None:
        yield ml.DATASET_AGE.read(*labels, DATA, value=data_age)
    if "clock_skew_seconds" in finding:
        yield ml.DATASET_CLOCK_SKEW.read(*labels, value=finding["clock_skew_seconds"])
    for status in STATUSES:
        value = 1 if finding["status"] == status else 0
        yield ml.DATASET_FRESHNESS_STATUS.read(*labels, status, value=value)


def size_readings(view: View) -> Iterator[Reading]:
    """Rows, bytes, features and version of each dataset; models have metrics of their own."""
    for node in view.graph.nodes.values():
        if node.kind == "dataset" and node.id not in view.models:
            yield from _size(node, view.name(node.id), view.environment)


def _size(node: Node, *labels: str) -> Iterator[Reading]:
    quality = node.facets.get("dataQualityMetrics")
    written = node.facets.get("outputStatistics")
    features = node.facets.get(facets.FEATURE_SET)
    for metric, values in (
        (ml.DATASET_ROWS, (number(quality, "rowCount"), number(written, "rowCount"))),
        (ml.DATASET_SIZE, (number(quality, "bytes"), number(written, "size"))),
        (ml.DATASET_FEATURES, (number(features, "featureCount"),)),
        (ml.DATASET_POSITIVE_RATIO, (number(features, "positiveRate"),)),
    ):
        value = next((value for value in values if value is not None), None)
        if value is not None:
            yield metric.read(*labels, value=value)
    if node.versions:
        yield ml.DATASET_INFO.read(*labels, node.versions[-1].version, value=1)
