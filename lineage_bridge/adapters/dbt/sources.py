"""`sources.json`: how old the newest row of each source was, by the limits that dbt was given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lineage_bridge.adapters.api import Problem
from lineage_bridge.adapters.artifact import Artifact
from lineage_bridge.adapters.dbt.documents import (
    MANIFEST,
    Criteria,
    Result,
    Results,
    Threshold,
    in_utc,
)
from lineage_bridge.adapters.dbt.project import Project
from lineage_bridge.errors import ArtifactError
from lineage_bridge.records import Age, Record, Report

_SECONDS: Final = {"minute": 60.0, "hour": 3600.0, "day": 86400.0}
NEVER_SECONDS: Final = 100 * 365 * 86400.0  # where only a warning is asked for


def records_of_sources(
    results: Results, project: Project, artifact: Artifact
) -> Iterator[Record | Problem]:
    """Yield a report for each source whose age was asked for."""
    for number, result in enumerate(results.results):
        try:
            yield _report(result, results, project, artifact)
        except ArtifactError as exc:
            field = f"results.{number}.{exc.field}" if exc.field else f"results.{number}"
            yield Problem(artifact.name, ArtifactError(exc.reason, field=field))


def _report(result: Result, results: Results, project: Project, artifact: Artifact) -> Report:
    asked = in_utc(result.snapshotted_at or results.metadata.generated_at)
    assert asked is not None
    failed = result.status == "runtime error"
    if not failed and result.max_loaded_at is None:
        raise ArtifactError("is missing", field="max_loaded_at")
    limits = _limits(result.criteria)
    if limits is None and not failed:
        raise ArtifactError("has no age, expected warn_after or error_after", field="criteria")
    return Report(
        source=artifact.source,
        tool="dbt",
        tool_version=results.metadata.dbt_version,
        time=asked,
        of=project.reference(result.unique_id, MANIFEST),
        suite="source freshness",
        errors=1 if failed else 0,
        age=Age(
            data_time=None if failed else in_utc(result.max_loaded_at),
            limits=limits or (NEVER_SECONDS, NEVER_SECONDS),
        ),
    )


def _limits(criteria: Criteria | None) -> tuple[float, float] | None:
    if criteria is None:
        return None
    warn, error = _seconds(criteria.warn_after), _seconds(criteria.error_after)
    if warn is None and error is None:
        return None
    if warn is None:
        return error or 0.0, error or 0.0
    return warn, NEVER_SECONDS if error is None else error


def _seconds(threshold: Threshold | None) -> float | None:
    if threshold is None or threshold.count is None or threshold.period is None:
        return None
    unit = _SECONDS.get(threshold.period)
    if unit is None or threshold.count < 0:
        raise ArtifactError(f"has the period {threshold.period[:20]!r}", field="criteria")
    return threshold.count * unit
