"""For each alert rule a series that makes it fire, and series that do not.

A series is a metric with labels and its value, which it has from the first minute on; a text is a
course in promtool's notation. All that is given for one case is there at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

Series = Mapping[str, float | str]

SLOT = 'service="taxi",environment="production",deployment="dep-1"'
OTHER = 'service="taxi",environment="production",deployment="dep-2"'
TABLE = 'dataset_name="features.trips",environment="production"'
MARQUEZ = 'target="http://marquez:5000"'

STOPPED = "ml_deployment_reason_age_seconds"
RETIRED = {f"ml_deployment_retired{{{SLOT}}}": 1}
SERVES = {f"ml_deployment_retired{{{SLOT}}}": 0}


def of(series: str, labels: str, value: float | str, **more: str) -> dict[str, float | str]:
    """One series."""
    matched = ",".join(filter(None, [labels, *(f'{name}="{text}"' for name, text in more.items())]))
    return {f"{series}{{{matched}}}": value}


class Case(NamedTuple):
    """What a rule is tried with.

    Attributes:
        after: minutes for which it must hold, by SentinelML's table or ours.
        fires: series with which the rule fires, and no other rule does.
        quiet: series with which nothing fires, each by what they are.
        since: the minute in which what matters begins.
    """

    after: int
    fires: Series
    quiet: Mapping[str, Series]
    since: int = 0


def raised(code: str, endpoint: str = "/predict", level: str = "degraded") -> Series:
    return of(
        "ml_deployment_reason_age_seconds", SLOT, 600, endpoint=endpoint, code=code, level=level
    )


def health(status: str, value: float = 1) -> Series:
    return of("ml_deployment_health_status", SLOT, value, status=status)


def failing(ratio: float, code: str = "failure_ratio") -> Series:
    return of("ml_deployment_bad_ratio", SLOT, ratio, endpoint="/predict", code=code)


def slow(seconds: float, percentile: str = "99") -> Series:
    return of(
        "ml_deployment_latency_seconds", SLOT, seconds, endpoint="/predict", percentile=percentile
    )


def instances(number: float | str, labels: str = SLOT) -> Series:
    return of("ml_deployment_instances", labels, number)


def stopped(level: str) -> Series:
    return of(STOPPED, SLOT, 600, code="stopped", level=level)


def drifted(severity: str, features: int = 1, beyond: int = 1) -> Series:
    return {
        **of("ml_drift_features", SLOT, features, severity=severity),
        **of("ml_drift_features_beyond_variation", SLOT, beyond),
    }


def judged(age: float | str, asked: float | str) -> Series:
    return {
        **of("ml_drift_age_seconds", SLOT, age),
        **of("ml_inference_log_age_seconds", SLOT, asked),
    }


def fresh(status: str, value: float = 1) -> Series:
    return of("ml_dataset_freshness_status", TABLE, value, status=status)


def ages(checked: float | str, built: float) -> Series:
    return {
        **of("ml_dataset_check_age_seconds", TABLE, checked),
        **of("ml_dataset_age_seconds", TABLE, built, clock="build"),
        **of("ml_dataset_age_seconds", TABLE, 99_999, clock="data"),
    }


def checks(failed: int, severity: str = "error") -> Series:
    return of("ml_dataset_checks", TABLE, failed, severity=severity, status="failed")


def forwarded(pending: float, sent: float | str) -> Series:
    return {
        **of("lineage_bridge_forward_events", MARQUEZ, pending, state="pending"),
        **of("lineage_bridge_forward_events", MARQUEZ, sent, state="sent"),
    }


def at_second(metric: str, seconds: int, labels: str = "") -> Series:
    """A time stamp; promtool's clock begins at 0, so an older one is negative."""
    return {metric + (f"{{{labels}}}" if labels else ""): seconds}


UP = {'up{job="lineage-bridge"}': 1}
REFUSED = of("lineage_bridge_forward_events", MARQUEZ, 2, state="dead")
UNREADABLE = 'lineage_bridge_quarantined_artifacts{family="p5"}'
ARRIVAL = "lineage_bridge_journal_last_arrival_timestamp_seconds"
WATCHED = "lineage_bridge_watch_last_look_timestamp_seconds"
AUDIT = "lineage_bridge_follow_last_audit_timestamp_seconds"
FEED = 'source="http://marquez:5000"'

