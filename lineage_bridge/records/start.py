"""Starts of deployments: a model @version (+ live tables) -> predictions.

A START for each start of an instance, and a COMPLETE when its run has ended: see `ends`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar

import msgspec

from lineage_bridge.events import Event, EventType, Job, run_event
from lineage_bridge.facets.deployment import DeploymentFacet, Location, Workload
from lineage_bridge.naming import Slot, serving_run_uuid
from lineage_bridge.records.descriptions import described_job, spoken
from lineage_bridge.records.identity import (
    DatasetVersion,
    evidence_of,
    job_type,
)
from lineage_bridge.records.words import Reference, Source, path_tail, subject_of
from lineage_bridge.times import format_time


class Start(msgspec.Struct, frozen=True, tag="start", kw_only=True):
    """One start of one instance of a deployment.

    Attributes:
        time: when it was activated.
        model: the model that it serves: its name and version, or what else is said of it.
        workload: what runs it in a cluster, if a cluster told of it.
        live: namespace and name of the tables that somebody's settings say the service reads.
    """

    source: Source
    time: datetime
    service: str
    service_version: str | None = None
    environment: str
    deployment: str
    instance: str | None = None
    model: Reference
    dataset_name: str | None = None
    bundle_id: str | None = None
    bundle_uri: str | None = None
    bundle_created: datetime | None = None
    activation_reason: str | None = None
    traffic_status: str | None = None
    workload: Workload | None = None
    live: tuple[tuple[str, str], ...] = ()

    SHAPE: ClassVar[int] = 1

    @property
    def slot(self) -> Slot:
        """The deployment."""
        return Slot(self.service, self.environment, self.deployment)

    @property
    def serves(self) -> tuple[str, str]:
        """Name and version of the model, as the artifact and its windows spell them.

        One that has no name is called by whatever else is said of it.
        """
        model = self.model
        if model.name is not None:
            return model.name, model.version or ""
        return model.version or model.run_id or path_tail(model.path or ""), ""

    def run_id(self, namespace: str) -> str:
        """Return the id of the run that began: replicas and restarts are runs of their own."""
        words = (self.instance, *self.serves, format_time(self.time))
        return serving_run_uuid(namespace, self.slot.job, *words)

    @property
    def subject(self) -> str:
        """What it tells of: one run."""
        slot = self.slot
        words = [self.instance, *self.serves, format_time(self.time)]
        return subject_of("start", slot.service, slot.environment, slot.deployment, *words)


@dataclass(frozen=True, slots=True)
class LinkedStart:
    """A start with the identities that its words mean; `ended` is when its run did: see `ends`.

    Attributes:
        folder_run: the run id that the folder with the model names, if one does.
        log: the inference log with its rows, if there is one.
    """

    record: Start
    run_id: str
    model: DatasetVersion
    predictions: DatasetVersion
    live: tuple[DatasetVersion, ...] = ()
    folder_run: str | None = None
    ended: datetime | None = None
    log: DatasetVersion | None = None

    @property
    def slot(self) -> Slot:
        """The deployment."""
        return self.record.slot

    @property
    def datasets(self) -> list[DatasetVersion]:
        """All datasets that its events name, in that order."""
        return [self.model, *self.live, *self.writes]

    @property
    def writes(self) -> list[DatasetVersion]:
        """What it writes; all its events name the same, or a Marquez would lose an edge."""
        return [self.predictions] if self.log is None else [self.predictions, self.log]


def in_order(starts: Iterable[LinkedStart]) -> list[LinkedStart]:
    """Sort starts by slot and time; of a start that was read twice the first one counts."""
    unique: dict[str, LinkedStart] = {}
    for start in starts:
        unique.setdefault(start.run_id, start)
    return sorted(unique.values(), key=_order)


def _order(start: LinkedStart) -> tuple[Any, ...]:
    record = start.record
    return (record.slot, record.time, *record.serves, record.instance or "")


def start_event(start: LinkedStart, event_type: EventType, supersedes: str | None = None) -> Event:
    """Make the START or COMPLETE of a serving run."""
    record, model = start.record, start.model
    time = start.ended if event_type == "COMPLETE" and start.ended else record.time
    run_id = start.folder_run or record.model.run_id
    words = msgspec.structs.replace(record.model, run_id=run_id).words
    links = [model.as_link("input", words, record.model.field)]
    links += [table.as_link("input") for table in start.live]
    links += [written.as_link("output") for written in start.writes]
    return run_event(
        event_type,
        time,
        serving_job(model.namespace, start.slot),
        start.run_id,
        inputs=[d.as_dataset() for d in (model, *start.live)],
        outputs=[written.as_dataset() for written in start.writes],
        run_facets={DeploymentFacet.key: _facet(record).as_json()},
        evidence=evidence_of(record.source, links),
        supersedes=supersedes,
    )


@lru_cache(maxsize=8192)
def serving_job(namespace: str, slot: Slot) -> Job:
    """Return the job of a deployment."""
    sentence = f"Serves as {spoken(slot)}; a run is one start of one instance."
    own = {**job_type("SERVICE", "STREAMING"), **described_job(sentence)}
    return Job(namespace, slot.job, own)


def _facet(record: Start) -> DeploymentFacet:
    name, version = record.serves
    return DeploymentFacet(
        service=record.service,
        service_version=record.service_version,
        environment=record.environment,
        deployment=record.deployment,
        instance=record.instance,
        model=name,
        model_version=version,
        input_dataset=record.dataset_name,
        input_dataset_version=record.model.trained_on,
        training_started=record.model.started,
        training_completed=record.model.completed,
        bundle_created=record.bundle_created,
        activation_reason=record.activation_reason,
        traffic_status=record.traffic_status,
        workload=record.workload,
        location=Location(bundle_id=record.bundle_id, bundle_uri=record.bundle_uri),
    )
