"""The way back: the report that an event tells of."""

from __future__ import annotations

from datetime import datetime

from lineage_bridge.assess.assertions import assertions_in
from lineage_bridge.events import DatasetView, EventView, as_object
from lineage_bridge.facets import facet_in
from lineage_bridge.facets.freshness import FreshnessFacet
from lineage_bridge.facets.report import ReportFacet
from lineage_bridge.records.identity import links_of, source_of
from lineage_bridge.records.report import PRODUCERS, Age, Report
from lineage_bridge.records.words import reference_of


def recall_report(view: EventView, time: datetime) -> Report | None:
    """Return the record that an event of a report tells of; None if it is broken."""
    facet = facet_in(ReportFacet, view.run_facets)
    links = links_of(view, "input")
    if facet is None or facet.tool not in PRODUCERS or not links or not view.inputs:
        return None
    judged = view.inputs[0]
    rows = as_object(judged.facets.get("dataQualityMetrics")).get("rowCount")
    references = [reference_of(link.said, "dataset", field=link.field) for link in links]
    return Report(
        source=source_of(view),
        tool=facet.tool,
        tool_version=facet.tool_version,
        time=time,
        of=references[0],
        reference=references[1] if len(references) > 1 else None,
        suite=facet.suite,
        checks=tuple(assertions_in(judged.facets))[: facet.passed + facet.failed],
        errors=facet.errors or 0,
        rows=rows if isinstance(rows, int) else None,
        age=_age(judged),
        time_is_mtime=bool(facet.time_is_mtime),
    )


def _age(judged: DatasetView) -> Age | None:
    found = facet_in(FreshnessFacet, judged.facets)
    if found is None or found.warn_seconds is None or found.error_seconds is None:
        return None
    return Age(data_time=found.data_time, limits=(found.warn_seconds, found.error_seconds))
