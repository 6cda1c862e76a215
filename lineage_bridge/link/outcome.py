"""What comes of linking: the linked records, how each word was resolved, and what came up."""

from __future__ import annotations

from dataclasses import dataclass, field

from lineage_bridge.errors import ArtifactError
from lineage_bridge.link import gaps
from lineage_bridge.link.gaps import Gap
from lineage_bridge.records import Build, Publication, Source, Start, Training
from lineage_bridge.records.build import LinkedBuild
from lineage_bridge.records.change import LinkedChange
from lineage_bridge.records.identity import DatasetVersion, Link
from lineage_bridge.records.promotion import LinkedPromotion
from lineage_bridge.records.publication import LinkedPublication
from lineage_bridge.records.report import LinkedReport
from lineage_bridge.records.start import LinkedStart
from lineage_bridge.records.step import LinkedStep
from lineage_bridge.records.training import LinkedTraining
from lineage_bridge.records.transformation import LinkedTransformation

Flagged = Build | Training | Publication
Claiming = Training | Publication | Start


@dataclass(frozen=True, slots=True)
class Decision:
    """One resolved reference: the artifact's words (`said`), and the node that they mean."""

    node: str
    version: str | None
    said: str
    path: str
    link: Link


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that tells of a run that another record tells of better."""

    source: Source
    error: ArtifactError


@dataclass(slots=True)
class Outcome:
    """All linked records, each list in the order of event time, and what came up on the way."""

    builds: list[LinkedBuild] = field(default_factory=list)
    trainings: list[LinkedTraining] = field(default_factory=list)
    publications: list[LinkedPublication] = field(default_factory=list)
    promotions: list[LinkedPromotion] = field(default_factory=list)
    starts: list[LinkedStart] = field(default_factory=list)
    steps: list[LinkedStep] = field(default_factory=list)
    transformations: list[LinkedTransformation] = field(default_factory=list)
    reports: list[LinkedReport] = field(default_factory=list)
    changes: list[LinkedChange] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    def decide(self, found: DatasetVersion, said: str, source: Source) -> None:
        """Keep how a reference was resolved."""
        self.decisions.append(Decision(found.id, found.version, said, source.shown, found.link))

    def note_flags(self, record: Flagged, what: str, mend: str | None = None) -> None:
        """Note what a reader should know of a record."""
        self.gaps += [gaps.flagged(record.source, what, flag, mend) for flag in record.flags]

    def set_apart(self, record: Claiming, model: DatasetVersion, run_id: str) -> str:
        """Return a version of its own for one of several runs that claim one, and note it."""
        version = f"{model.version}+{run_id[:8]}"
        self.gaps.append(gaps.model_ambiguous(record.source, record.model.field, model, version))
        return version
