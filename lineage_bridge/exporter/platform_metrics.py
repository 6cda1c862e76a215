"""The metrics of the platform: `ml_*`, each computed from the graph.

The first four have the names, types and labels that existing dashboards use. A status has one
series for each possible value, 1 for the present one: `== 1` selects it, and a change never leaves
a stale series behind.
"""

from __future__ import annotations

from typing import Final

from lineage_bridge.exporter.metric import Metric

_DATASET: Final = ("dataset_name", "environment")
_MODEL: Final = ("model_name", "environment")
_JOB: Final = ("job_name", "environment")
DEPLOYMENT: Final = ("service", "environment", "deployment")
_ENDPOINT: Final = (*DEPLOYMENT, "endpoint")

# Seconds to hours: a build of a small table, a training over night.
DURATION_BUCKETS: Final = (1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14_400, 43_200)

BUILD_DURATION: Final = Metric(
    "ml_dataset_build_duration_seconds",
    "histogram",
    "Duration of completed runs that wrote a dataset, once per run with a known start",
    _DATASET,
    DURATION_BUCKETS,
)
TRAINING_DURATION: Final = Metric(
    "ml_training_duration_seconds",
    "histogram",
    "Duration of completed runs that wrote a model, once per run with a known start",
    _MODEL,
    DURATION_BUCKETS,
)
PREDICTIONS: Final = Metric(
    "ml_prediction_total",
    "counter",
    "Predictions that a model made, in all its deployments of an environment",
    _MODEL,
)
FEATURE_FRESHNESS: Final = Metric(
    "ml_feature_freshness_seconds",
    "gauge",
    "Time since a dataset was built",
    _DATASET,
)
DATASET_AGE: Final = Metric(
    "ml_dataset_age_seconds",
    "gauge",
    "Age of a dataset by one clock: build (when it was built), data (newest event in it) or "
    "effective (what is read live for it)",
    (*_DATASET, "clock"),
)
DATASET_CLOCK_SKEW: Final = Metric(
    "ml_dataset_clock_skew_seconds",
    "gauge",
    "How far a time that a dataset states lies in the future",
    _DATASET,
)
DATASET_FRESHNESS_STATUS: Final = Metric(
    "ml_dataset_freshness_status",
    "gauge",
    "1 for the freshness status that holds now, 0 for the others",
    (*_DATASET, "status"),
)
DATASET_AGE_LIMIT: Final = Metric(
    "ml_dataset_age_limit_seconds",
    "gauge",
    "Age from which on a dataset is LATE or STALE, by the clock that decides",
    (*_DATASET, "status"),
)
DATASET_NEXT_BUILD: Final = Metric(
    "ml_dataset_next_build_timestamp_seconds",
    "gauge",
    "When the next build of a dataset is expected; in the past if it is overdue",
    _DATASET,
)
DATASET_ROWS: Final = Metric(
    "ml_dataset_rows", "gauge", "Rows in the newest version of a dataset", _DATASET
)
DATASET_SIZE: Final = Metric(
    "ml_dataset_size_bytes", "gauge", "Size of the newest version of a dataset", _DATASET
)
DATASET_FEATURES: Final = Metric(
    "ml_dataset_features", "gauge", "Feature columns in the newest version of a dataset", _DATASET
)
DATASET_POSITIVE_RATIO: Final = Metric(
    "ml_dataset_positive_ratio", "gauge", "Share of positive labels, 0 to 1", _DATASET
)
DATASET_INFO: Final = Metric(
    "ml_dataset_info", "gauge", "The newest version of a dataset, always 1", (*_DATASET, "version")
)
DATASET_CHECKS: Final = Metric(
    "ml_dataset_checks",
    "gauge",
    "Checks of a dataset's newest version, by how bad it is that they fail and how they came out",
    (*_DATASET, "severity", "status"),
)
DATASET_RETIRED: Final = Metric(
    "ml_dataset_retired",
    "gauge",
    "1 if a dataset is the inference log of a deployment that retired, else 0",
    _DATASET,
)
DATASET_CHECK_AGE: Final = Metric(
    "ml_dataset_check_age_seconds",
    "gauge",
    "Age of the newest version of a dataset that was checked, +Inf if none was",
    _DATASET,
)
MODEL_INFO: Final = Metric(
    "ml_model_info",
    "gauge",
    "The newest version of a model and the dataset version it was trained on, always 1",
    (*_MODEL, "version", "dataset_name", "dataset_version"),
)
TRAINING_METRIC: Final = Metric(
    "ml_training_metric",
    "gauge",
    "A number that the training of a model's newest version reported, in that metric's own unit",
    (*_MODEL, "metric"),
)
JOB_RUNS: Final = Metric(
    "ml_job_runs", "gauge", "Known runs of a job that are in a state", (*_JOB, "state")
)
JOB_LAST_STATE: Final = Metric(
    "ml_job_last_state",
    "gauge",
    "1 for the state in which the newest finished batch run of a job ended, 0 for the others",
    (*_JOB, "state"),
)
JOB_LAST_SUCCESS: Final = Metric(
    "ml_job_last_success_timestamp_seconds",
    "gauge",
    "When a run of a job completed last, in seconds since the epoch",
    _JOB,
)
NODE_STATUS: Final = Metric(
    "ml_node_level",
    "gauge",
    "How bad a dataset or job is that is not ok: 0 ok, 1 unknown, 2 warn, 3 bad; by itself (own), "
    "or with what it inherits (effective)",
    ("namespace", "node", "kind", "of"),
)
DEPLOYMENT_HEALTH: Final = Metric(
    "ml_deployment_health_status",
    "gauge",
    "1 for the health status that holds now, 0 for the others",
    (*DEPLOYMENT, "status"),
)
DEPLOYMENT_RETIRED: Final = Metric(
    "ml_deployment_retired",
    "gauge",
    "1 if nobody waits for a deployment any more: it stopped, finished, or was silent for a day",
    DEPLOYMENT,
)
DEPLOYMENT_REASON_AGE: Final = Metric(
    "ml_deployment_reason_age_seconds",
    "gauge",
    "How long a reason for a status has held; the series exists while it does",
    (*_ENDPOINT, "code", "level"),
)
DEPLOYMENT_INFO: Final = Metric(
    "ml_deployment_info",
    "gauge",
    "What a deployment serves and what that was trained on, always 1",
    (*DEPLOYMENT, "model_name", "model_version", "dataset_name", "dataset_version"),
)
DEPLOYMENT_INSTANCES: Final = Metric(
    "ml_deployment_instances", "gauge", "Instances that started and have not stopped", DEPLOYMENT
)
DEPLOYMENT_SILENCE: Final = Metric(
    "ml_deployment_silence_seconds",
    "gauge",
    "Time since the last sign of life of a deployment",
    DEPLOYMENT,
)
DEPLOYMENT_REQUESTS: Final = Metric(
    "ml_deployment_requests_total", "counter", "Requests to a deployment", DEPLOYMENT
)
DEPLOYMENT_SUCCESSES: Final = Metric(
    "ml_deployment_successes_total", "counter", "Requests that a deployment answered", DEPLOYMENT
)
DEPLOYMENT_FAILURES: Final = Metric(
    "ml_deployment_failures_total", "counter", "Requests that failed in a deployment", DEPLOYMENT
)
DEPLOYMENT_REJECTIONS: Final = Metric(
    "ml_deployment_rejections_total", "counter", "Requests that a deployment refused", DEPLOYMENT
)
DEPLOYMENT_TIMEOUTS: Final = Metric(
    "ml_deployment_timeouts_total", "counter", "Requests that timed out", DEPLOYMENT
)
DEPLOYMENT_VERSION_REQUESTS: Final = Metric(
    "ml_deployment_version_requests_total",
    "counter",
    "Requests to a deployment, by the model version that took them",
    (*DEPLOYMENT, "model_name", "model_version"),
)
DEPLOYMENT_BAD_RATIO: Final = Metric(
    "ml_deployment_bad_ratio",
    "gauge",
    "Share of bad requests or predictions of one sort in the look-back, 0 to 1",
    (*_ENDPOINT, "code"),
)
DEPLOYMENT_PROVEN_BAD_RATIO: Final = Metric(
    "ml_deployment_proven_bad_ratio",
    "gauge",
    "What is certain of the same share by 95 %: its lower bound, 0 to 1",
    (*_ENDPOINT, "code"),
)
DEPLOYMENT_LATENCY: Final = Metric(
    "ml_deployment_latency_seconds",
    "gauge",
    "A percentile of the latency in the newest window of an endpoint",
    (*_ENDPOINT, "percentile"),
)
PLATFORM: Final = (
    BUILD_DURATION,
    TRAINING_DURATION,
    PREDICTIONS,
    FEATURE_FRESHNESS,
    DATASET_AGE,
    DATASET_CLOCK_SKEW,
    DATASET_FRESHNESS_STATUS,
    DATASET_AGE_LIMIT,
    DATASET_NEXT_BUILD,
    DATASET_ROWS,
    DATASET_SIZE,
    DATASET_FEATURES,
    DATASET_POSITIVE_RATIO,
    DATASET_INFO,
    DATASET_CHECKS,
    DATASET_RETIRED,
    DATASET_CHECK_AGE,
    MODEL_INFO,
    TRAINING_METRIC,
    JOB_RUNS,
    JOB_LAST_STATE,
    JOB_LAST_SUCCESS,
    NODE_STATUS,
    DEPLOYMENT_HEALTH,
    DEPLOYMENT_RETIRED,
    DEPLOYMENT_REASON_AGE,
    DEPLOYMENT_INFO,
    DEPLOYMENT_INSTANCES,
    DEPLOYMENT_SILENCE,
    DEPLOYMENT_REQUESTS,
    DEPLOYMENT_SUCCESSES,
    DEPLOYMENT_FAILURES,
    DEPLOYMENT_REJECTIONS,
    DEPLOYMENT_TIMEOUTS,
    DEPLOYMENT_VERSION_REQUESTS,
    DEPLOYMENT_BAD_RATIO,
    DEPLOYMENT_PROVEN_BAD_RATIO,
    DEPLOYMENT_LATENCY,
)