CASES = {
    "DeploymentUnhealthy": Case(
        1,
        health("unhealthy") | SERVES,
        {
            "retired": health("unhealthy") | RETIRED,
            "well": health("unhealthy", 0) | health("healthy") | SERVES,
        },
    ),
    "DeploymentDegraded": Case(
        5,
        health("degraded") | SERVES,
        {"retired": health("degraded") | RETIRED, "idle": health("idle") | SERVES},
    ),
    "DeploymentSilent": Case(
        5,
        raised("silent", endpoint="", level="unknown") | SERVES,
        {
            "given up": raised("silent", endpoint="", level="unknown") | RETIRED,
            "no traffic": raised("no_traffic", level="idle") | SERVES,
        },
    ),
    "NoProductionModel": Case(
        2,
        stopped("unhealthy") | SERVES | instances(0) | instances(0, OTHER),
        {
            "shut down": stopped("unknown") | RETIRED | instances(0),
            "replaced": stopped("unhealthy") | SERVES | instances(0) | instances(2, OTHER),
            "about to say that it stopped": SERVES | instances(0),
            "a restart": of(STOPPED, SLOT, "_ 60 _x99", code="stopped", level="unhealthy")
            | SERVES
            | instances("1 0 1+0x99"),
        },
    ),
    "HighApiErrorRate": Case(
        5,
        failing(0.051) | raised("failure_ratio") | SERVES,
        {
            "at the limit": failing(0.05) | raised("failure_ratio") | SERVES,
            "not proven": failing(0.1) | SERVES,
            "another endpoint": failing(0.1) | raised("failure_ratio", "/other") | SERVES,
            "refused": failing(0.9, "rejection_ratio") | raised("rejection_ratio") | SERVES,
            "retired": failing(0.9) | raised("failure_ratio") | RETIRED,
        },
    ),
    "HighApiLatencyP99": Case(
        5,
        slow(2.001) | raised("latency_p99_ms") | SERVES,
        {
            "at the limit": slow(2) | raised("latency_p99_ms") | SERVES,
            "one slow request": slow(30) | SERVES,
            "another percentile": slow(3, "95") | raised("latency_p99_ms") | SERVES,
            "retired": slow(3) | raised("latency_p99_ms") | RETIRED,
        },
    ),
    "CriticalFeatureDrift": Case(
        5,
        drifted("critical") | SERVES,
        {
            "none": drifted("critical", 0) | SERVES,
            "as the training data varies": drifted("critical", beyond=0) | SERVES,
            "retired": drifted("critical") | RETIRED,
        },
    ),
    "FeatureDriftWarning": Case(
        15,
        drifted("warning") | SERVES,
        {
            "as the training data varies": drifted("warning", 9, beyond=0) | SERVES,
            "retired": drifted("warning") | RETIRED,
        },
    ),
    "PredictionDistributionDrift": Case(
        10,
        of("ml_prediction_drift", SLOT, 1, answer="prediction") | SERVES,
        {
            "as before": of("ml_prediction_drift", SLOT, 0, answer="prediction") | SERVES,
            "retired": of("ml_prediction_drift", SLOT, 1, answer="prediction") | RETIRED,
        },
    ),
    "DriftReportStale": Case(
        5,
        judged("+Inf+0x99", 60) | SERVES,
        {
            "never asked": judged("+Inf+0x99", "+Inf+0x99") | SERVES,
            "not asked for a day": judged(90_000, 86_400) | SERVES,
            "judged": judged(43_200, 60) | SERVES,
            "retired": judged("+Inf+0x99", 60) | RETIRED,
        },
    ),
    "HighFeatureMissingRate": Case(
        10,
        of("ml_feature_missing_ratio", SLOT, 0.151, feature="speed") | SERVES,
        {
            "at the limit": of("ml_feature_missing_ratio", SLOT, 0.15, feature="speed") | SERVES,
            "retired": of("ml_feature_missing_ratio", SLOT, 1, feature="speed") | RETIRED,
        },
    ),
    "LowPredictionConfidence": Case(
        15,
        of("ml_prediction_mean_confidence", SLOT, 0.549) | SERVES,
        {
            "at the limit": of("ml_prediction_mean_confidence", SLOT, 0.55) | SERVES,
            "retired": of("ml_prediction_mean_confidence", SLOT, 0.5) | RETIRED,
        },
    ),
    "UntrainedRequests": Case(
        15,
        of("ml_deployment_untrained_features", SLOT, 1, sort="unseen_label") | SERVES,
        {
            "let pass": of("ml_deployment_untrained_requests_ratio", SLOT, 0.001) | SERVES,
            "retired": of("ml_deployment_untrained_features", SLOT, 1, sort="constant") | RETIRED,
        },
    ),
    "DatasetStale": Case(5, fresh("STALE"), {"late": fresh("LATE"), "fresh": fresh("STALE", 0)}),
    "BuildOverdue": Case(
        5,
        of("ml_dataset_next_build_timestamp_seconds", TABLE, 0) | fresh("LATE"),
        {
            "due, and given some time": of("ml_dataset_next_build_timestamp_seconds", TABLE, 0)
            | fresh("FRESH")
            | fresh("LATE", 0),
            "of no rhythm": fresh("LATE"),
        },
    ),
    "JobFailed": Case(
        1,
        of("ml_job_last_state", 'job_name="build",environment="local"', 1, state="FAILED"),
        {
            "completed": of("ml_job_last_state", 'job_name="build"', 0, state="FAILED")
            | of("ml_job_last_state", 'job_name="build"', 1, state="COMPLETED"),
            "failed once": of("ml_job_runs", 'job_name="build"', 1, state="FAILED"),
        },
    ),
    "DataQualityHardFailure": Case(
        5,
        checks(1) | of("ml_dataset_retired", TABLE, 0),
        {
            "none failed": checks(0),
            "warnings": checks(3, "warn"),
            "of a retired deployment": checks(1) | of("ml_dataset_retired", TABLE, 1),
        },
    ),
    "QualityReportStale": Case(
        5,
        ages("+Inf+0x99", 43_201),
        {
            "checked": ages(43_201, 43_200.5),
            "an old version, checked": ages(900_000, 900_000),
            "just built": ages("+Inf+0x99", 43_200),
        },
    ),
    "BridgeDown": Case(
        5,
        {'up{job="lineage-bridge"}': 0},
        {"back again": {'up{job="lineage-bridge"}': "1 0 0 0 0 1+0x99"}},
    ),
    "BridgeScrapeIncomplete": Case(
        10,
        of("lineage_bridge_scrape_part_success", "", 0, part="health"),
        {"computed": of("lineage_bridge_scrape_part_success", "", 1, part="health")},
    ),
    "BridgeSeriesDropped": Case(
        10,
        of("lineage_bridge_series_dropped", "", 1, metric="ml_dataset_rows"),
        {"none": of("lineage_bridge_series_dropped", "", 0, metric="ml_dataset_rows")},
    ),
    "JournalNotForwarding": Case(
        15,
        forwarded(3, 100) | {"lineage_bridge_marquez_up": 0},
        {
            "a backfill on its way": forwarded(900, "0+10x99") | {"lineage_bridge_marquez_up": 1},
            "all sent": forwarded(0, 100) | {"lineage_bridge_marquez_up": 0},
            "of a former Marquez": forwarded(3, 100),
        },
    ),
    "EventsRefused": Case(
        5, REFUSED, {"repaired": of("lineage_bridge_forward_events", MARQUEZ, 0, state="dead")}
    ),
    "MarquezNotFollowed": Case(
        15,
        of("lineage_bridge_follow_failing", FEED, 1),
        {
            "it answers": of("lineage_bridge_follow_failing", FEED, 0),
            "read an hour ago": at_second(AUDIT, 0, FEED),
        },
    ),
    "QuarantineGrowing": Case(
        1,
        {UNREADABLE: "2+0x61 3+0x99"},
        {
            "none": {UNREADABLE: 0},
            "of yesterday": {UNREADABLE: 2},
            "mended": {UNREADABLE: "3+0x61 1+0x99"},
        },
        since=62,
    ),
    "WatcherDead": Case(
        5,
        at_second(WATCHED, -1_801),
        {"a long pass": at_second(WATCHED, -1_000), "stopped": {}},
    ),
    "ObservationTooOld": Case(
        5, at_second(ARRIVAL, -86_401), {"a quiet day": at_second(ARRIVAL, -80_000)}
    ),
}
