"""Reports: another tool looked at a dataset, and judged it; one COMPLETE of its observer each.

The verdicts stay the tool's: the assertions carry it as their producer, and our own facets of
checks and drift say nothing of them. The age that a tool measured by limits of its own is an
exception: it is a time and two limits, which is what our freshness is made of.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final

import msgspec

from lineage_bridge.assess.assertions import ASSERTIONS, Assertion, assertions_facet
from lineage_bridge.assess.freshness import (
    Freshness,
    FreshnessPolicy,
    assess_freshness,
    freshness_assertions,
    freshness_facet,
)
from lineage_bridge.events import Event, Job, run_event
from lineage_bridge.facets import standard_facet
from lineage_bridge.facets.freshness import FreshnessFacet
from lineage_bridge.facets.report import ReportFacet
from lineage_bridge.naming import observe_job, run_uuid, short_name
from lineage_bridge.records.descriptions import described_job
from lineage_bridge.records.identity import Bound, DatasetVersion, evidence_of, job_type
from lineage_bridge.records.words import Reference, Source, subject_of
from lineage_bridge.times import format_time

PRODUCERS: Final = {
    "dbt": "https://github.com/dbt-labs/dbt-core",
    "great_expectations": "https://github.com/great-expectations/great_expectations",
    "evidently": "https://github.com/evidentlyai/evidently",
}


class Age(msgspec.Struct, frozen=True, kw_only=True):
    """How old a dataset was found to be.

    Attributes:
        data_time: of the newest row; None where the tool could not find it out.
        limits: the ages from which on it is late and stale by the tool's settings, in seconds.
    """

    data_time: datetime | None
    limits: tuple[float, float]


class Report(msgspec.Struct, frozen=True, tag="report", kw_only=True):
    """What one tool found in one dataset at one time.

    Attributes:
        tool: a key of `PRODUCERS`.
        of: the dataset that was looked at.
        reference: what it was held against, if it was held against another dataset.
        suite: what the tool calls the set of checks.
        checks: each with its verdict; what could not be judged is only counted in `errors`.
        rows: that were looked at, if the tool counted them.
        time_is_mtime: whether the time is the file's own.
    """

    source: Source
    tool: str
    tool_version: str | None = None
    time: datetime
    of: Reference
    reference: Reference | None = None
    suite: str | None = None
    checks: tuple[Assertion, ...] = ()
    errors: int = 0
    rows: int | None = None
    age: Age | None = None
    time_is_mtime: bool = False

    SHAPE: ClassVar[int] = 1

    @property
    def subject(self) -> str:
        """What it tells of: one look of a tool at a dataset."""
        of = [self.of.namespace, self.of.said]
        return subject_of("report", self.tool, self.suite, *of, format_time(self.time))


@dataclass(frozen=True, slots=True)
class LinkedReport:
    """A report with the datasets that its words mean.

    Attributes:
        before: what the same tool said of the dataset by other suites, and still holds: a reader
            keeps one facet of assertions, so it is said again.
    """

    record: Report
    namespace: str
    bound: tuple[Bound, ...]
    before: tuple[Assertion, ...] = ()

    @property
    def of(self) -> DatasetVersion:
        """The dataset that was looked at."""
        found = self.bound[0].dataset
        assert found is not None  # a report of nothing that is known is not linked
        return found

    @property
    def job(self) -> str:
        """One observer for each tool and dataset."""
        return observe_job(f"{self.record.tool}.{self.of.name}")

    @property
    def run_id(self) -> str:
        """One run for each report."""
        return run_uuid(self.namespace, self.job, self.record.subject)

    @property
    def datasets(self) -> list[DatasetVersion]:
        """All datasets that its event names, in that order."""
        return [one.dataset for one in self.bound if one.dataset is not None]


def report_event(report: LinkedReport, supersedes: str | None = None) -> Event:
    """Make the event of a report; it reads what was looked at, and makes nothing."""
    record, (judged, *others) = report.record, report.datasets
    return run_event(
        "COMPLETE",
        record.time,
        Job(report.namespace, report.job, _job_facets(record, judged)),
        report.run_id,
        inputs=[
            judged.as_dataset(_found(record, report.before)),
            *(one.as_dataset() for one in others),
        ],
        run_facets={ReportFacet.key: _facet(record).as_json()},
        evidence=evidence_of(record.source, [one.as_link() for one in report.bound]),
        supersedes=supersedes,
    )


def _job_facets(record: Report, of: DatasetVersion) -> dict[str, Any]:
    sentence = f"Tells what {record.tool} found in {short_name(of.name)}."
    return {**job_type("REPORT"), **described_job(sentence)}


def own_assertions(record: Report) -> tuple[Assertion, ...]:
    """Return all that a report asserts; that the dataset is not too old comes last."""
    age = _judged(record)
    return (*record.checks, *(freshness_assertions(age) if age is not None else ()))


def _judged(record: Report) -> Freshness | None:
    if record.age is None:
        return None
    policy = FreshnessPolicy(*record.age.limits)
    data_time = record.age.data_time
    return assess_freshness(build_time=None, data_time=data_time, at=record.time, policy=policy)


def _found(record: Report, before: tuple[Assertion, ...]) -> dict[str, Any]:
    found = assertions_facet(own_assertions(record), before)
    if found:
        at = f"/tree/{record.tool_version}" if record.tool_version else ""
        producer = PRODUCERS[record.tool] + at
        found[ASSERTIONS] = {**found[ASSERTIONS], "_producer": producer}
    if record.rows is not None:
        rows = standard_facet("dataQualityMetrics", {"rowCount": record.rows})
        found["dataQualityMetrics"] = {**rows, "columnMetrics": {}}
    age = _judged(record)
    if age is not None:
        found[FreshnessFacet.key] = freshness_facet(age).as_json()
    return found


def _facet(record: Report) -> ReportFacet:
    held = sum(check.success for check in record.checks)
    return ReportFacet(
        tool=record.tool,
        tool_version=record.tool_version,
        suite=record.suite,
        passed=held,
        failed=len(record.checks) - held,
        errors=record.errors or None,
        time_is_mtime=record.time_is_mtime or None,
    )
