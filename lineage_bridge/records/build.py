"""Builds of feature datasets: source tables -> features @version, one COMPLETE for each.

The event is timed at the end of the build, as no artifact tells when it began.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Final

import msgspec

from lineage_bridge.assess.assertions import assertions_facet
from lineage_bridge.assess.freshness import (
    Freshness,
    FreshnessPolicy,
    assess_freshness,
    freshness_assertions,
    freshness_facet,
)
from lineage_bridge.events import (
    Dataset,
    Event,
    Job,
    run_event,
)
from lineage_bridge.facets import standard_facet
from lineage_bridge.facets.feature_set import FeatureSetFacet, Location
from lineage_bridge.facets.freshness import FreshnessFacet
from lineage_bridge.naming import (
    canonical_version,
    run_uuid,
    split_stem,
)
from lineage_bridge.records.columns import Column, lineage_facet, schema_facet, storable
from lineage_bridge.records.descriptions import described_job
from lineage_bridge.records.identity import (
    Bound,
    DatasetVersion,
    claimed_words,
    evidence_of,
    job_type,
)
from lineage_bridge.records.words import Claim, Reference, Source, subject_of
from lineage_bridge.times import format_time

_OF_FILES: Final = {
    "datasetType": standard_facet("datasetType", {"datasetType": "FILE", "subType": "FEATURES"}),
    "storage": standard_facet("storage", {"storageLayer": "file", "fileFormat": "parquet"}),
}
METADATA, MTIME = "metadata", "mtime"
SUBJECTS: Final = '["build",'  # how the subjects of all builds begin


class Build(msgspec.Struct, frozen=True, tag="build", kw_only=True):
    """One build of a feature dataset.

    Attributes:
        dataset: what was built; its name is the file's stem.
        reads: the tables that it was built from, each by the path of its database.
        built: when it was written; `built_basis` is the source of that (`metadata` or `mtime`).
        observed_from, observed_to: the first and last event time in it.
        table: the columns of the table that it was built from, as far as they are known.
        zoned: whether its event times name a zone.
        limits: the ages from which on it is late and stale by the settings of who said it, in
            seconds; None where those at hand count.
    """

    source: Source
    dataset: Claim
    reads: tuple[Reference, ...] = ()
    built: datetime
    built_basis: str = METADATA
    file_bytes: int | None = None
    rows: int | None = None
    columns: tuple[Column, ...] = ()
    table: tuple[Column, ...] = ()
    feature_count: int | None = None
    positive_rate: float | None = None
    entities: int | None = None
    observed_from: datetime | None = None
    observed_to: datetime | None = None
    zoned: bool | None = None
    target: str | None = None
    entity: str | None = None
    event_time: str | None = None
    flags: tuple[str, ...] = ()
    limits: tuple[float, float] | None = None

    SHAPE: ClassVar[int] = 1

    @property
    def base(self) -> str:
        """The stem without a build time in it: the name of all builds of the dataset."""
        return split_stem(self.dataset.name)[0]

    @property
    def version(self) -> str:
        """The version in the one spelling that all builds have."""
        return canonical_version(self.dataset.version or "")

    @property
    def subject(self) -> str:
        """What it tells of, in its own words: another artifact of this build has the same."""
        databases = [reference.path for reference in self.reads if reference.path]
        return subject_of("build", self.dataset.name, self.version, *databases)


@dataclass(frozen=True, slots=True)
class LinkedBuild:
    """A build with the identities that its words mean."""

    record: Build
    job: str
    dataset: DatasetVersion
    reads: tuple[Bound, ...]

    @property
    def datasets(self) -> list[DatasetVersion]:
        """All datasets that its event names, in that order."""
        return [*(b.dataset for b in self.reads if b.dataset is not None), self.dataset]

    @property
    def run_id(self) -> str:
        """One run for each version of the dataset."""
        dataset = self.dataset
        return run_uuid(dataset.namespace, self.job, json.dumps([dataset.name, dataset.version]))


def build_event(
    build: LinkedBuild, policy: FreshnessPolicy, supersedes: str | None = None
) -> Event:
    """Make the event of a build.

    Its freshness is judged at the event's own time, so the same artifact gives the same bytes.
    """
    record, dataset = build.record, build.dataset
    tables = [bound.dataset for bound in build.reads if bound.dataset is not None]
    links = [bound.as_link() for bound in build.reads]
    links.append(dataset.as_link("output", claimed_words(record.dataset), record.dataset.field))
    return run_event(
        "COMPLETE",
        record.built,
        Job(dataset.namespace, build.job, _job_facets(record.base)),
        build.run_id,
        inputs=[table.as_dataset(schema_facet(record.table)) for table in tables],
        outputs=[_output(build, policy)],
        evidence=evidence_of(record.source, links),
        supersedes=supersedes,
    )


def _job_facets(base: str) -> dict[str, Any]:
    return {**job_type("BUILD"), **described_job(f"Builds the feature dataset {base}.")}


def _output(build: LinkedBuild, policy: FreshnessPolicy) -> Dataset:
    record, freshness = build.record, _freshness(build.record, policy)
    tables = [bound.dataset for bound in build.reads if bound.dataset is not None]
    columns = storable(record.columns)
    own: dict[str, Any] = {
        **_standard(record, columns),
        **(lineage_facet(columns, *tables[0].key[:2]) if len(tables) == 1 else {}),
        FeatureSetFacet.key: _feature_set(record).as_json(),
        FreshnessFacet.key: freshness_facet(freshness).as_json(),
        **assertions_facet(freshness_assertions(freshness)),
    }
    statistics = {"rowCount": record.rows, "size": record.file_bytes, "fileCount": 1}
    has_rows = record.rows is not None
    of_run = {"outputStatistics": standard_facet("outputStatistics", statistics)}
    return replace(build.dataset.as_dataset(own), io_facets=of_run if has_rows else {})


def _standard(record: Build, columns: Sequence[Column]) -> dict[str, Any]:
    own = {**_OF_FILES, **schema_facet(columns)}
    quality = {
        "rowCount": record.rows,
        "bytes": record.file_bytes,
        "lastUpdated": format_time(record.observed_to) if record.observed_to else None,
    }
    metrics = {c.name: {"nullCount": c.nulls} for c in columns if c.nulls is not None}
    own["dataQualityMetrics"] = {
        **standard_facet("dataQualityMetrics", quality),
        "columnMetrics": metrics,
    }
    return own


def _feature_set(record: Build) -> FeatureSetFacet:
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
        footer_sha256=record.dataset.sha256,
        flags=tuple(record.flags) or None,
        location=Location(path=record.source.shown),
    )


def _freshness(record: Build, policy: FreshnessPolicy) -> Freshness:
    if record.limits is not None:
        policy = FreshnessPolicy(*record.limits)
    has_own = record.built_basis == METADATA
    return assess_freshness(
        build_time=record.built if has_own else None,
        file_time=None if has_own else record.built,
        data_time=record.observed_to,
        at=record.built,
        policy=policy,
    )
