"""Trainings: features @version -> a model @version; START where a start is known, then COMPLETE."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final, Literal

import msgspec

from lineage_bridge.events import (
    Event,
    EventType,
    Job,
    run_event,
)
from lineage_bridge.facets import standard_facet
from lineage_bridge.facets.training import Location, TrainingFacet
from lineage_bridge.naming import one_spelling, short_name
from lineage_bridge.records.descriptions import described_job
from lineage_bridge.records.identity import (
    Bound,
    DatasetVersion,
    claimed_words,
    evidence_of,
    job_type,
)
from lineage_bridge.records.words import Claim, Reference, Source, subject_of

MODEL_FACETS: Final = {"datasetType": standard_facet("datasetType", {"datasetType": "MODEL"})}
MISPLACED: Final = "run_id_not_folder"  # the flag of an artifact in the folder of another run

SUBJECTS: Final = '["training",'  # how the subjects of all trainings begin
NOT_FINITE: Final = "not_finite:"  # how the flag of a metric begins that is infinite or NaN

TimeBasis = Literal["utc", "unzoned"]


class Training(msgspec.Struct, frozen=True, tag="training", kw_only=True):
    """One training run and the model that came out of it.

    Attributes:
        run_id: as the upstream spells it.
        model: what was made.
        reads: the datasets that were trained on; the first one is the training set.
        started, completed: None where unknown; `created` is the fallback for `completed`.
        metrics: every number that was reported, by name.
        parameters: hyper-parameters, as text.
        time_basis: `utc`, or `unzoned` where the artifact's times are local and name no zone.
    """

    source: Source
    run_id: str
    model: Claim
    reads: tuple[Reference, ...] = ()
    model_type: str | None = None
    started: datetime | None = None
    completed: datetime | None = None
    created: datetime | None = None
    metrics: dict[str, float] = {}
    parameters: dict[str, str] = {}
    artifact_uri: str | None = None
    time_basis: TimeBasis = "utc"
    flags: tuple[str, ...] = ()

    SHAPE: ClassVar[int] = 2

    @property
    def ended(self) -> datetime:
        """When it completed, or the best guess of that."""
        ended = self.completed or self.created
        assert ended is not None  # every adapter ensures one of the two
        return ended

    @property
    def subject(self) -> str:
        """What it tells of: a run id has several spellings, and no two runs share one."""
        return subject_of("training", self.model.within, one_spelling(self.run_id))


@dataclass(frozen=True, slots=True)
class LinkedTraining:
    """A training with the identities that its words mean.

    Attributes:
        ended: when it completed, in UTC.
    """

    record: Training
    job: str
    run_id: str
    reads: tuple[Bound, ...]
    model: DatasetVersion
    ended: datetime

    @property
    def dataset(self) -> DatasetVersion | None:
        """The training set."""
        return self.reads[0].dataset if self.reads else None

    @property
    def datasets(self) -> list[DatasetVersion]:
        """All datasets that its events name, in that order."""
        return [*(b.dataset for b in self.reads if b.dataset is not None), self.model]

    @property
    def started(self) -> datetime | None:
        """When it began; None where nobody knows, and where that would be after its end.

        Both are the same where it took less than the clock's second.
        """
        started = self.record.started
        return started if started is not None and started <= self.ended else None


def training_event(
    training: LinkedTraining, event_type: EventType, supersedes: str | None = None
) -> Event:
    """Make the START or COMPLETE of a training."""
    record, model = training.record, training.model
    started = training.started if event_type == "START" else None
    words = msgspec.structs.replace(
        claimed_words(record.model), started=record.started, completed=record.completed
    )
    links = [bound.as_link() for bound in training.reads]
    links.append(model.as_link("output", words, record.model.field))
    run_facets = {TrainingFacet.key: _facet(training).as_json()}
    if record.parameters:
        parameters = [{"key": k, "value": v} for k, v in sorted(record.parameters.items())]
        run_facets["executionParameters"] = standard_facet(
            "executionParameters", {"parameters": parameters}
        )
    return run_event(
        event_type,
        started or training.ended,
        Job(model.namespace, training.job, _job_facets(model.name)),
        training.run_id,
        inputs=[bound.dataset.as_dataset() for bound in training.reads if bound.dataset],
        outputs=[model.as_dataset(MODEL_FACETS)],
        run_facets=run_facets,
        evidence=evidence_of(record.source, links),
        supersedes=supersedes,
    )


def _job_facets(model: str) -> dict[str, Any]:
    return {**job_type("TRAINING"), **described_job(f"Trains the model {short_name(model)}.")}


def _facet(training: LinkedTraining) -> TrainingFacet:
    record = training.record
    started = training.started or training.ended
    duration_seconds = (training.ended - started).total_seconds() or None
    return TrainingFacet(
        upstream_run_id=record.run_id,
        model=record.model.name,
        model_version=record.model.version,
        model_type=record.model_type,
        metrics=dict(sorted(record.metrics.items())) or None,
        duration_seconds=duration_seconds,
        time_basis=record.time_basis,
        flags=tuple(sorted(set(record.flags))) or None,
        location=Location(artifact_uri=record.artifact_uri) if record.artifact_uri else None,
    )
