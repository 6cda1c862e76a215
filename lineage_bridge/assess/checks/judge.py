"""All checks on all versions of a dataset, one after the other in the order of their build.

What a check compares a version with follows from how it came out on the versions before. So whoever
keeps their facts and these outcomes can go on with the next version, and judges none again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from lineage_bridge.assess.checks.definition import (
    FIRST,
    Case,
    Check,
    CheckOf,
    Later,
    Need,
    Status,
    Verdict,
    skipped,
)
from lineage_bridge.assess.checks.facts import Version
from lineage_bridge.assess.checks.policy import CheckPolicy, Severity
from lineage_bridge.assess.checks.registry import CHECKS
from lineage_bridge.profiles.profile import Profile


class Result(NamedTuple):
    """What one check found in one version.

    Attributes:
        severity: how bad it is that it fails, by the settings or else by its definition.
        against: the version that it was compared with; None: with none.
    """

    check: CheckOf[Any]
    severity: Severity
    verdict: Verdict
    against: Version | None = None


class Report(NamedTuple):
    """What all checks found in one version."""

    version: Version
    results: tuple[Result, ...]

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """What later versions depend on, by the check's code."""
        return {
            result.check.code: Outcome(result.verdict.status, result.verdict.later)
            for result in self.results
        }

    def count(self, status: Status, severity: Severity | None = None) -> int:
        """Count the results of a status, of one severity or of both."""
        return sum(
            result.verdict.status == status and severity in {None, result.severity}
            for result in self.results
        )


class Outcome(NamedTuple):
    """What of a verdict decides what later versions are compared with; see `Verdict`."""

    status: Status
    later: Later = ""


def judge_versions(versions: Iterable[Version], policy: CheckPolicy) -> list[Report]:
    """Judge the versions of one dataset.

    Args:
        versions: in the order of their build; each is taken when it is its turn.
        policy: what is expected of the dataset.
    """
    course = Course(policy)
    return [course.judge(version) for version in versions]


class Course:
    """How all checks did on the versions of a dataset so far.

    Args:
        policy: what is expected of the dataset.
    """

    def __init__(self, policy: CheckPolicy) -> None:
        self._policy = policy
        self._by_check = {check.code: _CourseOfCheck(check.looks_back) for check in CHECKS}
        self._earlier: list[Version] = []

    def judge(self, version: Version) -> Report:
        """Judge the next version in the order of their build."""
        results = []
        for check in CHECKS:
            course = self._by_check[check.code]
            case = Case(version, self._policy, course.passed, course.failures, self._earlier)
            results.append(_result(check, case))
        found = Report(replace(version, profile=None), tuple(results))
        self._go_on(version, found.version, found.outcomes)
        return found

    def pass_by(self, version: Version, outcomes: Mapping[str, Outcome]) -> None:
        """Go past a version that was judged before, and came out like this."""
        self._go_on(version, version, outcomes)

    def looked_at(self) -> set[Version]:
        """Return the versions whose rows the next version is compared with."""
        courses = self._by_check.values()
        return {version for course in courses for _, version in course.looked_at()}

    def recall_rows(self, profile_of: Callable[[Version], Profile | None]) -> None:
        """Load the profiles that the next version is compared with, of versions passed by."""
        known: dict[Version, Version] = {}
        for course in self._by_check.values():
            for index, version in course.looked_at():
                if version.profile is not None:
                    continue
                if version not in known:
                    known[version] = replace(version, profile=profile_of(version))
                course.passed[index] = known[version]

    def _go_on(self, version: Version, shown: Version, outcomes: Mapping[str, Outcome]) -> None:
        is_baseline = self._policy.baseline is not None and version.version == self._policy.baseline
        for code, course in self._by_check.items():
            outcome = outcomes.get(code, Outcome("skipped"))
            course.go_on(version, outcome, is_baseline=is_baseline)
        self._earlier.append(shown)


class _CourseOfCheck:
    """How one check did on the versions so far.

    Args:
        looks_back: of how many versions that passed it looks at the rows.
    """

    def __init__(self, looks_back: int) -> None:
        self.passed: list[Version] = []
        self.failures = 0  # in a row; what was skipped is not counted
        self._looks_back = looks_back

    def go_on(self, version: Version, found: Outcome, *, is_baseline: bool) -> None:
        if is_baseline or found.later == "alone":
            self.passed, self.failures = [version], 0
        elif found.status == "passed":
            self._add(version)
            self.failures = 0
        elif found.later == "also":
            self._add(version)
        elif found.status == "failed":
            self.failures += 1

    def looked_at(self) -> list[tuple[int, Version]]:
        """List the versions whose rows the check looks at, with their places."""
        first = max(0, len(self.passed) - self._looks_back)
        return list(enumerate(self.passed[first:], first))

    def _add(self, version: Version) -> None:
        """Add a version that passed; only the last ones keep their profiles, which are large."""
        self.passed.append(version)
        index = len(self.passed) - self._looks_back - 1
        if index >= 0 and self.passed[index].profile is not None:
            self.passed[index] = replace(self.passed[index], profile=None)


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
