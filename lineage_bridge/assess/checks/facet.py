"""What checks found, as the facet and as the assertions that an event has."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from lineage_bridge.assess.assertions import Assertion
from lineage_bridge.assess.checks.facts import Version
from lineage_bridge.assess.checks.judge import Report, Result
from lineage_bridge.facets.validation import CheckResult, ValidationFacet, ValidationStatus
from lineage_bridge.naming import canonical_version

MOST_COLUMNS: Final = 50  # that one check names: a file may have thousands, and all of them be bad


def validation_facet(report: Report, at: datetime, versions_before: int) -> ValidationFacet:
    """Return the facet of what was found.

    Args:
        report: of one version.
        at: the instant of the data.
        versions_before: earlier versions that were known.
    """
    rows = report.version.rows
    return ValidationFacet(
        status=status_of_report(report),
        evaluated_at=at,
        errors=report.count("failed", "error"),
        warnings=report.count("failed", "warn"),
        passed=report.count("passed"),
        skipped=report.count("skipped"),
        versions_before=versions_before,
        rows=rows if rows is None or rows >= 0 else None,  # what metadata says may be no number
        checks=tuple(map(_result, report.results)),
    )


def status_of_report(report: Report) -> ValidationStatus:
    """Return the worst severity that failed, else whether anything passed."""
    if report.count("failed", "error"):
        return "error"
    if report.count("failed", "warn"):
        return "warn"
    return "passed" if report.count("passed") else "unknown"


def _result(result: Result) -> CheckResult:
    against = None if result.against is None else version_label(result.against)
    return check_result(result, against)


def version_label(version: Version) -> str:
    """Return a version in the one spelling that all events have."""
    return canonical_version(version.version) if version.version else version.label


def check_result(result: Result, against: str | None) -> CheckResult:
    """Return what one check found; `against` is the version that it was compared with."""
    found = result.verdict
    return CheckResult(
        code=result.check.code,
        status=found.status,
        severity=result.severity,
        unit=result.check.unit or None,
        actual=found.actual or None,
        expected=found.expected or None,
        columns=found.columns[:MOST_COLUMNS] or None,
        against=against,
        reason=found.reason or None,
    )


def check_assertions(report: Report) -> Iterator[Assertion]:
    """Yield whether each check holds; nothing of one that was skipped.

    A check of several columns is asserted of each that it found, and as it held of all together.
    """
    for result in report.results:
        found = result.verdict
        if found.status == "skipped":
            continue
        has_failed = found.status == "failed"
        columns = found.columns[:MOST_COLUMNS] if has_failed else ()
        for column in columns or (None,):
            yield Assertion(
                result.check.code,
                success=not has_failed,
                column=column,
                severity=result.severity if has_failed else None,
                expected=found.expected or None,
                actual=found.actual or None,
            )
