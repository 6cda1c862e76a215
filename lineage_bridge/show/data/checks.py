"""What checks found, as tables and as the JSON shape that docs/json.md publishes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from lineage_bridge.show.formats import present
from lineage_bridge.show.statuses import counts, status_of
from lineage_bridge.show.tables import Column, Table
from lineage_bridge.times import format_time

if TYPE_CHECKING:
    from lineage_bridge.answers import DatasetChecks
    from lineage_bridge.assess.checks.judge import Report
    from lineage_bridge.facets.validation import CheckResult

_COLUMNS: Final = (
    Column("check", fold="anywhere", narrowest=14),
    Column("result"),
    Column("found", fold="blanks", narrowest=20),
    Column("expected", 6, fold="blanks", narrowest=14),
    Column("against", 4, fold="anywhere", narrowest=14),
)


@dataclass(frozen=True, slots=True)
class Checked:
    """A version as it is shown, whether it was read now or the home knows of it.

    Attributes:
        name: the file, or the dataset and version.
        dataset, version, built, rows: as far as they are known.
        status: `passed`, `warn`, `error`, or `unknown`.
        results: of every check; none where nothing is known.
        labels: what versions that it was compared with are called in a table, if not by name.
    """

    name: str
    dataset: str | None
    version: str | None
    built: datetime | None
    rows: int | None
    status: str
    results: tuple[CheckResult, ...]
    labels: dict[str, str]

    def failed(self, severity: str) -> int:
        """Count the checks of a severity that failed."""
        return sum(_failed(one) and one.severity == severity for one in self.results)


def checked_file(report: Report) -> Checked:
    """Return what was found in a file."""
    from lineage_bridge.assess.checks.facet import check_result, status_of_report

    version, others = report.version, [one.against for one in report.results]
    names = [None if other is None else other.name for other in others]
    results = zip(report.results, names, strict=True)
    return Checked(
        version.name,
        version.dataset,
        version.version,
        version.built,
        version.rows,
        status_of_report(report),
        tuple(check_result(result, name) for result, name in results),
        {other.name: other.label for other in others if other is not None},
    )


def checked_version(one: DatasetChecks) -> Checked:
    """Return what the home knows of a version of a dataset."""
    facet, name = one.facet, one.node.name
    results = () if facet is None else facet.checks
    labels = {f"{name}@{result.against}": result.against for result in results if result.against}
    return Checked(
        f"{name}@{one.version}" if one.version is not None else name,
        name,
        one.version,
        one.built,
        None if facet is None else facet.rows,
        one.status,
        tuple(_against(result, name) for result in results),
        labels,
    )


def _against(result: CheckResult, dataset: str) -> CheckResult:
    import msgspec

    if result.against is None:
        return result
    return msgspec.structs.replace(result, against=f"{dataset}@{result.against}")


def checks_line(one: Checked) -> str:
    """Say in a line how a version did: `a.parquet: 1 failed, 20 passed, 9 skipped`."""
    said = counts(_look(result) for result in one.results) or "unknown: nobody looked into it"
    return f"{one.name}: {said}"


def checks_table(one: Checked, *, every_check: bool) -> Table | None:
    """Make a table of what failed, or of every check; None where there is nothing to show."""
    shown = [result for result in one.results if every_check or _failed(result)]
    if not shown:
        return None
    table = Table(*_COLUMNS)
    for result in shown:
        against = result.against or ""
        table.add(
            result.code,
            status_of(_look(result)),
            result.reason or result.actual or "",
            result.expected or "",
            one.labels.get(against, against),
        )
    return table


def failed_table(found: Iterable[Checked]) -> Table:
    """Make a table of what failed in several versions, errors first."""
    columns = (Column("version", fold="anywhere", narrowest=24), *_COLUMNS[:-1])
    failed = [(one.name, result) for one in found for result in one.results if _failed(result)]
    failed.sort(key=lambda item: item[1].severity != "error")
    table = Table(*columns, title="What failed in datasets")
    for name, result in failed:
        look = status_of(_look(result))
        table.add(name, result.code, look, result.actual or "", result.expected or "")
    return table


def _failed(result: CheckResult) -> bool:
    return result.status == "failed"


def _look(result: CheckResult) -> str:
    return result.severity if _failed(result) else result.status


def checks_json(found: Iterable[Checked]) -> dict[str, Any]:
    """Make the document of `check --json`."""
    return {"versions": [_version(one) for one in found]}


def _version(one: Checked) -> dict[str, Any]:
    by_status = Counter(result.status for result in one.results)
    return present(
        name=one.name,
        dataset=one.dataset,
        version=one.version,
        built=format_time(one.built) if one.built is not None else None,
        rows=one.rows,
        status=one.status,
        failed={"error": one.failed("error"), "warn": one.failed("warn")},
        passed=by_status["passed"],
        skipped=by_status["skipped"],
        checks=[_result(result) for result in one.results],
    )


def _result(result: CheckResult) -> dict[str, Any]:
    return present(
        check=result.code,
        status=result.status,
        severity=result.severity,
        unit=result.unit,
        actual=result.actual,
        expected=result.expected,
        columns=[*result.columns] if result.columns else None,
        against=result.against,
        reason=result.reason,
    )
