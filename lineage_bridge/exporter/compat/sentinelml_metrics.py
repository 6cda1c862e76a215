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

SENTINELML: Final = (
    API_REQUESTS,
    API_ERRORS,
    API_REQUESTS_BY_VERSION,
    API_ERRORS_BY_KIND,
    API_REQUEST_RATE,
    API_ERROR_RATE,
)
