"""A small platform for tests of what is shown of it: two builds, two trainings, two deployments.

Everything happens in one morning; minutes are those of `builders.at`. The names of the second
deployment are as hostile as an upstream can make them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from builders import NS, a_facet, an_event, at

from lineage_bridge.assess.freshness import FreshnessPolicy, assess_freshness, freshness_facet
from lineage_bridge.events import Dataset, Event
from lineage_bridge.facets.deployment import DeploymentFacet
from lineage_bridge.facets.drift import DriftFacet
from lineage_bridge.facets.feature_set import FeatureSetFacet
from lineage_bridge.facets.freshness import FreshnessFacet
from lineage_bridge.facets.serving_health import ServingHealthFacet
from lineage_bridge.facets.training import TrainingFacet
from lineage_bridge.facets.validation import ValidationFacet
from lineage_bridge.naming import Slot
from lineage_bridge.times import format_time

SLOT = Slot("taxi", "production", "dep-1")
HOSTILE = '</script><b a="1">\\\n"é'
SICK_SLOT = Slot("taxi", "canary", HOSTILE)
COUNTED = ("requests", "successes", "failures", "rejected", "timeouts", "predictions")


def a_build(
    minute: float = 0,
    *,
    name: str = "features.mobility.trips",
    version: str = "2026-04-07T08:00:00Z",
    started: float | None = None,
    built: datetime | None = None,
    rows: int = 1200,
    limits: tuple[float, float] = (1800.0, 3600.0),
) -> list[Event]:
    """A build; with a START where a start is known."""
    finding = assess_freshness(
        build_time=built or at(minute),
        data_time=at(minute - 10),
        at=at(minute),
        policy=FreshnessPolicy(*limits),
    )
    own = {
        FreshnessFacet.key: freshness_facet(finding).as_json(),
        FeatureSetFacet.key: a_facet(
            FeatureSetFacet.key, {"featureCount": 22, "positiveRate": 0.25}
        ),
        "dataQualityMetrics": a_facet("dataQualityMetrics", {"rowCount": rows, "bytes": 4096}),
    }
    output = Dataset(NS, name, version, own)
    job = f"build.{name.removeprefix('features.')}"
    return _run(job, version, started, minute, ["main.trips"], [output])


def a_training(
    minute: float = 20,
    *,
    model: str = "default",
    version: str = "v1",
    started: float | None = 15,
    features: str = "features.mobility.trips@2026-04-07T08:00:00Z",
    auc: float = 0.91,
) -> list[Event]:
    """A training; with a START where a start is known."""
    reported = {
        "upstreamRunId": version,
        "model": model,
        "metrics": {"auc": auc, "log_loss": 0.3},
    }
    run_facets = {TrainingFacet.key: a_facet(TrainingFacet.key, reported)}
    output = Dataset(
        NS,
        f"models.{model}",
        version,
        {"datasetType": a_facet("datasetType", {"datasetType": "MODEL"})},
    )
    return _run(f"train.{model}", version, started, minute, [features], [output], run_facets)


def a_start(
    minute: float = 30, *, slot: Slot = SLOT, model: str = "default", version: str = "v1"
) -> Event:
    """One start of one instance of a deployment."""
    facts = {
        "service": slot.service,
        "environment": slot.environment,
        "deployment": slot.deployment,
        "model": f"p5_{model}",
        "modelVersion": version,
    }
    return an_event(
        slot.job,
        minute,
        run=f"{minute}",
        state="START",
        inputs=[f"models.{model}@{version}"],
        outputs=[f"{slot.predictions}@{model}/{version}"],
        streaming=True,
        run_facets={DeploymentFacet.key: a_facet(DeploymentFacet.key, facts)},
    )


def a_look(
    minute: float = 45,
    *,
    slot: Slot = SLOT,
    counts: Mapping[str, int] | None = None,
    reasons: Sequence[Mapping[str, Any]] = (),
    model: str = "default",
    version: str = "v1",
) -> Event:
    """What an observer found of a deployment."""
    health = a_facet(
        ServingHealthFacet.key, _health(minute, slot, counts or {}, reasons, model, version)
    )
    seen = Dataset(NS, slot.predictions, None, {ServingHealthFacet.key: health})
    return an_event(f"observe.{slot.predictions}", minute, run=f"{minute}", inputs=[seen])


def a_check(
    minute: float = 1,
    *,
    name: str = "features.mobility.trips",
    version: str = "2026-04-07T08:00:00Z",
    failed: Mapping[str, str] | None = None,
) -> Event:
    """What the checks found in a version: what failed, with what was found, and one that passed."""
    bad = [
        {"code": code, "status": "failed", "severity": "error", "actual": actual}
        for code, actual in (failed or {}).items()
    ]
    checks = [*bad, {"code": "rows", "status": "passed", "severity": "error", "actual": "1,200"}]
    facet = {
        "status": "error" if bad else "passed",
        "evaluatedAt": format_time(at(minute)),
        "errors": len(bad),
        "warnings": 0,
        "passed": 1,
        "skipped": 0,
        "versionsBefore": 0,
        "checks": checks,
    }
    own = {ValidationFacet.key: a_facet(ValidationFacet.key, facet)}
    seen = Dataset(NS, name, version, own)
    return an_event(f"observe.{name}", minute, run=version, inputs=[seen])


def a_drift(
    minute: float = 46,
    *,
    slot: Slot = SLOT,
    model: str = "p5_default",
    version: str = "v1",
    moved: Mapping[str, str] | None = None,
    within: Collection[str] = (),
    status: str = "judged",
    answers: str | None = None,
    unseen: Collection[str] = (),
    **window_fields: Any,
) -> Event:
    """What was found of a deployment's log: by feature, what varies so by itself, and answers.

    `unseen` are features with labels that were never trained; `window_fields` are those of the
    facet's window that are not always there.
    """
    features = [
        _moved(name, severity, minute) | {"withinReferenceVariation": name in within}
        for name, severity in (moved or {}).items()
    ]
    worst = max((one["severity"] for one in features), key=SEVERITIES.index, default="none")
    drifted = sum(one["severity"] != "none" for one in features)
    window = {
        "hours": 24,
        "hoursWithRows": 1,
        "begin": format_time(at(minute - 60)),
        "rows": 500,
        "status": status,
        "severity": worst,
        "power": 0.9,
        "judged": len(features),
        "drifted": drifted,
        "driftedBeyondVariation": drifted - len(within),
        "share": drifted / max(1, len(features)),
        "features": features,
        **window_fields,
    }
    if answers is not None:
        window["answers"] = [_moved("prediction", answers, minute)]
    facet = {
        "status": status,
        "severity": worst,
        "evaluatedAt": format_time(at(minute)),
        "service": slot.service,
        "environment": slot.environment,
        "deployment": slot.deployment,
        "model": model,
        "modelVersion": version,
        "reference": {"dataset": "features.mobility.trips", "rows": 1200},
        "windows": [window],
        "untrained": {
            "requests": 500, "atLeast": 5, "atMost": 5, "ratio": 0.01, "perMinute": 0.5,
            "features": [_unseen(name, minute) for name in unseen],
        },
        "firstRow": format_time(at(minute - 60)),
        "hoursKnown": 1,
        "rowsKnown": 500,
        "policy": {
            "fewestRows": 30,
            "falseShare": 0.05,
            "warningPsi": 0.1,
            "criticalPsi": 0.2,
            "warningNew": 0.05,
            "criticalNew": 0.2,
            "untrainedFewest": 3,
            "untrainedShare": 0.01,
        },
    }  # fmt: skip
    own = {DriftFacet.key: a_facet(DriftFacet.key, facet)}
    log = Dataset(NS, slot.inference_log, f"{model}/{version}", own)
    job = f"observe.drift.{slot.inference_log}"
    return an_event(job, minute, run=f"{minute}", inputs=[log])


SEVERITIES = ("none", "warning", "critical")


def _unseen(name: str, minute: float) -> dict[str, Any]:
    counts = {"requests": 5, "requestsSince": 5, "since": format_time(at(minute - 60))}
    return {"feature": name, "sort": "unseen_label", "isFault": True, **counts}


def _moved(name: str, severity: str, minute: float) -> dict[str, Any]:
    found = {
        "feature": name,
        "kind": "number",
        "severity": severity,
        "psi": 0.15 * SEVERITIES.index(severity),
        "newShare": 0.0,
        "referenceNullShare": 0.0,
        "currentNullShare": 0.0,
    }
    return found | ({} if severity == "none" else {"since": format_time(at(minute - 60))})


def a_slow_reason(minute: float = 40) -> dict[str, Any]:
    """A reason as the facet carries it."""
    return {
        "code": "latency_p95_ms",
        "level": "degraded",
        "since": format_time(at(minute)),
        "endpoint": "/predict",
        "value": 750.0,
        "threshold": 500.0,
        "lower": 0.2,
    }


def a_platform() -> list[Event]:
    """All of it, in the order in which it happened."""
    return [
        *a_build(0, started=-2),
        *a_build(1, name="features.mobility.stops", built=at(60 * 24)),
        *a_training(20, started=15),
        *a_training(25, model="flaky", started=None),
        a_start(30),
        a_start(31, slot=SICK_SLOT, model="flaky"),
        a_look(45, counts={"requests": 100, "successes": 97, "failures": 3, "predictions": 94}),
        a_look(
            46,
            slot=SICK_SLOT,
            model="flaky",
            counts={"requests": 10, "successes": 10, "predictions": 10},
            reasons=[a_slow_reason()],
        ),
    ]


def _run(
    job: str,
    run: str,
    started: float | None,
    ended: float,
    inputs: Sequence[str],
    outputs: Sequence[Dataset],
    run_facets: Mapping[str, Any] | None = None,
) -> list[Event]:
    said: dict[str, Any] = {"inputs": inputs, "outputs": outputs, "run_facets": run_facets}
    start = [] if started is None else [an_event(job, started, run=run, state="START", **said)]
    return [*start, an_event(job, ended, run=run, **said)]


def _health(
    minute: float,
    slot: Slot,
    counts: Mapping[str, int],
    reasons: Sequence[Mapping[str, Any]],
    model: str,
    version: str,
) -> dict[str, Any]:
    status = "degraded" if reasons else "healthy"
    totals = {"windows": 15, **{name: counts.get(name, 0) for name in COUNTED}}
    named = {"model": f"p5_{model}", "modelVersion": version}
    endpoint = {
        "endpoint": "/predict",
        "status": status,
        "reasons": list(reasons),
        "windows": 15,
        "requests": totals["requests"],
        "lookbackSeconds": 900.0,
        "newestWindowEnd": format_time(at(minute)),
        "ratios": [
            {
                "code": "failure_ratio",
                "value": 0.03,
                "lower": 0.01,
                "upper": 0.08,
                "count": 3,
                "of": 100,
            }
        ],
        "latencyP50Ms": 20.0,
        "latencyP95Ms": 250.0,
        "latencyP99Ms": 300.0,
        "lastRequest": format_time(at(minute)),
    }
    return {
        "status": status,
        "reasons": list(reasons),
        "notes": [],
        "evaluatedAt": format_time(at(minute)),
        "environment": slot.environment,
        **named,
        "activationStartedAt": format_time(at(30)),
        "lookbackSeconds": 900.0,
        "windows": 15,
        "endpoints": [endpoint],
        "totals": totals,
        "totalsByVersion": [{**named, **totals}],
        "starts": 1,
        "flushes": 0,
        "instancesRunning": 1,
        "lastSignOfLife": format_time(at(minute)),
        "policy": {},
    }
