"""Every panel of the dashboard, row by row, and the annotations.

`$service`, `$environment`, `$deployment` and `$dataset` are chosen at its top.
"""

from __future__ import annotations

from typing import Final

from panel import Panel, Query, Row, State

SLOT: Final = 'service=~"$service",environment=~"$environment",deployment=~"$deployment"'
TABLE: Final = 'dataset_name=~"$dataset"'
_BY_SLOT: Final = "by (service, environment, deployment)"
_FAILED: Final = 'code="failure_ratio"'
_SLOT_NAME: Final = "{{environment}}/{{deployment}}"


def _status(metric: str, matched: str, by: str, *worse: str) -> str:
    """Sum the series of a status so that its first value is 0, the second 1 and so on."""
    parts = [
        f'{number} * sum {by} ({metric}{{{matched},status="{status}"}})'
        for number, status in enumerate(worse, start=1)
    ]
    return " + ".join(parts)


HEALTH: Final = _status(
    "ml_deployment_health_status", SLOT, _BY_SLOT, "idle", "unknown", "degraded", "unhealthy"
)
FRESHNESS: Final = _status(
    "ml_dataset_freshness_status",
    TABLE,
    "by (dataset_name, environment)",
    *("LATE", "UNKNOWN", "STALE"),
)

# The eleven panels that SentinelML had, in its order.
SENTINELML: Final = Row(
    "At a glance",
    (
        Panel(
            "Requests",
            "bars",
            (Query(f"sum {_BY_SLOT} (ml_deployment_requests_total{{{SLOT}}})", _SLOT_NAME),),
            "Of each deployment's whole history.",
        ),
        Panel(
            "Request rate",
            "number",
            (
                Query(
                    f"sum {_BY_SLOT} (rate(ml_deployment_requests_total{{{SLOT}}}[5m]))", _SLOT_NAME
                ),
            ),
            "Requests a second over five minutes. They are counted when their windows are read.",
            unit="reqps",
        ),
        Panel(
            "Failures",
            "bars",
            (
                Query(
                    f"max {_BY_SLOT} (ml_deployment_bad_ratio{{{SLOT},{_FAILED}}})",
                    _SLOT_NAME,
                ),
                Query(
                    f"max {_BY_SLOT} (ml_deployment_proven_bad_ratio{{{SLOT},{_FAILED}}})",
                    f"{_SLOT_NAME}, proven",
                ),
            ),
            "Share of the requests in the look-back, and what is certain of it.",
            unit="percentunit",
            red_from=0.05,
        ),
        Panel(
            "Mean confidence",
            "number",
            (Query(f"ml_prediction_mean_confidence{{{SLOT}}}", _SLOT_NAME),),
            "How sure the model is on average, in the last hours of its log.",
            unit="percentunit",
        ),
        Panel(
            "Drifted features",
            "number",
            (
                Query(
                    f'sum {_BY_SLOT} (ml_drift_features{{{SLOT},severity=~"warning|critical"}})',
                    _SLOT_NAME,
                ),
            ),
            "Against what the model that serves was trained on.",
            red_from=1,
        ),
        Panel(
            "Failed checks",
            "number",
            (
                Query(
                    f'sum by (dataset_name) (ml_dataset_checks{{{TABLE},status="failed"}})',
                    "{{dataset_name}}",
                ),
            ),
            "Of each dataset's newest version.",
            red_from=1,
        ),
        Panel(
            "Latency, 99th percentile",
            "graph",
            (
                Query(
                    f'max {_BY_SLOT} (ml_deployment_latency_seconds{{{SLOT},percentile="99"}})',
                    _SLOT_NAME,
                ),
            ),
            "As the service measured it, in the newest minute of its slowest endpoint.",
            unit="s",
            red_from=2,
        ),
        Panel(
            "Predicted classes",
            "graph",
            (
                Query(
                    f"ml_prediction_class_ratio{{{SLOT}}}",
                    f"{_SLOT_NAME}: {{{{prediction}}}}",
                ),
            ),
            unit="percentunit",
        ),
        Panel(
            "Most drifted features",
            "graph",
            (
                Query(
                    f"topk(10, ml_drift_psi_above_floor{{{SLOT}}})",
                    f"{_SLOT_NAME}: {{{{feature}}}}",
                ),
            ),
            "Population stability index above what the numbers of rows explain. From 0.1 on it is "
            "a warning, from 0.2 on critical.",
            red_from=0.2,
        ),
        Panel(
            "Requests by model version",
            "graph",
            (
                Query(
                    f"sum {_BY_SLOT[:-1]}, model_name, model_version) "
                    f"(rate(ml_deployment_version_requests_total{{{SLOT}}}[$__rate_interval]))",
                    f"{_SLOT_NAME}: {{{{model_name}}}}@{{{{model_version}}}}",
                ),
            ),
            unit="reqps",
        ),
        Panel(
            "Requests without a feature",
            "graph",
            (
                Query(
                    f"topk(10, ml_feature_missing_ratio{{{SLOT}}})",
                    f"{_SLOT_NAME}: {{{{feature}}}}",
                ),
            ),
            unit="percentunit",
            red_from=0.15,
        ),
    ),
)

