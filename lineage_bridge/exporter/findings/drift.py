"""Readings of drift: the newest finding on the log of the model version that serves."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Final

from lineage_bridge.answers import DeploymentDrift
from lineage_bridge.exporter.findings import metrics as ml
from lineage_bridge.exporter.metric import Reading
from lineage_bridge.exporter.view import View
from lineage_bridge.facets.drift import DriftFacet, DriftWindow

SEVERITIES: Final = ("none", "warning", "critical")
MOST_FEATURES: Final = 20  # of a deployment have a series, the worst ones
_OTHERS: Final = frozenset({"no_log", "not_of_this_version", "not_compared"})


def drift_readings(view: View) -> Iterator[Reading]:
    """Read drift and untrained requests of each deployment; of one that has no log the age alone.

    What was found of another model version says nothing of the one that serves.
    """
    for one in view.snapshot.drift:
        labels = view.slot_labels(one.deployment)
        yield ml.DRIFT_AGE.read(*labels, value=age_seconds(one))
        if one.facet is not None and is_of_serving(one):
            yield from _untrained(one.facet, labels)
            yield from _drift(one, labels)
            yield from _recent(one.facet, labels)


def is_of_serving(one: DeploymentDrift) -> bool:
    """Tell whether the finding is of the model version that serves."""
    return one.why not in _OTHERS


def age_seconds(one: DeploymentDrift) -> float:
    """Return how old the newest judged rows of the version that serves are; infinite without."""
    age = one.age_seconds if is_of_serving(one) else None
    return math.inf if age is None else age


def _drift(one: DeploymentDrift, labels: tuple[str, ...]) -> Iterator[Reading]:
    window = one.window
    if window is None or window.status != "judged":
        return
    for severity, count in _by_severity(window).items():
        yield ml.DRIFT_FEATURES.read(*labels, severity, value=count)
    yield ml.DRIFT_BEYOND_VARIATION.read(*labels, value=window.drifted_beyond_variation)
    yield ml.DRIFT_RATIO.read(*labels, value=window.share)
    for feature in window.features[:MOST_FEATURES]:
        yield ml.DRIFT_PSI.read(*labels, feature.feature, value=feature.psi)


def _recent(found: DriftFacet, labels: tuple[str, ...]) -> Iterator[Reading]:
    """Read what is asked and answered in the shortest window that has rows enough."""
    window = next((one for one in found.windows if one.status == "judged"), None)
    if window is None:
        return
    for answer in window.answers or ():
        value = 0 if answer.severity == "none" else 1
        yield ml.PREDICTION_DRIFT.read(*labels, answer.feature, value=value)
    if window.mean_confidence is not None:
        yield ml.PREDICTION_CONFIDENCE.read(*labels, value=window.mean_confidence)
    for one in window.classes or ():
        yield ml.PREDICTION_CLASS.read(*labels, one.label, value=one.share)
    missing = sorted(window.features, key=lambda one: (-one.current_null_share, one.feature))
    for feature in missing[:MOST_FEATURES]:
        share = feature.current_null_share
        yield ml.FEATURE_MISSING.read(*labels, feature.feature, value=share)


def _by_severity(window: DriftWindow) -> dict[str, int]:
    """Count the features by severity; of the facet's list, which has all that drifted first."""
    critical = sum(one.severity == "critical" for one in window.features)
    counts = (window.judged - window.drifted, window.drifted - critical, critical)
    return dict(zip(SEVERITIES, counts, strict=True))


def _untrained(found: DriftFacet, labels: tuple[str, ...]) -> Iterator[Reading]:
    untrained = found.untrained
    if untrained.requests:
        yield ml.UNTRAINED_RATIO.read(*labels, value=untrained.ratio)
        yield ml.UNTRAINED_RATE.read(*labels, value=untrained.per_minute)
    faults = Counter(one.sort for one in untrained.features or () if one.is_fault)
    for sort, count in sorted(faults.items()):
        yield ml.UNTRAINED_FEATURES.read(*labels, sort, value=count)
