"""The observer of trainings: whether what they report can be, told of the model versions they made.

All that it asks is in the journal: the training's event, and whether a build is known of the
version that it was trained on. So it judges anew whatever is said anew, and reads no artifact.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, NamedTuple

from lineage_bridge.assess.assertions import assertions_facet
from lineage_bridge.assess.checks.alone import judge_alone
from lineage_bridge.assess.checks.facet import check_assertions, validation_facet
from lineage_bridge.assess.checks.facts import Version
from lineage_bridge.assess.checks.judge import Report
from lineage_bridge.assess.checks.settings import expected_of
from lineage_bridge.assess.checks.training import CHECKS, SEEN
from lineage_bridge.assess.checks.training import Training as Facts
from lineage_bridge.errors import EventError
from lineage_bridge.events import Dataset, DatasetView, Event, EventView, decode, view_event
from lineage_bridge.facets import facet_in
from lineage_bridge.facets.validation import ValidationFacet
from lineage_bridge.journal import Journal
from lineage_bridge.journal.home_tables import read_event
from lineage_bridge.link.identities import Identities
from lineage_bridge.naming import dataset_id, is_features, is_model
from lineage_bridge.observe import telling
from lineage_bridge.records.descriptions import described_dataset
from lineage_bridge.records.recall.trainings import recall_training
from lineage_bridge.records.training import NOT_FINITE, Training
from lineage_bridge.settings import Settings
from lineage_bridge.times import from_micros

AT_ONCE: Final = 500  # events that are appended in one transaction
_AFTER: Final = timedelta(milliseconds=1)  # after the training, whose model is there by then


class _Made(NamedTuple):
    """A model version, by the last training that made it."""

    model: DatasetView
    trained_on: DatasetView | None
    record: Training
    ended: datetime


def observe_trainings(journal: Journal, settings: Settings) -> int:
    """Judge every training that the journal tells of; return how many findings are new.

    Args:
        journal: of the home; builds are noted, and the model of identities has caught up.
        settings: what is expected of models.

    Raises:
        SettingsError: the settings name a check that there is not.
        JournalError: the home cannot be read or written.
    """
    with journal.reading() as connection:
        identities = Identities(connection, settings.namespace)
        made = {(*one.model.name, one.model.version): one for one in _all(connection, identities)}
        judging = _Judging(connection, identities, settings)
        events = [event for one in made.values() if (event := judging.due(one)) is not None]
    appended = 0
    for begin in range(0, len(events), AT_ONCE):
        with journal.transaction() as tx:
            for event in events[begin : begin + AT_ONCE]:
                appended += tx.append(event, "artifact") is not None
    return appended


def _all(connection: sqlite3.Connection, identities: Identities) -> Iterator[_Made]:
    for event_id in identities.trainings():
        stored = read_event(connection, event_id)
        if stored is None:  # it was pruned
            continue
        try:
            view, ended = view_event(decode(stored.body)), from_micros(stored.time_us)
        except EventError:
            continue
        record = recall_training(view, ended)
        if record is not None and view.outputs:
            yield _Made(view.outputs[0], _trained_on(view), record, ended)


def _trained_on(view: EventView) -> DatasetView | None:
    """Return what it was trained on: the first of its datasets that is no model."""
    return next((one for one in view.inputs if not is_model(one.name.name)), None)


class _Judging:
    def __init__(
        self, connection: sqlite3.Connection, identities: Identities, settings: Settings
    ) -> None:
        self._connection = connection
        self._identities = identities
        self._settings = settings

    def due(self, made: _Made) -> Event | None:
        """Make the event of a training; None if what stands says the same, or knew more."""
        report = Report(
            Version(made.model.name.name, version=made.model.version, built=made.ended),
            judge_alone(CHECKS, self._facts(made)),
        )
        make = partial(self._event, made, report)
        key = telling.key_of_version(self._settings.namespace, _dataset(made.model))
        stands = self._identities.findings(key)
        if stands and stands[-1].id == make(None).id:
            return None
        standing = telling.standing_of(self._connection, self._identities, key)
        if stands and standing is None:
            return None  # it was told, and pruned since
        if standing is not None and _saw(standing.view) and not _sees(report):
            return None  # the build is not known here, or not any more
        return telling.due(self._identities, standing, make)

    def _event(self, made: _Made, report: Report, supersedes: str | None) -> Event:
        name, time = made.model.name, made.ended + _AFTER
        facet = validation_facet(report, time, versions_before=0)
        read = _dataset(
            made.model,
            {**described_dataset(*name), ValidationFacet.key: facet.as_json()},
            assertions_facet(check_assertions(report)),
        )
        sentence = f"Checks the trainings of {name.name}; a run is the finding on one version."
        return telling.event_on_version(self._settings.namespace, read, time, sentence, supersedes)

    def _facts(self, made: _Made) -> Facts:
        record, trained_on = made.record, made.trained_on
        built = None if trained_on is None else self._built(trained_on)
        is_ours = trained_on is not None and is_features(trained_on.name.name)
        return Facts(
            expected_of(made.model.name.name, self._settings),
            record.metrics,
            tuple(f.removeprefix(NOT_FINITE) for f in record.flags if f.startswith(NOT_FINITE)),
            record.started,
            record.completed,
            record.time_basis == "unzoned",
            None if trained_on is None else _text(trained_on),
            record.reads[0].name if record.reads else None,
            built,
            built is not None if is_ours else None,
        )

    def _built(self, dataset: DatasetView) -> datetime | None:
        row = self._connection.execute(
            "SELECT built_us FROM content_versions WHERE dataset = ? AND version = ?",
            (dataset_id(*dataset.name), dataset.version),
        ).fetchone()
        return None if row is None else from_micros(row[0])


def _dataset(view: DatasetView, *facets: Mapping[str, Any]) -> Dataset:
    return Dataset(*view.name, view.version, *facets)


def _text(dataset: DatasetView) -> str:
    name = dataset.name.name
    return name if dataset.version is None else f"{name}@{dataset.version}"


def _sees(report: Report) -> bool:
    return any(r.check.code == SEEN and r.verdict.status == "passed" for r in report.results)


def _saw(view: EventView) -> bool:
    facets = (facet_in(ValidationFacet, dataset.facets) for dataset in view.inputs)
    return any(
        check.code == SEEN and check.status == "passed"
        for facet in facets
        if facet is not None
        for check in facet.checks
    )