FRESH: Final = Row(
    "Freshness",
    (
        Panel(
            "Status",
            "states",
            (Query(FRESHNESS, "{{dataset_name}}"),),
            states=(
                State("FRESH", "green"),
                State("LATE", "yellow"),
                State("UNKNOWN", "blue"),
                State("STALE", "red"),
            ),
        ),
        Panel(
            "Age",
            "graph",
            (
                Query(f"ml_dataset_age_seconds{{{TABLE}}}", "{{dataset_name}}, by {{clock}}"),
                Query(
                    f"ml_dataset_age_limit_seconds{{{TABLE}}}",
                    "{{dataset_name}} is {{status}} from here on",
                ),
            ),
            unit="s",
        ),
        Panel(
            "Next build",
            "table",
            (Query(f"ml_dataset_next_build_timestamp_seconds{{{TABLE}}} * 1000"),),
            "By the schedule, or by the usual rhythm.",
            unit="dateTimeAsIso",
        ),
    ),
)

CHECKS: Final = Row(
    "Checks",
    (
        Panel(
            "Checks by outcome",
            "graph",
            (
                Query(
                    f"sum by (dataset_name, status) (ml_dataset_checks{{{TABLE}}})",
                    "{{dataset_name}}: {{status}}",
                ),
            ),
            "Of the newest version; nothing where nobody has looked into it.",
            span=12,
        ),
        Panel(
            "Age of the newest version that was checked",
            "number",
            (Query(f"ml_dataset_check_age_seconds{{{TABLE}}}", "{{dataset_name}}"),),
            unit="s",
            span=12,
        ),
    ),
)

DRIFT: Final = Row(
    "Drift",
    (
        Panel(
            "Features by severity",
            "graph",
            (
                Query(
                    f"sum {_BY_SLOT[:-1]}, severity) (ml_drift_features{{{SLOT}}})",
                    f"{_SLOT_NAME}: {{{{severity}}}}",
                ),
                Query(
                    f"ml_drift_features_beyond_variation{{{SLOT}}}",
                    f"{_SLOT_NAME}: beyond what the training data varies",
                ),
            ),
        ),
        Panel(
            "Requests unlike anything trained on",
            "graph",
            (Query(f"ml_deployment_untrained_requests_ratio{{{SLOT}}}", _SLOT_NAME),),
            "Share of requests with an unseen label, a number beyond the range, and the like.",
            unit="percentunit",
        ),
        Panel(
            "Age of the newest hour that was judged",
            "number",
            (Query(f"ml_drift_age_seconds{{{SLOT}}} < +Inf", _SLOT_NAME),),
            unit="s",
            red_from=43_200,
        ),
    ),
)

SERVING: Final = Row(
    "Serving",
    (
        Panel(
            "Health",
            "states",
            (Query(HEALTH, _SLOT_NAME),),
            states=(
                State("healthy", "green"),
                State("idle", "blue"),
                State("unknown", "yellow"),
                State("degraded", "orange"),
                State("unhealthy", "red"),
            ),
            span=12,
        ),
        Panel(
            "Reasons, and for how long",
            "table",
            (Query(f"ml_deployment_reason_age_seconds{{{SLOT}}}"),),
            unit="s",
            span=12,
        ),
        Panel(
            "Latency by percentile",
            "graph",
            (
                Query(
                    f"ml_deployment_latency_seconds{{{SLOT}}}",
                    f"{_SLOT_NAME}{{{{endpoint}}}}, {{{{percentile}}}} %",
                ),
            ),
            unit="s",
        ),
        Panel(
            "Bad requests and predictions",
            "graph",
            (
                Query(
                    f"topk(10, max {_BY_SLOT[:-1]}, code) (ml_deployment_bad_ratio{{{SLOT}}}))",
                    f"{_SLOT_NAME}: {{{{code}}}}",
                ),
            ),
            unit="percentunit",
        ),
        Panel(
            "Instances",
            "graph",
            (Query(f"ml_deployment_instances{{{SLOT}}}", _SLOT_NAME),),
        ),
    ),
)

