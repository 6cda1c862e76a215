"""Readings of SentinelML's metrics of quality: of the newest day of each inference log."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Final

from lineage_bridge.answers import DeploymentQuality
from lineage_bridge.answers.checks import DatasetChecks, checks_of
from lineage_bridge.exporter.compat import sentinelml_metrics as old
from lineage_bridge.exporter.metric import Reading
from lineage_bridge.exporter.view import View
from lineage_bridge.facets.validation import ValidationFacet
from lineage_bridge.naming import dataset_id

_SEVERITIES: Final[Mapping[str, str]] = {"error": "hard", "warn": "soft"}
# Our checks by the names of SentinelML's.
_CHECKS: Final[Mapping[str, str]] = {
    "features_missing": "missing_rate",
    "features_few_missing": "missing_rate",
    "features_out_of_range": "out_of_range",
    "features_unknown_labels": "unknown_category",
    "request_ids": "duplicate_ids",
    "confidence": "confidence_sanity",
    "features_needed": "schema_presence",
    "predictions_known": "prediction_coverage",
}


def quality_readings(view: View) -> Iterator[Reading]:
    """Read the quality of each deployment's requests; of one without a finding the age alone."""
    for one in view.snapshot.quality:
        labels = view.slot_labels(one.deployment)
        found = _checks(view, one)
        facet = None if found is None else found.facet
        age_seconds = math.inf
        if found is not None and facet is not None:
            age_seconds = max(0.0, (view.snapshot.at - facet.evaluated_at).total_seconds())
            yield from _quality(found.version or "", facet, labels)
        yield old.QUALITY_AGE.read(*labels, value=age_seconds)
        newest = one.newest
        if newest is not None and newest.accuracy is not None:
            yield old.API_ACCURACY.read(*labels, value=newest.accuracy.value)


def labelled_totals(view: View) -> Iterator[Reading]:
    """Read how many answers are labelled, of all versions; nothing where none is."""
    for one in view.snapshot.quality:
        labelled = sum(version.labelled or 0 for version in one.versions)
        if labelled:
            yield old.API_LABELED.read(*view.slot_labels(one.deployment), value=labelled)


def _checks(view: View, one: DeploymentQuality) -> DatasetChecks | None:
    log = view.graph.called(dataset_id(one.deployment.namespace, one.slot.inference_log))
    return None if log is None else checks_of(log)


def _quality(version: str, facet: ValidationFacet, labels: tuple[str, ...]) -> Iterator[Reading]:
    model_version = version.rpartition("/")[-1]  # of `<model>/<version>`
    yield old.QUALITY_PASSED.read(model_version, *labels, value=not facet.errors)
    yield old.QUALITY_HARD.read(*labels, value=facet.errors)
    yield old.QUALITY_SOFT.read(*labels, value=facet.warnings)
    yield old.QUALITY_WINDOW.read(*labels, value=facet.rows or 0)
    for check in facet.checks:
        if check.status != "skipped":
            name, severity = _CHECKS.get(check.code, check.code), _SEVERITIES[check.severity]
            has_passed = check.status == "passed"
            yield old.QUALITY_CHECK.read(name, severity, *labels, value=has_passed)
