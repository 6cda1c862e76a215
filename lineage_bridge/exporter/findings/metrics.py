"""The metrics of what observers found in logs: their names, types and labels; docs/metrics.md."""

from __future__ import annotations

from typing import Final

from lineage_bridge.exporter.metric import Metric
from lineage_bridge.exporter.platform_metrics import DEPLOYMENT

_ANSWERED: Final = (*DEPLOYMENT, "model_name", "model_version")

DRIFT_FEATURES: Final = Metric(
    "ml_drift_features",
    "gauge",
    "Features of a deployment by how far they moved from what its model was trained on",
    (*DEPLOYMENT, "severity"),
)
DRIFT_BEYOND_VARIATION: Final = Metric(
    "ml_drift_features_beyond_variation",
    "gauge",
    "Features that drifted by more than the training data itself varies from day to day",
    DEPLOYMENT,
)
DRIFT_RATIO: Final = Metric(
    "ml_drift_ratio", "gauge", "Share of the features that drifted, 0 to 1", DEPLOYMENT
)
DRIFT_PSI: Final = Metric(
    "ml_drift_psi_above_floor",
    "gauge",
    "Population stability index of a feature above what the numbers of rows explain; the worst 20",
    (*DEPLOYMENT, "feature"),
)
DRIFT_AGE: Final = Metric(
    "ml_drift_age_seconds",
    "gauge",
    "Time since the end of the newest hour that was judged; +Inf where none was",
    DEPLOYMENT,
)
UNTRAINED_RATIO: Final = Metric(
    "ml_deployment_untrained_requests_ratio",
    "gauge",
    "Share of requests that carry what the model was never trained on, at least, 0 to 1",
    DEPLOYMENT,
)
UNTRAINED_RATE: Final = Metric(
    "ml_deployment_untrained_requests_per_minute",
    "gauge",
    "Requests a minute that carry what the model was never trained on, at least",
    DEPLOYMENT,
)
UNTRAINED_FEATURES: Final = Metric(
    "ml_deployment_untrained_features",
    "gauge",
    "Features in which requests carry more than is let pass of what the model never saw",
    (*DEPLOYMENT, "sort"),
)
PREDICTION_DRIFT: Final = Metric(
    "ml_prediction_drift",
    "gauge",
    "1 if what is answered drifted from the first day of the model version, else 0",
    (*DEPLOYMENT, "answer"),
)
PREDICTION_CONFIDENCE: Final = Metric(
    "ml_prediction_mean_confidence",
    "gauge",
    "How sure the model is on average, 0 to 1",
    DEPLOYMENT,
)
PREDICTION_CLASS: Final = Metric(
    "ml_prediction_class_ratio",
    "gauge",
    "Share of the answers that name a class, 0 to 1",
    (*DEPLOYMENT, "prediction"),
)
FEATURE_MISSING: Final = Metric(
    "ml_feature_missing_ratio",
    "gauge",
    "Share of requests without a value of a feature, 0 to 1; the 20 with the largest",
    (*DEPLOYMENT, "feature"),
)

INFERENCE_ROWS: Final = Metric(
    "ml_inference_rows_total",
    "counter",
    "Requests in the inference log of a deployment, each once",
    DEPLOYMENT,
)
INFERENCE_LOG_AGE: Final = Metric(
    "ml_inference_log_age_seconds",
    "gauge",
    "Time since the newest request in the inference log of a deployment, +Inf without one",
    DEPLOYMENT,
)
INFERENCE_UNLABELLED: Final = Metric(
    "ml_inference_unlabelled_ratio",
    "gauge",
    "Share of answered requests of which it is not known what was true, 0 to 1",
    _ANSWERED,
)
MODEL_ACCURACY: Final = Metric(
    "ml_model_accuracy_ratio",
    "gauge",
    "Share of the answers of a deployment's model that were right, with its bounds of 95 %",
    (*_ANSWERED, "bound"),
)
MODEL_AUC: Final = Metric(
    "ml_model_auc_ratio",
    "gauge",
    "Chance that a positive request has the higher probability, with its bounds of 95 %",
    (*_ANSWERED, "bound"),
)
MODEL_BRIER: Final = Metric(
    "ml_model_brier_score",
    "gauge",
    "Mean square of probability less label, 0 to 1",
    _ANSWERED,
)
MODEL_BIAS: Final = Metric(
    "ml_model_bias",
    "gauge",
    "Mean of answer (or probability) less label, with its bounds of 95 %",
    (*_ANSWERED, "bound"),
)
MODEL_ERROR: Final = Metric(
    "ml_model_mean_absolute_error",
    "gauge",
    "Mean size of answer less label, where answers are amounts, with its bounds of 95 %",
    (*_ANSWERED, "bound"),
)
MODEL_GROUP_GAP: Final = Metric(
    "ml_model_group_gap_ratio",
    "gauge",
    "How much worse the worst group of requests is answered than the best, with its bounds of 95 %",
    (*_ANSWERED, "measure", "bound"),
)

FOUND: Final = (
    INFERENCE_ROWS,
    INFERENCE_LOG_AGE,
    INFERENCE_UNLABELLED,
    MODEL_ACCURACY,
    MODEL_AUC,
    MODEL_BRIER,
    MODEL_BIAS,
    MODEL_ERROR,
    MODEL_GROUP_GAP,
    DRIFT_FEATURES,
    DRIFT_BEYOND_VARIATION,
    DRIFT_RATIO,
    DRIFT_PSI,
    DRIFT_AGE,
    UNTRAINED_RATIO,
    UNTRAINED_RATE,
    UNTRAINED_FEATURES,
    PREDICTION_DRIFT,
    PREDICTION_CONFIDENCE,
    PREDICTION_CLASS,
    FEATURE_MISSING,
)