_COMPONENT: Final = '"component", "$1"'
# How long each part of the pipeline takes: builds and trainings on average, deployments at p95.
COMPONENTS: Final = f"""\
label_replace(
  sum by (dataset_name) (ml_dataset_build_duration_seconds_sum)
  / sum by (dataset_name) (ml_dataset_build_duration_seconds_count),
  {_COMPONENT}, "dataset_name", "(.*)")
or label_replace(
  sum by (model_name) (ml_training_duration_seconds_sum)
  / sum by (model_name) (ml_training_duration_seconds_count),
  {_COMPONENT}, "model_name", "(.*)")
or label_replace(
  max {_BY_SLOT} (ml_deployment_latency_seconds{{{SLOT},percentile="95"}}),
  {_COMPONENT}, "deployment", "(.*)")"""

PIPELINE: Final = Row(
    "Pipeline",
    (
        Panel(
            "Latency of components",
            "bars",
            (Query(COMPONENTS, "{{component}}"),),
            "Builds and trainings: the mean of their runs. Deployments: the 95th percentile.",
            unit="s",
        ),
        Panel(
            "Failures against latency",
            "scatter",
            (
                Query(
                    f'max {_BY_SLOT} (ml_deployment_latency_seconds{{{SLOT},percentile="95"}})',
                    "95th percentile, s",
                ),
                Query(
                    f"max {_BY_SLOT} (ml_deployment_bad_ratio{{{SLOT},{_FAILED}}})",
                    "share of failures",
                ),
            ),
            "Each deployment is a point.",
        ),
        Panel(
            "Flow",
            "graph",
            (
                Query(f"ml_dataset_rows{{{TABLE}}}", "rows of {{dataset_name}}"),
                Query(
                    "sum by (model_name) (rate(ml_prediction_total[$__rate_interval]))",
                    "predictions a second of {{model_name}}",
                ),
            ),
        ),
        Panel(
            "Runs that failed",
            "table",
            (Query('sum by (job_name, environment) (ml_job_last_state{state="FAILED"})'),),
            "1 where the newest run of a job failed.",
            span=12,
        ),
        Panel(
            "Alerts",
            "table",
            (Query('ALERTS{alertstate="firing",area!=""}'),),
            "Those of lineage-bridge's rules; docs/alerts.md says what to do.",
            span=12,
        ),
    ),
)

BRIDGE: Final = Row(
    "The bridge",
    (
        Panel(
            "Events in the journal",
            "graph",
            (Query("lineage_bridge_journal_events_total", "{{origin}}"),),
        ),
        Panel(
            "Events on their way to Marquez",
            "graph",
            (Query("lineage_bridge_forward_events", "{{target}}: {{state}}"),),
        ),
        Panel(
            "Cannot be read",
            "graph",
            (Query("lineage_bridge_quarantined_artifacts", "{{family}}"),),
            "Files and lines in quarantine; `lineage-bridge doctor` lists them.",
        ),
    ),
)

ROWS: Final = (SENTINELML, FRESH, CHECKS, DRIFT, SERVING, PIPELINE, BRIDGE)

# Where a new version appears: title -> query, text. It was not there at the evaluation before.
ANNOTATIONS: Final = {
    "Model in service": Query(
        f"ml_deployment_info{{{SLOT}}} unless ml_deployment_info offset 1m",
        f"{_SLOT_NAME} serves {{{{model_name}}}}@{{{{model_version}}}}",
    ),
    "Model": Query(
        "ml_model_info unless ml_model_info offset 1m", "{{model_name}}@{{version}} is new"
    ),
    "Dataset": Query(
        f"ml_dataset_info{{{TABLE}}} unless ml_dataset_info offset 1m",
        "{{dataset_name}}@{{version}} is new",
    ),
}

# What is chosen at the top: name -> label, metric that has it.
CHOICES: Final = {
    "service": ("service", "ml_deployment_health_status"),
    "environment": ("environment", "ml_deployment_health_status"),
    "deployment": ("deployment", "ml_deployment_health_status"),
    "dataset": ("dataset_name", "ml_dataset_freshness_status"),
}
