"""The way back: the records that an event of ours tells of.

Linking needs the records of everything that was ever read. Where an artifact is gone, or was read
by another machine, the journal has its record: the event holds what the artifact said, and the
words that it said it in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lineage_bridge.errors import NamingError
from lineage_bridge.events import EventView
from lineage_bridge.facets.change import ChangeFacet
from lineage_bridge.facets.deployment import DeploymentFacet
from lineage_bridge.facets.promotion import PromotionFacet
from lineage_bridge.facets.report import ReportFacet
from lineage_bridge.facets.training import TrainingFacet
from lineage_bridge.naming import is_observer, known
from lineage_bridge.records.publication import Publication
from lineage_bridge.records.recall.builds import recall_build
from lineage_bridge.records.recall.changes import recall_change
from lineage_bridge.records.recall.promotions import recall_promotion
from lineage_bridge.records.recall.publications import publication_behind, recall_publication
from lineage_bridge.records.recall.reports import recall_report
from lineage_bridge.records.recall.starts import recall_start, served_words
from lineage_bridge.records.recall.steps import recall_step
from lineage_bridge.records.recall.trainings import recall_training
from lineage_bridge.records.recall.transformations import is_transformation, recall_transformation
from lineage_bridge.records.stored import Known, Record, names_of, without_secrets


@dataclass(frozen=True, slots=True)
class Recalled:
    """What an event tells of.

    Attributes:
        record: None where another event of the run tells it, such as its START.
        folder: the published folder by which a start was linked, if there was one.
    """

    record: Record | None = None
    folder: Publication | None = None

    @property
    def records(self) -> Sequence[Record]:
        """All of it."""
        return [record for record in (self.record, self.folder) if record is not None]


def recall(view: EventView, time: datetime) -> Recalled | None:
    """Return what an event tells of; None if it is of none of our records' kinds.

    A record without the names that it must have is none.

    Args:
        view: the event.
        time: its event time.
    """
    try:
        told = _told(view, time)
    except NamingError:
        return Recalled()
    if told is None:
        return None
    return Recalled(_usable(told.record), _usable(told.folder))


def _usable(record: Known | None) -> Known | None:
    """Return a record if it has its names; an event of an earlier version may have secrets."""
    if record is None or any(known(name) is None for _, name in names_of(record)):
        return None
    return without_secrets(record)


def _told(view: EventView, time: datetime) -> Recalled | None:
    if view.id is None or view.job is None:
        return None
    if is_observer(view.job.name) and ReportFacet.key not in view.run_facets:
        return None
    for key, recall_record in _BY_FACET.items():
        if key in view.run_facets:
            return Recalled(recall_record(view, time))
    if DeploymentFacet.key in view.run_facets:
        start = recall_start(view, time)
        if start is None:
            return Recalled()
        folder = publication_behind(served_words(view), start.source, start.model.declared)
        return Recalled(start, folder)
    return _by_its_job(view, time)


def _by_its_job(view: EventView, time: datetime) -> Recalled | None:
    if is_transformation(view):
        return Recalled(recall_transformation(view, time))
    record = recall_publication(view) or recall_step(view, time) or recall_build(view, time)
    return None if record is None else Recalled(record)


_BY_FACET: Final[Mapping[str, Callable[[EventView, datetime], Record | None]]] = {
    TrainingFacet.key: recall_training,
    PromotionFacet.key: recall_promotion,
    ChangeFacet.key: recall_change,
    ReportFacet.key: recall_report,
}
