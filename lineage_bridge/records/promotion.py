"""Promotions: somebody decided that a version of a model is now the one for something.

An alias was set on it, or it was moved to a stage. A registry keeps only where each stands now, so
what stood before is known only to a journal that was told of it at that time.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal

import msgspec

from lineage_bridge.events import Event, Job, run_event
from lineage_bridge.facets.promotion import PromotionFacet
from lineage_bridge.naming import run_uuid, short_name
from lineage_bridge.records.descriptions import described_job
from lineage_bridge.records.identity import DatasetVersion, evidence_of, job_type
from lineage_bridge.records.training import MODEL_FACETS
from lineage_bridge.records.words import Reference, Source, subject_of

Kind = Literal["alias", "stage"]


class Promotion(msgspec.Struct, frozen=True, tag="promotion", kw_only=True):
    """One label on one version of a model.

    Attributes:
        model: the version.
        kind: whether the label is an alias or a stage.
        label: such as `champion` or `Production`.
        time: at the latest then: when anything of what has it was last changed.
        user: who did it, if it is known.
    """

    source: Source
    model: Reference
    kind: Kind
    label: str
    time: datetime
    user: str | None = None

    SHAPE: ClassVar[int] = 1

    @property
    def flags(self) -> tuple[str, ...]:
        """What a reader should know of it: nothing so far."""
        return ()

    @property
    def subject(self) -> str:
        """What it tells of: a label on a version, whenever it was put there."""
        return subject_of("promotion", self.model.name, self.model.version, self.kind, self.label)

    def follows(self, other: Promotion) -> bool:
        """Tell whether the label was on another version before."""
        said = (self.model.name, self.kind, self.label)
        is_same = said == (other.model.name, other.kind, other.label)
        return is_same and self.model.version != other.model.version and self.time >= other.time


@dataclass(frozen=True, slots=True)
class LinkedPromotion:
    """A promotion with the model version that its words mean."""

    record: Promotion
    job: str
    model: DatasetVersion

    @property
    def datasets(self) -> list[DatasetVersion]:
        """All datasets that its event names."""
        return [self.model]

    @property
    def run_id(self) -> str:
        """One run for each label on each version."""
        record = self.record
        words = json.dumps([self.model.name, self.model.version, record.kind, record.label])
        return run_uuid(self.model.namespace, self.job, words)


def promotion_event(promotion: LinkedPromotion, supersedes: str | None = None) -> Event:
    """Make the COMPLETE of a promotion; it reads the version, and makes nothing of it."""
    record, model = promotion.record, promotion.model
    links = [model.as_link("input", record.model.words, record.model.field)]
    return run_event(
        "COMPLETE",
        record.time,
        Job(model.namespace, promotion.job, _job_facets(model.name)),
        promotion.run_id,
        inputs=[model.as_dataset(MODEL_FACETS)],
        run_facets={PromotionFacet.key: _facet(record).as_json()},
        evidence=evidence_of(record.source, links),
        supersedes=supersedes,
    )


def _job_facets(model: str) -> dict[str, Any]:
    sentence = f"Decides which version of the model {short_name(model)} is for what."
    return {**job_type("PROMOTION"), **described_job(sentence)}


def _facet(record: Promotion) -> PromotionFacet:
    return PromotionFacet(
        model=record.model.name or "",
        model_version=record.model.version or "",
        kind=record.kind,
        label=record.label,
        user=record.user,
    )
