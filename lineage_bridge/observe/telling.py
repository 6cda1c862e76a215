"""Whether an observer's finding is told: compared with the event that stands for the same run.

An observer makes its events from what it sees, and the same sight makes the same event. One that
says what stands already is not due; one that says something else takes its place.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from datetime import datetime

from lineage_bridge.events import (
    Dataset,
    Event,
    EventView,
    Job,
    compute_id,
    decode,
    run_event,
    view_event,
)
from lineage_bridge.journal.home_tables import Stored, read_event
from lineage_bridge.link.identities import Identities, Key
from lineage_bridge.naming import observe_job, run_uuid
from lineage_bridge.records.descriptions import described_job
from lineage_bridge.records.identity import job_type

Making = Callable[[str | None], Event]


def key_of_version(namespace: str, dataset: Dataset) -> Key:
    """Return what a finding on a version is about: one run for each, whenever it is judged.

    Args:
        namespace: of our jobs.
        dataset: the version.
    """
    job = observe_job(dataset.name)
    said = json.dumps([dataset.namespace, dataset.name, dataset.version])
    return Key(job, run_uuid(namespace, job, said), "COMPLETE")


def event_on_version(
    namespace: str, dataset: Dataset, time: datetime, sentence: str, supersedes: str | None
) -> Event:
    """Make the event of a finding on a version: a short run that only reads it.

    Args:
        namespace: of our jobs.
        dataset: the version, with what was found in its facets.
        time: of the event.
        sentence: says what the job does.
        supersedes: the event whose place it takes.
    """
    key = key_of_version(namespace, dataset)
    job = Job(namespace, key.job, {**job_type("OBSERVER"), **described_job(sentence)})
    return run_event("COMPLETE", time, job, key.run, inputs=[dataset], supersedes=supersedes)


class Standing:
    """An observer's event that stands.

    Args:
        stored: the event, one of ours.
    """

    def __init__(self, stored: Stored) -> None:
        self.id = str(stored.id)
        self.time_us = stored.time_us
        self._document = decode(stored.body)

    @property
    def view(self) -> EventView:
        """What it says."""
        return view_event(self._document)

    @property
    def content(self) -> str | None:
        """The id that it would have if it superseded nothing; None if it is spelt unlike ours."""
        try:
            return compute_id(self._document, None)
        except (KeyError, TypeError, AttributeError):
            return None


def standing_of(
    connection: sqlite3.Connection, identities: Identities, key: Key
) -> Standing | None:
    """Return the event that stands for a run of an observer, of several the latest; or None.

    Args:
        connection: on the journal's database.
        identities: of the same database, caught up.
        key: job, run and type.
    """
    found = all_standing_of(connection, identities, key)
    return found[-1] if found else None


def all_standing_of(
    connection: sqlite3.Connection, identities: Identities, key: Key
) -> list[Standing]:
    """List the events that stand for a run of an observer, in the order of their arrival."""
    stored = (read_event(connection, found.id) for found in identities.findings(key))
    return [Standing(event) for event in stored if event is not None]


def due(identities: Identities, standing: Standing | None, make: Making) -> Event | None:
    """Return the event to append; None if what stands says the same.

    Args:
        identities: what the journal says, caught up.
        standing: the event that stands for the same job, run and type.
        make: makes the event, in place of the one whose id it is given.
    """
    event = make(None)
    if standing is not None:
        return None if standing.content == event.id else make(standing.id)
    # Where it was said before and taken back, only what replaces that counts again.
    while (by := identities.gone_by(str(event.id))) is not None:
        event = make(by)
    return event
