"""P6's label values: a dataset and a model as their producers call them.

P6's four metrics have their names here too, but P6 wrote `model_name="lightgbm_default"` where we
write `models.lightgbm_default`. The labels are replaced and no series is added, because a sum over
the metric would count everything twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from lineage_bridge.exporter.metric import Metric, Reading
from lineage_bridge.exporter.platform_metrics import (
    BUILD_DURATION,
    FEATURE_FRESHNESS,
    PREDICTIONS,
    TRAINING_DURATION,
)
from lineage_bridge.naming import plain_names

_OF_DATASETS: Final = (BUILD_DURATION, FEATURE_FRESHNESS)
_OF_MODELS: Final = (TRAINING_DURATION, PREDICTIONS)


def as_p6(readings: Iterable[Reading]) -> list[Reading]:
    """Name datasets and models in P6's four metrics as P6 did; all else stays as it is."""
    listed = list(readings)
    named: dict[Metric, dict[str, str]] = {}
    for metrics in (_OF_DATASETS, _OF_MODELS):
        plain = plain_names(one.labels[0] for one in listed if one.metric in metrics)
        named |= dict.fromkeys(metrics, plain)
    return [
        one._replace(labels=(named[one.metric][one.labels[0]], *one.labels[1:]))
        if one.metric in named
        else one
        for one in listed
    ]
