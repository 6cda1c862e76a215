"""Readings of SentinelML's metrics of drift, from the finding that `drift` shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from lineage_bridge.answers import DeploymentDrift
from lineage_bridge.exporter.compat import sentinelml_metrics as old
from lineage_bridge.exporter.findings.drift import MOST_FEATURES, age_seconds, is_of_serving
from lineage_bridge.exporter.metric import Reading
from lineage_bridge.exporter.view import View
from lineage_bridge.facets.drift import DriftFeature, DriftWindow

_PREDICTION: Final = "prediction"
# Our tests by the names of SentinelML's two; the others stay what they are.
_METHODS: Final[Mapping[str, str]] = {"ks": "ks", "chi_square": "chi2"}


def drift_readings(view: View) -> Iterator[Reading]:
    """Read the drift of each deployment; of one that was not judged the age alone."""
    for one in view.snapshot.drift:
        labels = view.slot_labels(one.deployment)
        yield old.DRIFT_AGE.read(*labels, value=age_seconds(one))
        window = one.window
        if is_of_serving(one) and window is not None and window.status == "judged":
            yield from _drift(one, window, labels)


def _drift(one: DeploymentDrift, window: DriftWindow, labels: tuple[str, ...]) -> Iterator[Reading]:
    version = "" if one.model is None else one.model.version or ""
    answer = next((a for a in window.answers or () if a.feature == _PREDICTION), None)
    critical = sum(feature.severity == "critical" for feature in window.features)
    has_drifted = bool(window.drifted) or _is_drifted(answer)
    yield old.DRIFT_OVERALL.read(version, *labels, value=has_drifted)
    yield old.DRIFT_FEATURE_COUNT.read(version, *labels, value=window.drifted)
    yield old.DRIFT_RATE.read(version, *labels, value=100 * window.share)
    yield old.DRIFT_CRITICAL.read(*labels, value=critical)
    yield old.DRIFT_WARNING.read(*labels, value=window.drifted - critical)
    for feature in window.features[:MOST_FEATURES]:
        name = feature.feature
        yield old.DRIFT_PSI.read(name, feature.severity, *labels, value=feature.psi)
        method = _METHODS.get(feature.test or "", feature.test or "")
        yield old.DRIFT_DRIFTED.read(name, method, *labels, value=_is_drifted(feature))
    if answer is not None:
        yield old.DRIFT_PREDICTION.read(version, *labels, value=_is_drifted(answer))
        yield old.DRIFT_PREDICTION_PSI.read(*labels, value=answer.psi)


def _is_drifted(feature: DriftFeature | None) -> bool:
    return feature is not None and feature.severity != "none"
