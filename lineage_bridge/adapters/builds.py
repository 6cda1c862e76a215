"""Feature datasets -> events: one COMPLETE for each build, timed at its end (no start is known)."""

from __future__ import annotations

from typing import Any

from lineage_bridge.adapters.linked import INTEGRATION, Build, evidence_of
from lineage_bridge.adapters.records import DatasetRecord
from lineage_bridge.assess.freshness import FreshnessPolicy, assess_freshness, freshness_facet
from lineage_bridge.events import Dataset, Event, Job, run_event
from lineage_bridge.facets import standard_facet
from lineage_bridge.facets.feature_set import FeatureSetFacet, Location
from lineage_bridge.facets.freshness import FreshnessFacet
from lineage_bridge.marquez_limits import MAX_FIELD_NAME
from lineage_bridge.times import format_time

JOB_TYPE = {"processingType": "BATCH", "integration": INTEGRATION, "jobType": "BUILD"}


def build_event(build: Build, policy: FreshnessPolicy, supersedes: str | None = None) -> Event:
    """Make the event of a build: source table -> features @version.

    Its freshness is judged at the event's own time, so the same artifact gives the same bytes.
    """
    record = build.record
    inputs = [build.source] if build.source is not None else []
    links = [d.as_link("input") for d in inputs] + [build.dataset.as_link("output")]
    return run_event(
        "COMPLETE",
        record.built,
        Job(build.dataset.namespace, build.job, {"jobType": standard_facet("jobType", JOB_TYPE)}),
        build.run_id,
        inputs=[d.as_dataset(_data_source(d.namespace)) for d in inputs],
        outputs=[_output(build, policy)],
        evidence=evidence_of(record.source, links),
        supersedes=supersedes,
    )


def _data_source(store: str) -> dict[str, Any]:
    """Make the facet from which Marquez makes its "source"; it cannot list sources without one."""
    return {"dataSource": standard_facet("dataSource", {"name": store, "uri": store})}


def _output(build: Build, policy: FreshnessPolicy) -> Dataset:
    record = build.record
    own: dict[str, Any] = {
        **_standard(record),
        FeatureSetFacet.key: _feature_set(record).as_json(),
        FreshnessFacet.key: _freshness(record, policy).as_json(),
    }
    statistics = {"rowCount": record.rows, "size": record.file_bytes, "fileCount": 1}
    return Dataset(
        build.dataset.namespace,
        build.dataset.name,
        build.dataset.version,
        own,
        {"outputStatistics": standard_facet("outputStatistics", statistics)}
        if record.rows is not None
        else {},
    )


def _standard(record: DatasetRecord) -> dict[str, Any]:
    own = {
        "datasetType": standard_facet(
            "datasetType", {"datasetType": "FILE", "subType": "FEATURES"}
        ),
        "storage": standard_facet("storage", {"storageLayer": "file", "fileFormat": "parquet"}),
    }
    columns = [c for c in record.columns if len(c.name) <= MAX_FIELD_NAME]
    if columns:
        fields = [{"name": c.name, "type": c.type} for c in columns]
        own["schema"] = standard_facet("schema", {"fields": fields})
    quality = {
        "rowCount": record.rows,
        "bytes": record.file_bytes,
        "lastUpdated": format_time(record.observed_to) if record.observed_to else None,
        "columnMetrics": {c.name: {"nullCount": c.nulls} for c in columns if c.nulls is not None},
    }
    own["dataQualityMetrics"] = standard_facet("dataQualityMetrics", quality)
    return own


def _feature_set(record: DatasetRecord) -> FeatureSetFacet:
    return FeatureSetFacet(
        target=record.target,
        entity=record.entity,
        event_time=record.event_time,
        feature_count=record.feature_count,
        positive_rate=record.positive_rate,
        entity_count=record.entities,
        observed_from=record.observed_from,
        observed_to=record.observed_to,
        event_time_zoned=record.zoned,
        footer_sha256=record.footer_sha256,
        flags=tuple(record.flags) or None,
        location=Location(path=record.source.shown),
    )


def _freshness(record: DatasetRecord, policy: FreshnessPolicy) -> FreshnessFacet:
    has_own = record.built_basis == "metadata"
    finding = assess_freshness(
        build_time=record.built if has_own else None,
        file_time=None if has_own else record.built,
        data_time=record.observed_to,
        at=record.built,
        policy=policy,
    )
    return freshness_facet(finding)
