"""The metrics of SentinelML by the names that its dashboards and alerts ask for.

SentinelML watched one service, so most of its metrics had no label. Here each has the deployment's
beside its own: a query that names none of them still finds all.
"""

from __future__ import annotations

from typing import Final

from lineage_bridge.exporter.metric import Metric

_DEPLOYMENT: Final = ("service", "environment", "deployment")

API_REQUESTS: Final = Metric(
    "ml_api_requests_total", "counter", "Requests to a deployment", _DEPLOYMENT
)
API_ERRORS: Final = Metric(
    "ml_api_errors_total",
    "counter",
    "Requests that a deployment did not answer: failures and rejections",
    _DEPLOYMENT,
)
API_REQUESTS_BY_VERSION: Final = Metric(
    "ml_api_requests_by_version_total",
    "counter",
    "Requests to a deployment, by the model version that took them",
    ("model_version", *_DEPLOYMENT),
)
API_ERRORS_BY_KIND: Final = Metric(
    "ml_api_errors_by_kind_total",
    "counter",
    "Requests that a deployment did not answer, by kind",
    ("kind", *_DEPLOYMENT),
)
API_REQUEST_RATE: Final = Metric(
    "ml_api_request_rate_per_sec",
    "gauge",
    "Requests a second since the look-back of the newest finding began",
    _DEPLOYMENT,
)
API_ERROR_RATE: Final = Metric(
    "ml_api_error_rate_per_sec",
    "gauge",
    "Requests a second that were not answered since the look-back of the newest finding began",
    _DEPLOYMENT,
)

_VERSION: Final = ("model_version", *_DEPLOYMENT)

DRIFT_OVERALL: Final = Metric(
    "ml_monitor_drift_overall",
    "gauge",
    "1 if a feature or the prediction drifts in the longest window that was judged, else 0",
    _VERSION,
)
DRIFT_FEATURE_COUNT: Final = Metric(
    "ml_monitor_drift_feature_count", "gauge", "Features that drift", _VERSION
)
DRIFT_RATE: Final = Metric(
    "ml_monitor_drift_rate_pct",
    "gauge",
    "Features that drift, in per cent of those judged",
    _VERSION,
)
DRIFT_CRITICAL: Final = Metric(
    "ml_monitor_drift_critical_count", "gauge", "Features whose drift is critical", _DEPLOYMENT
)
DRIFT_WARNING: Final = Metric(
    "ml_monitor_drift_warning_count", "gauge", "Features whose drift is a warning", _DEPLOYMENT
)
DRIFT_PSI: Final = Metric(
    "ml_monitor_drift_feature_psi",
    "gauge",
    "PSI of a feature above what the numbers of rows explain, of the worst 20",
    ("feature", "severity", *_DEPLOYMENT),
)
DRIFT_DRIFTED: Final = Metric(
    "ml_monitor_drift_feature_drifted",
    "gauge",
    "1 if a feature drifts, else 0, of the worst 20",
    ("feature", "method", *_DEPLOYMENT),
)
DRIFT_PREDICTION: Final = Metric(
    "ml_monitor_drift_prediction",
    "gauge",
    "1 if the prediction drifts, else 0; absent where it was not compared",
    _VERSION,
)
DRIFT_PREDICTION_PSI: Final = Metric(
    "ml_monitor_drift_prediction_psi",
    "gauge",
    "PSI of the prediction above what the numbers of rows explain",
    _DEPLOYMENT,
)
DRIFT_AGE: Final = Metric(
    "ml_monitor_drift_report_age_seconds",
    "gauge",
    "Time since the newest rows that were judged, +Inf where none were",
    _DEPLOYMENT,
)

QUALITY_PASSED: Final = Metric(
    "ml_monitor_quality_overall_passed",
    "gauge",
    "1 if no check of severity error failed on the newest day of the inference log, else 0",
    _VERSION,
)
QUALITY_HARD: Final = Metric(
    "ml_monitor_quality_hard_failures",
    "gauge",
    "Checks of severity error that failed on that day",
    _DEPLOYMENT,
)
QUALITY_SOFT: Final = Metric(
    "ml_monitor_quality_soft_warnings",
    "gauge",
    "Checks of severity warn that failed on that day",
    _DEPLOYMENT,
)
QUALITY_WINDOW: Final = Metric(
    "ml_monitor_quality_window_size", "gauge", "Requests of that day", _DEPLOYMENT
)
QUALITY_CHECK: Final = Metric(
    "ml_monitor_quality_check_passed",
    "gauge",
    "1 if a check passed on that day, 0 if it failed; absent if it was skipped",
    ("check", "severity", *_DEPLOYMENT),
)
QUALITY_AGE: Final = Metric(
    "ml_monitor_quality_report_age_seconds",
    "gauge",
    "Time since the newest requests that were checked, +Inf where none were",
    _DEPLOYMENT,
)
API_ACCURACY: Final = Metric(
    "ml_api_accuracy", "gauge", "Share of labelled answers that were right, 0 to 1", _DEPLOYMENT
)
API_LABELED: Final = Metric(
    "ml_api_labeled_total", "counter", "Answers of which it is known what was true", _DEPLOYMENT
)

SENTINELML: Final = (
    API_REQUESTS,
    API_ERRORS,
    API_REQUESTS_BY_VERSION,
    API_ERRORS_BY_KIND,
    API_REQUEST_RATE,
    API_ERROR_RATE,
    DRIFT_OVERALL,
    DRIFT_FEATURE_COUNT,
    DRIFT_RATE,
    DRIFT_CRITICAL,
    DRIFT_WARNING,
    DRIFT_PSI,
    DRIFT_DRIFTED,
    DRIFT_PREDICTION,
    DRIFT_PREDICTION_PSI,
    DRIFT_AGE,
    QUALITY_PASSED,
    QUALITY_HARD,
    QUALITY_SOFT,
    QUALITY_WINDOW,
    QUALITY_CHECK,
    QUALITY_AGE,
    API_ACCURACY,
    API_LABELED,
)
