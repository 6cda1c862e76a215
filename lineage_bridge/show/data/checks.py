"""What checks found, as tables and as the JSON shape that docs/json.md publishes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from lineage_bridge.show.formats import present
from lineage_bridge.show.statuses import counts, status_of
from lineage_bridge.show.tables import Column, Table
from lineage_bridge.times import format_time

if TYPE_CHECKING:
    from lineage_bridge.assess.checks.judge import Report, Result

_COLUMNS: Final = (
    Column("check", fold="anywhere", narrowest=14),
    Column("result"),
    Column("found", fold="blanks", narrowest=20),
    Column("expected", 6, fold="blanks", narrowest=14),
    Column("against", 4, fold="anywhere", narrowest=14),
)


def report_line(report: Report) -> str:
    """Say in a line how a version did: `a.parquet: 1 error, 20 passed, 9 skipped`."""
    return f"{report.version.name}: {counts(_look(result) for result in report.results)}"


def report_table(report: Report, *, every_check: bool) -> Table | None:
    """Make a table of what failed, or of every check; None where there is nothing to show."""
    shown = [
        result for result in report.results if every_check or result.verdict.status == "failed"
    ]
    if not shown:
        return None
    table = Table(*_COLUMNS)
    for result in shown:
        found = result.verdict
        table.add(
            result.check.code,
            status_of(_look(result)),
            found.reason or found.actual,
            found.expected,
            result.against.label if result.against is not None else "",
        )
    return table


def _look(result: Result) -> str:
    status = result.verdict.status
    return result.severity if status == "failed" else status


def checks_json(reports: Iterable[Report]) -> dict[str, Any]:
    """Make the document of `check --json`."""
    return {"versions": [_report(report) for report in reports]}


def _report(report: Report) -> dict[str, Any]:
    version = report.version
    return present(
        name=version.name,
        dataset=version.dataset,
        version=version.version,
        built=format_time(version.built) if version.built is not None else None,
        rows=version.rows,
        failed={
            "error": report.count("failed", "error"),
            "warn": report.count("failed", "warn"),
        },
        passed=report.count("passed"),
        skipped=report.count("skipped"),
        checks=[_result(result) for result in report.results],
    )


def _result(result: Result) -> dict[str, Any]:
    found = result.verdict
    return present(
        check=result.check.code,
        status=found.status,
        severity=result.severity,
        unit=result.check.unit or None,
        actual=found.actual or None,
        expected=found.expected or None,
        columns=[*found.columns] or None,
        against=result.against.name if result.against is not None else None,
        reason=found.reason or None,
    )
