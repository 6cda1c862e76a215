"""Rules of what deployments are asked and what they answer, by their inference logs.

Drift that is no more than the training data itself varies from day to day alarms nobody: with few
rows that is most of what is found (docs/findings.md).
"""

from __future__ import annotations

from typing import Final

from lineage_bridge.alerts.rule import Rule
from lineage_bridge.alerts.serving_rules import NAME, SLOT, UNLESS_RETIRED

_BEYOND: Final = f"and on ({SLOT}) ml_drift_features_beyond_variation > 0"
_LOOK: Final = (
    "`lineage-bridge drift DEPLOYMENT` lists the features with where they moved and since when."
)

DRIFT: Final = (
    Rule(
        name="CriticalFeatureDrift",
        area="drift",
        severity="critical",
        after="5m",
        expr=f'ml_drift_features{{severity="critical"}} > 0\n{_BEYOND}\n{UNLESS_RETIRED}',
        summary=f"{NAME}: {{{{ $value }}}} features drifted critically",
        meaning=(
            "The model is asked what it was not trained on: a population stability index of 0.2 "
            "and more above what the numbers of rows explain, or a fifth of values unlike any."
        ),
        todo=f"{_LOOK} If a pipeline broke, mend that first: a new training would learn the fault.",
        sentinelml=True,
    ),
    Rule(
        name="FeatureDriftWarning",
        area="drift",
        severity="warning",
        after="15m",
        expr=f'ml_drift_features{{severity="warning"}} > 0\n{_BEYOND}\n{UNLESS_RETIRED}',
        summary=f"{NAME}: {{{{ $value }}}} features drifted",
        meaning="The same, from 0.1 on, or a twentieth of values unlike any.",
        todo=_LOOK,
        sentinelml=True,
    ),
    Rule(
        name="PredictionDistributionDrift",
        area="drift",
        severity="warning",
        after="10m",
        expr=f"ml_prediction_drift == 1\n{UNLESS_RETIRED}",
        summary=f"{NAME}: its {{{{ $labels.answer }}}} is not what it was",
        meaning=(
            "What the model answers moved from what this version answered in its first day, "
            "whether or not a feature did."
        ),
        todo=f"{_LOOK} If none did, see whether the service serves the file that it says.",
        sentinelml=True,
    ),
    Rule(
        name="DriftReportStale",
        area="drift",
        severity="warning",
        after="5m",
        expr=(
            "ml_drift_age_seconds > 43200\n"
            f"and on ({SLOT}) ml_inference_log_age_seconds < 43200\n"
            f"{UNLESS_RETIRED}"
        ),
        summary=f"{NAME} is asked, and nobody has looked for drift in 12 hours",
        meaning=(
            "Its log has requests of the last 12 hours, but none of them was held against what the "
            "model that serves was trained on. A deployment without a log does not fire."
        ),
        todo=(
            "`lineage-bridge drift DEPLOYMENT` says why nothing was judged: the training data "
            "cannot be read, nobody knows which it was, or nothing looks (`watch`, `backfill`)."
        ),
        sentinelml=True,
    ),
    Rule(
        name="HighFeatureMissingRate",
        area="drift",
        severity="warning",
        after="10m",
        expr=f"ml_feature_missing_ratio > 0.15\n{UNLESS_RETIRED}",
        summary=f"{NAME}: {{{{ $value | humanizePercentage }}}} lack {{{{ $labels.feature }}}}",
        meaning="More than 15 % of the requests of the last hours have no value of the feature.",
        todo=(
            "See whether the feature store or whoever asks lost it; `lineage-bridge drift` says "
            "since when."
        ),
        sentinelml=True,
    ),
    Rule(
        name="LowPredictionConfidence",
        area="drift",
        severity="warning",
        after="15m",
        expr=f"ml_prediction_mean_confidence < 0.55\n{UNLESS_RETIRED}",
        summary=f"{NAME}: the mean confidence is {{{{ $value | humanizePercentage }}}}",
        meaning="The model hardly decides: for two classes it is never under 50 %.",
        todo=f"See whether it is asked what it knows, and what it serves. {_LOOK}",
        sentinelml=True,
    ),
    Rule(
        name="UntrainedRequests",
        area="drift",
        severity="warning",
        after="15m",
        expr=f"ml_deployment_untrained_features > 0\n{UNLESS_RETIRED}",
        summary=f"{NAME} is asked what its model never saw ({{{{ $labels.sort }}}})",
        meaning=(
            "Labels that the training data does not have, numbers beyond its range, a group of 0/1 "
            "columns of which none is set, or a column that became constant: more than is let "
            "pass."
        ),
        todo="`lineage-bridge drift DEPLOYMENT` lists the labels and numbers with their counts.",
    ),
)
