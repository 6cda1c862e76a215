"""Readings of inference logs: how much was answered, and how good that was, as far as is known."""

from __future__ import annotations

import math
from collections.abc import Iterator

from lineage_bridge.exporter.findings import metrics as ml
from lineage_bridge.exporter.metric import Metric, Reading
from lineage_bridge.exporter.view import View
from lineage_bridge.facets.fairness import FairnessFacet
from lineage_bridge.facets.quality import Estimate, QualityFacet


def logged_totals(view: View) -> Iterator[Reading]:
    """Read the counters: requests in the inference log of each deployment."""
    for one in view.snapshot.quality:
        if one.versions:
            yield ml.INFERENCE_ROWS.read(*view.slot_labels(one.deployment), value=one.rows)


def quality_readings(view: View) -> Iterator[Reading]:
    """Read what the version that answered last is known for, and the age of what is known."""
    for one in view.snapshot.quality:
        labels = view.slot_labels(one.deployment)
        age_seconds = math.inf if one.age_seconds is None else one.age_seconds
        yield ml.INFERENCE_LOG_AGE.read(*labels, value=age_seconds)
        if one.newest is not None:
            found = one.newest
            served = (*labels, found.model or "", found.model_version or "")
            yield from _measures(found, served)
        if one.fairness is not None:
            yield from _group_gap(one.fairness, labels)


def _group_gap(found: FairnessFacet, labels: tuple[str, ...]) -> Iterator[Reading]:
    served = (*labels, found.model or "", found.model_version or "", found.measure)
    yield from _bounds(ml.MODEL_GROUP_GAP, found.gap, served)


def _measures(found: QualityFacet, labels: tuple[str, ...]) -> Iterator[Reading]:
    if found.unlabelled_ratio is not None:
        yield ml.INFERENCE_UNLABELLED.read(*labels, value=found.unlabelled_ratio)
    yield from _bounds(ml.MODEL_ACCURACY, found.accuracy, labels)
    yield from _bounds(ml.MODEL_AUC, found.auc, labels)
    yield from _bounds(ml.MODEL_BIAS, found.bias, labels)
    yield from _bounds(ml.MODEL_ERROR, found.mean_absolute_error, labels)
    if found.brier is not None:
        yield ml.MODEL_BRIER.read(*labels, value=found.brier)


def _bounds(metric: Metric, found: Estimate | None, labels: tuple[str, ...]) -> Iterator[Reading]:
    if found is None:
        return
    for bound, value in (("value", found.value), ("low", found.low), ("high", found.high)):
        if value is not None:
            yield metric.read(*labels, bound, value=value)
