"""Publications: a trained model that lies in a folder to be served from, perhaps renamed.

Only a copy under another name is an event (`publish.<model>`); under its own name the folder just
tells which run a deployment's words mean. A registry does more: a model that its training has no
name for is called as it is registered.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

import msgspec

from lineage_bridge.events import Event, Job, run_event
from lineage_bridge.naming import run_uuid, short_name
from lineage_bridge.records.descriptions import described_job
from lineage_bridge.records.identity import (
    DatasetVersion,
    claimed_words,
    evidence_of,
    job_type,
)
from lineage_bridge.records.training import MODEL_FACETS
from lineage_bridge.records.words import Claim, Reference, Source, subject_of


class Publication(msgspec.Struct, frozen=True, tag="publication", kw_only=True):
    """One model folder that a service loads, or one version in a registry.

    Attributes:
        model: the name and version that it is served under; the folder's name may be another
            spelling of the version.
        trained: the training that it comes from, in any words that the artifact has for it.
        registers: whether it is the word of a registry.
    """

    source: Source
    model: Claim
    trained: Reference
    flags: tuple[str, ...] = ()
    registers: bool = False

    SHAPE: ClassVar[int] = 1

    @property
    def versions(self) -> tuple[str, ...]:
        """All spellings of the version, the artifact's own first."""
        own = () if self.model.version is None else (self.model.version,)
        return tuple(dict.fromkeys((*own, *self.model.spellings)))

    @property
    def subject(self) -> str:
        """What it tells of: one folder."""
        return subject_of("publication", self.model.name, *self.versions)


@dataclass(frozen=True, slots=True)
class LinkedPublication:
    """A copy of a trained model under another name; `ended` is the end of the training."""

    record: Publication
    job: str
    trained: DatasetVersion
    trained_run: str
    published: DatasetVersion
    ended: datetime

    @property
    def datasets(self) -> list[DatasetVersion]:
        """All datasets that its event names, in that order."""
        return [self.trained, self.published]

    @property
    def run_id(self) -> str:
        """One run for each version that was published, and each training it came from."""
        words = json.dumps([self.published.version, self.trained_run])
        return run_uuid(self.published.namespace, self.job, words)


def publication_event(publication: LinkedPublication, supersedes: str | None = None) -> Event:
    """Make the COMPLETE of a copy under another name: models.<trained> -> models.<published>."""
    record, published = publication.record, publication.published
    links = [
        publication.trained.as_link("input", record.trained.words, record.trained.field),
        published.as_link("output", claimed_words(record.model), record.model.field),
    ]
    return run_event(
        "COMPLETE",
        publication.ended,
        Job(published.namespace, publication.job, _job_facets(published.name)),
        publication.run_id,
        inputs=[publication.trained.as_dataset()],
        outputs=[published.as_dataset(MODEL_FACETS)],
        evidence=evidence_of(record.source, links),
        supersedes=supersedes,
    )


def _job_facets(model: str) -> dict[str, Any]:
    sentence = f"Publishes a trained model under another name, {short_name(model)}."
    return {**job_type("PUBLISH"), **described_job(sentence)}
