"""Transformations: one run of a job that made tables of tables, all of them named in full.

The tool that ran it has names of its own for jobs and tables, by which others tell of the same run:
nothing of it has to be looked up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final, Literal

import msgspec

from lineage_bridge.events import Event, EventType, Job, run_event
from lineage_bridge.facets import standard_facet
from lineage_bridge.naming import run_uuid
from lineage_bridge.records.columns import Column, schema_facet, storable
from lineage_bridge.records.descriptions import described_job
from lineage_bridge.records.identity import (
    Bound,
    DatasetVersion,
    Link,
    claimed_words,
    evidence_of,
    job_type,
    not_made,
)
from lineage_bridge.records.words import Claim, Reference, Source, subject_of

JOB_TYPE: Final = "MODEL"  # what openlineage-dbt calls it as well

State = Literal["COMPLETE", "FAIL"]


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table that was written.

    Attributes:
        namespace, name: as OpenLineage names it.
        also: namespace and name that another producer has for it.
    """

    namespace: str
    name: str
    also: tuple[str, str] | None = None
    columns: tuple[Column, ...] = ()


class Transformation(msgspec.Struct, frozen=True, tag="transformation", kw_only=True):
    """One run of a job.

    Attributes:
        job: its name, in the words of the tool.
        run: tells its runs apart: the tool's id of an invocation.
        started: None where the tool does not say.
        reads: tables, each named in full.
        description: what the job does, in a sentence.
    """

    source: Source
    job: str
    run: str
    started: datetime | None = None
    ended: datetime
    state: State = "COMPLETE"
    reads: tuple[Reference, ...] = ()
    writes: tuple[Table, ...] = ()
    description: str = ""

    SHAPE: ClassVar[int] = 1

    @property
    def subject(self) -> str:
        """What it tells of: one invocation of one job."""
        return subject_of("transformation", self.job, self.run)


@dataclass(frozen=True, slots=True)
class LinkedTransformation:
    """A transformation, with its tables as the identities that they are."""

    record: Transformation
    namespace: str

    @property
    def job(self) -> str:
        """Its job."""
        return self.record.job

    @property
    def run_id(self) -> str:
        """One run for each invocation."""
        return run_uuid(self.namespace, self.job, self.record.run)

    @property
    def reads(self) -> tuple[Bound, ...]:
        """What it read."""
        return tuple(
            Bound(one, _named(one.namespace or "", one.name or "")) for one in self.record.reads
        )

    @property
    def writes(self) -> list[DatasetVersion]:
        """What it wrote."""
        return [_named(one.namespace, one.name) for one in self.record.writes]

    @property
    def datasets(self) -> list[DatasetVersion]:
        """All datasets that its events name, in that order."""
        return [*(one.dataset for one in self.reads if one.dataset is not None), *self.writes]


def _named(namespace: str, name: str) -> DatasetVersion:
    return DatasetVersion(namespace, name, None, Link("named", 1.0, "the artifact names it"))


def transformation_event(
    made: LinkedTransformation, event_type: EventType, supersedes: str | None = None
) -> Event:
    """Make the START or the end of a transformation."""
    record, pairs = made.record, list(zip(made.writes, made.record.writes, strict=True))
    links = [bound.as_link() for bound in made.reads]
    said = msgspec.structs.replace(
        claimed_words(Claim(name=record.job)),
        run_id=record.run,
        started=record.started,
        completed=record.ended,
    )
    links += [one.as_link("output", said) for one in made.writes] or [not_made(said, None)]
    facets = {**job_type(JOB_TYPE), **described_job(record.description or "Makes tables.")}
    return run_event(
        event_type,
        record.started if event_type == "START" and record.started else record.ended,
        Job(made.namespace, made.job, facets),
        made.run_id,
        inputs=[bound.dataset.as_dataset() for bound in made.reads if bound.dataset],
        outputs=[one.as_dataset(_facets(table)) for one, table in pairs],
        evidence=evidence_of(record.source, links),
        supersedes=supersedes,
    )


def _facets(table: Table) -> dict[str, Any]:
    found = schema_facet(storable(table.columns))
    if table.also is not None:
        namespace, name = table.also
        said = [{"namespace": namespace, "name": name, "type": "TABLE"}]
        found["symlinks"] = standard_facet("symlinks", {"identifiers": said})
    return found
