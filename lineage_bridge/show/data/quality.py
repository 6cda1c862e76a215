"""What a home knows of inference logs, in tables and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, Final

from lineage_bridge.answers import DeploymentQuality
from lineage_bridge.facets.quality import Estimate, QualityFacet
from lineage_bridge.show.data.fairness import fairness_json, fairness_table
from lineage_bridge.show.data.values import value_text
from lineage_bridge.show.formats import present
from lineage_bridge.show.tables import Cell, Column, Table
from lineage_bridge.show.units import moment, percent
from lineage_bridge.times import format_time

_DEPLOYMENT: Final = Column("deployment", fold="anywhere", narrowest=16)
_MODEL: Final = Column("model", 2, fold="anywhere", narrowest=16)
_ANSWERED: Final = (
    _DEPLOYMENT,
    _MODEL,
    Column("rows", right=True),
    Column("again", 4, right=True),
    Column("no answer", 4, right=True),
    Column("unlabelled", 3, right=True),
    Column("first", 5),
    Column("last", 3),
)
_MEASURED: Final = (
    _DEPLOYMENT,
    _MODEL,
    Column("labelled", right=True),
    Column("accuracy"),
    Column("AUC", 3),
    Column("Brier", 4),
    Column("bias", 5),
    Column("mean error", 5),
)


def quality_tables(found: Iterable[DeploymentQuality], at: datetime) -> Iterator[Table]:
    """Make a table of who answered how much, and one of how good that was, if it is known."""
    listed = list(found)
    answered = Table(*_ANSWERED, title=f"Inference logs at {moment(at)}")
    measured = Table(*_MEASURED, title="How good the answers were (with bounds of 95 %)")
    has_labels = False
    for one in listed:
        for version in reversed(one.versions):
            answered.add(_place(one), _model(version), *_counts(version))
            if version.labelled:
                has_labels = True
                measured.add(_place(one), _model(version), *_measures(version))
        if not one.versions:
            answered.add(_place(one), "unknown", *[""] * 6)
    yield answered
    if has_labels:
        yield measured
    by_group = fairness_table(listed)
    if by_group is not None:
        yield by_group


def quality_json(found: Iterable[DeploymentQuality], at: datetime) -> dict[str, Any]:
    """Make the document of `inference --json` of deployments: `{"at", "deployments": [...]}`."""
    return {"at": format_time(at), "deployments": [_deployment_json(one) for one in found]}


def _deployment_json(one: DeploymentQuality) -> dict[str, Any]:
    return present(
        namespace=one.namespace,
        service=one.slot.service,
        environment=one.slot.environment,
        deployment=one.slot.deployment,
        age_seconds=one.age_seconds,
        findings=[_finding(version) for version in reversed(one.versions)],
        fairness=fairness_json(one.fairness),
    )


def _finding(found: QualityFacet) -> dict[str, Any]:
    return {name: value for name, value in found.as_json().items() if name[0] != "_"}


def _place(one: DeploymentQuality) -> str:
    place = f"{one.slot.environment}/{one.slot.deployment}"
    return place if one.namespace is None else f"{one.namespace}: {place}"


def _model(found: QualityFacet) -> str:
    return f"{found.model or ''}@{found.model_version or ''}"


def _counts(found: QualityFacet) -> Iterator[Cell]:
    yield f"{found.rows:,}"
    yield f"{found.duplicates or 0:,}"
    yield f"{(found.unanswered or 0) + (found.not_finite or 0):,}"
    yield "" if found.unlabelled_ratio is None else percent(found.unlabelled_ratio)
    yield moment(found.first_request)
    yield moment(found.last_request)


def _measures(found: QualityFacet) -> Iterator[Cell]:
    yield f"{found.labelled or 0:,}"
    yield _bounded(found.accuracy, percent)
    yield _bounded(found.auc, value_text)
    yield value_text(found.brier)
    yield _bounded(found.bias, value_text)
    yield _bounded(found.mean_absolute_error, value_text)


def _bounded(found: Estimate | None, text: Callable[[float], str]) -> str:
    if found is None:
        return ""
    if found.low is None or found.high is None:
        return text(found.value)
    return f"{text(found.value)} ({text(found.low)} … {text(found.high)})"
