"""All checks on all versions of a dataset, one after the other in the order of their build."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from lineage_bridge.assess.checks.definition import (
    FIRST,
    Case,
    Check,
    Need,
    Status,
    Verdict,
    skipped,
)
from lineage_bridge.assess.checks.facts import Version
from lineage_bridge.assess.checks.policy import CheckPolicy, Severity
from lineage_bridge.assess.checks.registry import CHECKS


class Result(NamedTuple):
    """What one check found in one version.

    Attributes:
        severity: how bad it is that it fails, by the settings or else by its definition.
        against: the version that it was compared with; None: with none.
    """

    check: Check
    severity: Severity
    verdict: Verdict
    against: Version | None = None


class Report(NamedTuple):
    """What all checks found in one version."""

    version: Version
    results: tuple[Result, ...]

    def count(self, status: Status, severity: Severity | None = None) -> int:
        """Count the results of a status, of one severity or of both."""
        return sum(
            result.verdict.status == status and severity in {None, result.severity}
            for result in self.results
        )


def judge_versions(versions: Iterable[Version], policy: CheckPolicy) -> list[Report]:
    """Judge the versions of one dataset.

    Args:
        versions: in the order of their build.
        policy: what is expected of the dataset.
    """
    reports: list[Report] = []
    passed: dict[str, list[Version]] = {check.code: [] for check in CHECKS}
    earlier: list[Version] = []
    for version in versions:
        results = tuple(_result(check, version, policy, passed, earlier) for check in CHECKS)
        reports.append(Report(version, results))
        is_baseline = policy.baseline is not None and version.version == policy.baseline
        for check, _, found, _ in results:
            if is_baseline:
                passed[check.code] = [version]
            elif found.is_first or found.status == "passed":
                passed[check.code].append(version)
        earlier.append(version)
    return reports


def _result(
    check: Check,
    version: Version,
    policy: CheckPolicy,
    passed: Mapping[str, Sequence[Version]],
    earlier: Sequence[Version],
) -> Result:
    setting = policy.severity.get(check.code, check.severity)
    if setting == "off":
        return Result(check, check.severity, skipped("the settings switch it off"))
    case = Case(version, policy, passed[check.code], earlier)
    found = _missing(check, case) or check.judge(case)
    against = case.before if "reference" in check.needs and found.status != "skipped" else None
    return Result(check, setting, found, against)


def _missing(check: Check, case: Case) -> Verdict | None:
    """Say what the check needs and does not have; None if it has all."""
    for need in check.needs:
        is_there, reason = _NEEDS[need]
        if not is_there(case):
            if need == "reference":
                return _first(check, case)
            return skipped((need == "rows" and case.now.unread) or reason)
    return None


def _first(check: Check, case: Case) -> Verdict:
    """Say that there is nothing to compare with; later versions are compared with this one.

    Held against itself it shows whether it can be compared at all.
    """
    found = check.judge(case._replace(passed=(case.now,)))
    return found if found.status == "skipped" else FIRST


_NEEDS: Final[Mapping[Need, tuple[Callable[[Case], bool], str]]] = {
    "schema": (lambda case: case.now.columns is not None, "there is no schema to read"),
    "rows": (lambda case: case.now.profile is not None, "the rows were not read"),
    "time": (lambda case: case.now.roles.time is not None, "no column is known to be the time"),
    "entity": (
        lambda case: case.now.roles.entity is not None,
        "no column is known to be the entity",
    ),
    "target": (
        lambda case: case.now.roles.target is not None,
        "no column is known to be the target",
    ),
    "cutoff": (
        lambda case: case.now.roles.cutoff is not None,
        "no column is known to be the time of the features",
    ),
    "reference": (lambda case: case.before is not None, FIRST.reason),
}
