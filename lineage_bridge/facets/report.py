"""`lineageBridge_report`: what another tool found when it looked at a dataset."""

from __future__ import annotations

from typing import Annotated

from lineage_bridge.facets.definition import Count, Facet, doc


class ReportFacet(Facet, frozen=True, kw_only=True):
    """Who looked, with how many checks. What was found is in `dataQualityAssertions`.

    Source: the tool's own report. No row and no traceback of it is in here.
    """

    key = "lineageBridge_report"
    schema = "LineageBridgeReportRunFacet"
    released = "0.2.0"

    tool: Annotated[str, doc("Who judged: `dbt`, `great_expectations`, `evidently`.")]
    tool_version: Annotated[str | None, doc("Its version; absent where it does not say.")] = None
    suite: Annotated[str | None, doc("What it calls the set of checks.")] = None
    passed: Annotated[Count, doc("Checks that held.")]
    failed: Annotated[Count, doc("Checks that did not hold, whatever their severity.")]
    errors: Annotated[Count | None, doc("Checks that could not be run, or say nothing.")] = None
    time_is_mtime: Annotated[
        bool | None, doc("The report has no time: it is that of its file; absent otherwise.")
    ] = None
