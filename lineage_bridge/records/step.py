"""Steps of pipelines: one run of a job that read some files and wrote others; one COMPLETE each.

A step is less than a build or a training: nothing is known of what it does but its command, what
went in and what came out, by path and content.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, ClassVar, Final
from urllib.parse import unquote

import msgspec
import orjson

from lineage_bridge.events import Event, Job, run_event
from lineage_bridge.facets import standard_facet
from lineage_bridge.naming import encode_part, limit, run_uuid
from lineage_bridge.records.descriptions import described_job
from lineage_bridge.records.identity import (
    Bound,
    DatasetVersion,
    claimed_words,
    evidence_of,
    job_type,
)
from lineage_bridge.records.training import MODEL_FACETS
from lineage_bridge.records.words import Claim, Reference, Source, subject_of

JOB_TYPE: Final = "STEP"


def step_job(project: str, name: str) -> str:
    """Return `<project>.<step>`: what the job of a step is called."""
    return limit(f"{encode_part(project)}.{encode_part(name)}")


def step_of(job: str) -> tuple[str, str] | None:
    """Return project and step of a job; None of one that is called otherwise."""
    parts = job.split(".")
    return (unquote(parts[0]), unquote(parts[1])) if len(parts) == 2 else None


def file_dataset(project: str, path: Sequence[str]) -> str:
    """Return `files.<project>.<folder>.<file>`: what a file of a pipeline is called."""
    return limit(".".join(("files", *map(encode_part, (project, *path)))))


class Step(msgspec.Struct, frozen=True, tag="step", kw_only=True):
    """One run of one step.

    Attributes:
        project: the pipeline that the step is of.
        name: of the step within it.
        time: when its result was recorded, as far as its artifact knows.
        reads: files, each by its path within the project, with the hash of its content.
        writes: files and models; the version of each is the hash of its content.
        parameters: that it ran with, as text.
    """

    source: Source
    project: str
    name: str
    time: datetime
    reads: tuple[Reference, ...] = ()
    writes: tuple[Claim, ...] = ()
    parameters: dict[str, str] = {}

    SHAPE: ClassVar[int] = 1

    @property
    def content(self) -> str:
        """The hash of what it did: what went in, what came out, by which parameters."""
        reads = sorted([one.path or "", one.md5 or ""] for one in self.reads)
        writes = sorted([one.path or "", one.version or ""] for one in self.writes)
        said = orjson.dumps([reads, writes, sorted(self.parameters.items())])
        return sha256(said).hexdigest()[:32]

    @property
    def subject(self) -> str:
        """What it tells of: the same step with the same content is the same run."""
        return subject_of("step", self.project, self.name, self.content)


@dataclass(frozen=True, slots=True)
class LinkedStep:
    """A step with the identities that its words mean."""

    record: Step
    namespace: str
    reads: tuple[Bound, ...]
    writes: tuple[DatasetVersion, ...]

    @property
    def job(self) -> str:
        """Its job."""
        return step_job(self.record.project, self.record.name)

    @property
    def run_id(self) -> str:
        """One run for each content."""
        return run_uuid(self.namespace, self.job, self.record.subject)

    @property
    def datasets(self) -> list[DatasetVersion]:
        """All datasets that its event names, in that order."""
        return [*(b.dataset for b in self.reads if b.dataset is not None), *self.writes]


def step_event(step: LinkedStep, supersedes: str | None = None) -> Event:
    """Make the event of a step."""
    record = step.record
    links = [bound.as_link() for bound in step.reads]
    pairs = list(zip(step.writes, record.writes, strict=True))
    links += [one.as_link("output", claimed_words(claim), claim.field) for one, claim in pairs]
    return run_event(
        "COMPLETE",
        record.time,
        Job(step.namespace, step.job, _job_facets(record)),
        step.run_id,
        inputs=[bound.dataset.as_dataset() for bound in step.reads if bound.dataset],
        outputs=[one.as_dataset(_facets(claim)) for one, claim in pairs],
        run_facets=_parameters(record.parameters),
        evidence=evidence_of(record.source, links),
        supersedes=supersedes,
    )


def _job_facets(record: Step) -> dict[str, Any]:
    sentence = f"The step {record.name} of the pipeline {record.project}."
    return {**job_type(JOB_TYPE), **described_job(sentence)}


def _facets(claim: Claim) -> Mapping[str, Any]:
    return MODEL_FACETS if claim.what == "model" else {}


def _parameters(parameters: Mapping[str, str]) -> dict[str, Any]:
    if not parameters:
        return {}
    listed = [{"key": key, "value": value} for key, value in sorted(parameters.items())]
    fields = {"parameters": listed}
    return {"executionParameters": standard_facet("executionParameters", fields)}
