"""Trainings: features @version -> a model @version; START where a start is known, then the end.

A run that tracks an experiment is one too, whatever came of it: it may have failed, be still
running, have made no model, or only have looked at one.
"""

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
from lineage_bridge.naming import is_uuid, one_spelling, short_name
from lineage_bridge.records.descriptions import described_job
from lineage_bridge.records.identity import (
    Bound,
    DatasetVersion,
    claimed_words,
    evidence_of,
    job_type,
    not_made,
)
from lineage_bridge.records.words import Claim, Reference, Source, subject_of

MODEL_FACETS: Final = {"datasetType": standard_facet("datasetType", {"datasetType": "MODEL"})}
MISPLACED: Final = "run_id_not_folder"  # the flag of an artifact in the folder of another run

SUBJECTS: Final = '["training",'  # how the subjects of all trainings begin
_TRAINS: Final = ("TRAINING", "Trains")
NOT_FINITE: Final = "not_finite:"  # how the flag of a metric begins that is infinite or NaN

TimeBasis = Literal["utc", "unzoned"]
State = Literal["RUNNING", "COMPLETE", "FAIL", "ABORT"]


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """What ran, as the run says it.

    Attributes:
        script: a file of the code, or a notebook.
        repository: the URL of where it is kept.
    """

    commit: str | None = None
    script: str | None = None
    repository: str | None = None


class Training(msgspec.Struct, frozen=True, tag="training", kw_only=True):
    """One training run and the model that came out of it.

    Attributes:
        run_id: as the upstream spells it.
        model: what was made, or was to be.
        made: whether there is such a model; False of a run that made none.
        state: how far it has come; of one that runs, only its start is known.
        parent: the run that it is nested in, as the upstream spells it.
        reads: the datasets that were trained on, the first one is the training set; and models
            that were begun with, or looked at.
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
    made: bool = True
    state: State = "COMPLETE"
    parent: str | None = None
    code: Code = Code()
    user: str | None = None
    tags: dict[str, str] = {}

    SHAPE: ClassVar[int] = 2

    @property
    def told(self) -> datetime | None:
        """The last time that is known of it: of one that runs, its start."""
        return (self.started if self.state == "RUNNING" else self.completed) or self.created

    @property
    def ended(self) -> datetime:
        """When it completed, or the best guess of that."""
        ended = self.told
        assert ended is not None  # every adapter ensures one of them
        return ended

    @property
    def subject(self) -> str:
        """What it tells of: a run id has several spellings, and no two runs share one.

        A UUID is one run's, whoever tells of it; another id may be used again for another model.
        """
        within = None if is_uuid(self.run_id) else self.model.within
        return subject_of("training", within, one_spelling(self.run_id))

    @property
    def looks_at(self) -> Reference | None:
        """The model that the run only looked at: it read it, and made none."""
        models = (read for read in self.reads if read.what == "model")
        is_over = self.state == "COMPLETE" and not self.made
        return next(models, None) if is_over else None


@dataclass(frozen=True, slots=True)
class LinkedTraining:
    """A training with the identities that its words mean.

    Attributes:
        ended: when it completed, in UTC; of one that runs, when it started.
        parent: job and run of the one that it is nested in, where that is known.
    """

    record: Training
    job: str
    run_id: str
    reads: tuple[Bound, ...]
    model: DatasetVersion
    ended: datetime
    parent: tuple[str, str] | None = None

    @property
    def dataset(self) -> DatasetVersion | None:
        """The training set."""
        datasets = (read.dataset for read in self.reads if read.reference.what != "model")
        return next(datasets, None)

    @property
    def datasets(self) -> list[DatasetVersion]:
        """All datasets that its events name, in that order."""
        made = [self.model] if self.record.made else []
        return [*(b.dataset for b in self.reads if b.dataset is not None), *made]

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
    made = [model.as_dataset(MODEL_FACETS)] if record.made else []
    words = msgspec.structs.replace(
        claimed_words(record.model), started=record.started, completed=record.completed
    )
    links = [bound.as_link() for bound in training.reads]
    links.append(
        model.as_link("output", words, record.model.field)
        if record.made
        else not_made(words, record.model.field)
    )
    run_facets = {**_standard(training), TrainingFacet.key: _facet(training).as_json()}
    return run_event(
        event_type,
        started or training.ended,
        Job(model.namespace, training.job, _job_facets(record, model.name)),
        training.run_id,
        inputs=[bound.dataset.as_dataset() for bound in training.reads if bound.dataset],
        outputs=made,
        run_facets=run_facets,
        evidence=evidence_of(record.source, links),
        supersedes=supersedes,
    )


def _standard(training: LinkedTraining) -> dict[str, Any]:
    """Return the standard facets of the run: its parameters, its tags, what it is nested in."""
    record, found = training.record, {}
    if record.parameters:
        parameters = [{"key": k, "value": v} for k, v in sorted(record.parameters.items())]
        found["executionParameters"] = standard_facet(
            "executionParameters", {"parameters": parameters}
        )
    if record.tags:
        tags = [{"key": k, "value": v} for k, v in sorted(record.tags.items())]
        found["tags"] = standard_facet("tags", {"tags": tags})
    if training.parent is not None:
        job, run = training.parent
        parent = {
            "run": {"runId": run},
            "job": {"namespace": training.model.namespace, "name": job},
        }
        found["parent"] = standard_facet("parent", parent)
    return found


def _job_facets(record: Training, model: str) -> dict[str, Any]:
    kind, verb = ("EVALUATION", "Looks at") if record.looks_at is not None else _TRAINS
    found = {**job_type(kind), **described_job(f"{verb} the model {short_name(model)}.")}
    code = record.code
    if code.repository is not None:
        location = {"type": "git", "url": code.repository, "version": code.commit}
        found["sourceCodeLocation"] = standard_facet(
            "sourceCodeLocation", {**location, "path": code.script}
        )
    if record.user is not None:
        owners = [{"name": f"user:{record.user}", "type": "MAINTAINER"}]
        found["ownership"] = standard_facet("ownership", {"owners": owners})
    return found


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
        state=None if record.state == "COMPLETE" else record.state,
        parent=record.parent,
        commit=record.code.commit,
        script=record.code.script,
        repository=record.code.repository,
        user=record.user,
        location=Location(artifact_uri=record.artifact_uri) if record.artifact_uri else None,
    )
