"""Linked records: each with the identities that its references were resolved to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from lineage_bridge.adapters.records import (
    DatasetRecord,
    DeploymentRecord,
    Source,
    TrainingRecord,
)
from lineage_bridge.events import Dataset, Evidence
from lineage_bridge.facets import event as event_facet
from lineage_bridge.naming import Slot, dataset_id

INTEGRATION = "LINEAGE_BRIDGE"


@dataclass(frozen=True, slots=True)
class Link:
    """How an identity was found.

    Attributes:
        method: a rung of the ladder in `ingest.link`, such as `stem`.
        confidence: 0 to 1.
        evidence: what was compared with what, for people.
    """

    method: str
    confidence: float
    evidence: str


@dataclass(frozen=True, slots=True)
class DatasetVersion:
    """A dataset, its version if it has one, and the link by which they were found."""

    namespace: str
    name: str
    version: str | None
    link: Link

    @property
    def id(self) -> str:
        """The node id, without the version."""
        return dataset_id(self.namespace, self.name)

    def as_dataset(self, facets: Mapping[str, Any] | None = None) -> Dataset:
        """Return it as a dataset of an event, with its version."""
        return Dataset(self.namespace, self.name, self.version, facets or {})

    def as_link(self, role: Literal["input", "output"]) -> event_facet.Link:
        """Return its entry in `lineageBridge_event.links`."""
        return event_facet.Link(
            dataset=self.id,
            role=role,
            method=self.link.method,
            confidence=self.link.confidence,
            evidence=self.link.evidence,
        )


@dataclass(frozen=True, slots=True)
class Build:
    """A build of a feature dataset."""

    record: DatasetRecord
    job: str
    run_id: str
    source: DatasetVersion | None
    dataset: DatasetVersion


@dataclass(frozen=True, slots=True)
class Training:
    """A training run with its model; `ended` is when it completed, or the best guess of that."""

    record: TrainingRecord
    job: str
    run_id: str
    dataset: DatasetVersion | None
    model: DatasetVersion
    ended: datetime


@dataclass(frozen=True, slots=True)
class Publication:
    """A copy of a trained model under another name."""

    job: str
    run_id: str
    trained: DatasetVersion
    published: DatasetVersion
    ended: datetime
    source: Source


@dataclass(frozen=True, slots=True)
class Start:
    """A start of an instance of a deployment; `ended` is when its slot was taken over."""

    record: DeploymentRecord
    slot: Slot
    run_id: str
    model: DatasetVersion
    predictions: DatasetVersion
    live: tuple[DatasetVersion, ...] = ()
    ended: datetime | None = None


@dataclass(slots=True)
class Linked:
    """All records with their identities, each list in the order of event time."""

    builds: list[Build] = field(default_factory=list)
    trainings: list[Training] = field(default_factory=list)
    publications: list[Publication] = field(default_factory=list)
    starts: list[Start] = field(default_factory=list)


def evidence_of(source: Source, links: Sequence[event_facet.Link]) -> Evidence:
    """Make the evidence of an event: the artifact that it comes from, and its links."""
    return Evidence(source.shown, source.sha256, source.line, links)
