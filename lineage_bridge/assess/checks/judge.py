"""All checks on all versions of a dataset, one after the other in the order of their build."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
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

MOST_PROFILES: Final = 7  # of versions that passed: a check that looks at days looks at so many


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
        versions: in the order of their build; each is taken when it is its turn.
        policy: what is expected of the dataset.
    """
    reports: list[Report] = []
    courses = {check.code: _Course() for check in CHECKS}
    earlier: list[Version] = []
    for version in versions:
        is_baseline = policy.baseline is not None and version.version == policy.baseline
        results = []
        for check in CHECKS:
            course = courses[check.code]
            case = Case(version, policy, course.passed, course.failures, earlier)
            results.append(result := _result(check, case))
            course.go_on(version, result.verdict, is_baseline=is_baseline)
        shown = replace(version, profile=None)
        reports.append(Report(shown, tuple(results)))
        earlier.append(shown)
    return reports


class _Course:
    """How one check did on the versions so far."""

    def __init__(self) -> None:
        self.passed: list[Version] = []
        self.failures = 0  # in a row; what was skipped is not counted

    def go_on(self, version: Version, found: Verdict, *, is_baseline: bool) -> None:
        if is_baseline or found.later == "alone":
            self.passed, self.failures = [version], 0
        elif found.status == "passed":
            self._add(version)
            self.failures = 0
        elif found.later == "also":
            self._add(version)
        elif found.status == "failed":
            self.failures += 1

    def _add(self, version: Version) -> None:
        """Add a version that passed; only the last ones keep their profiles, which are large."""
        self.passed.append(version)
        if len(self.passed) > MOST_PROFILES:
            self.passed[-MOST_PROFILES - 1] = replace(self.passed[-MOST_PROFILES - 1], profile=None)


def _result(check: Check, case: Case) -> Result:
    setting = case.policy.severity.get(check.code, check.severity)
    if setting == "off":
        return Result(check, check.severity, skipped("the settings switch it off"))
    found = _missing(check, case) or check.judge(case)
    is_compared = "reference" in check.needs and found.status != "skipped"
    return Result(check, setting, found, case.before if is_compared else None)


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
