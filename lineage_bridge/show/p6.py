"""Answers in the JSON that P6 wrote: FreshnessResult, CheckReport and DeploymentHealthState.

P6 is the monitoring layer before this one, and programs read what it wrote. Its words are few: it
has no unknown, no late, no severity and no skipped. Where it has none for what was found, the
graver one that it has is taken, so that nothing looks better than it is; `detail` says the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from lineage_bridge.facets.deployment import DeploymentFacet
from lineage_bridge.naming import plain_names, version_time
from lineage_bridge.show.health import reason_lines
from lineage_bridge.times import format_time

if TYPE_CHECKING:
    from lineage_bridge.answers import DatasetFreshness, DeploymentHealth, Versioned
    from lineage_bridge.facets.validation import CheckResult
    from lineage_bridge.show.data.checks import Checked

# Idle is well, as everywhere here; P6 called silence unhealthy, as it would what nobody knows.
_HEALTH: Final[Mapping[str, str]] = {
    "healthy": "healthy",
    "idle": "healthy",
    "degraded": "degraded",
    "unhealthy": "unhealthy",
    "unknown": "unhealthy",
}
_NO_REASON: Final = "all checks passed"  # as P6 said it
_CHECKS: Final[Mapping[str, str]] = {"readable": "valid_json"}  # of its metadata, ours -> P6's


def freshness_results(
    found: Iterable[DatasetFreshness], names: Iterable[str]
) -> list[dict[str, Any]]:
    """Make a FreshnessResult of each dataset that has an age; P6 has none of the others.

    `freshness_seconds` is the time since the build, as in P6; where nobody knows the build, it is
    that of the clock that decided. The status is by all clocks.

    Args:
        found: the datasets.
        names: of all datasets in the graph.
    """
    plain = plain_names(names)
    return [
        {
            "dataset_name": plain[one.node.name],
            "dataset_version": _version(one.version),
            "freshness_seconds": round(seconds, 1),
            "status": "FRESH" if one.finding.status == "FRESH" else "STALE",
        }
        for one in found
        if (seconds := _age_seconds(one)) is not None
    ]


def _age_seconds(one: DatasetFreshness) -> float | None:
    """Return how old it is, less than zero if its time lies in the future."""
    finding = one.finding
    time = finding.build_time or finding.data_time or finding.effective_time
    return None if time is None else (finding.evaluated_at - time).total_seconds()


def check_reports(found: Iterable[Checked]) -> list[dict[str, Any]]:
    """Make a CheckReport of each version: what passed and what failed, whatever its severity.

    P6 ended at the first check that made others impossible; so what was skipped is left out.
    """
    return [_report(one) for one in found]


def _report(one: Checked) -> dict[str, Any]:
    is_metadata = one.name.lower().endswith(".json")
    judged = [result for result in one.results if result.status != "skipped"]
    results = [_result(result, _CHECKS if is_metadata else {}) for result in judged]
    return {
        "metadata_path": one.name,
        "all_passed": bool(results) and all(result["passed"] for result in results),
        "results": results,
    }


def _result(result: CheckResult, names: Mapping[str, str]) -> dict[str, Any]:
    has_passed = result.status == "passed"
    detail = "" if has_passed else f"{result.actual} (expected: {result.expected})"
    return {"check": names.get(result.code, result.code), "passed": has_passed, "detail": detail}


def health_states(found: Iterable[DeploymentHealth]) -> list[dict[str, Any]]:
    """Make a DeploymentHealthState of each deployment.

    Model, bundle and dataset are called as the service itself calls them, where it told of that.
    """
    return [_state(one) for one in found]


def _state(one: DeploymentHealth) -> dict[str, Any]:
    facet, status = one.facet, one.health.status
    newest = None if facet is None else facet.newest_window_end
    return {
        "deployment_id": one.slot.deployment,
        **_served(one),
        "status": _HEALTH[status],
        "evaluated_windows": (0 if facet is None else facet.windows or 0),
        "latest_window_end": None if newest is None else format_time(newest),
        "missing_window_count": int(sum(_missing(one))),
        "detail": _detail(one),
    }


def _served(one: DeploymentHealth) -> dict[str, str]:
    run = None if one.activation is None else one.activation.runs[-1]
    start = None if run is None else run.facets.of(DeploymentFacet)
    model, dataset, bundle = _named(one.model), _named(one.dataset), None
    if start is not None:
        model = start.model, start.model_version
        dataset = start.input_dataset or "", start.input_dataset_version or ""
        bundle = None if start.location is None else start.location.bundle_id
    elif one.facet is not None:
        model = one.facet.model or "", one.facet.model_version or ""
    return {
        "model_name": model[0],
        "model_version": model[1],
        "bundle_id": bundle or "",
        "input_dataset_name": dataset[0],
        "input_dataset_version": dataset[1],
    }


def _named(one: Versioned | None) -> tuple[str, str]:
    if one is None:
        return "", ""
    return plain_names([one.name])[one.name], _version(one.version)


def _missing(one: DeploymentHealth) -> Iterator[float]:
    for reason in one.health.reasons:
        if reason.code == "windows_missing":
            yield reason.value or 0


def _detail(one: DeploymentHealth) -> str:
    text = "; ".join(reason_lines(one)) or _NO_REASON
    status = one.health.status
    return text if status == _HEALTH[status] else f"{status}: {text}"


def _version(version: str | None) -> str:
    """Spell a version as P6 does: an instant with `+00:00`."""
    instant = None if version is None else version_time(version)
    return version or "" if instant is None else instant.isoformat()
