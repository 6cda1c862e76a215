"""The linked records: linked once for each state of the records, and again when they changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lineage_bridge.adapters.linked import Linked
from lineage_bridge.assess.policies import Policies
from lineage_bridge.ingest import memory
from lineage_bridge.ingest.activations import Activation
from lineage_bridge.ingest.link import Outcome, link
from lineage_bridge.ingest.memory import Broken
from lineage_bridge.ingest.outgoing import Outgoing, due_events
from lineage_bridge.ingest.tables import records_generation
from lineage_bridge.ingest.unsaved import Told
from lineage_bridge.journal import Journal
from lineage_bridge.settings import Settings


class Waiting(Protocol):
    """Events of records (builds, trainings, starts) that are still to be appended, by time."""

    def load(self, connection: sqlite3.Connection) -> None:
        """Compare with the events that were emitted so far, and keep the new ones."""
        ...

    def take_until(self, time_us: int | None, limit: int | None = None) -> Sequence[Told]:
        """Take the events up to and including an instant (None: all), but at most `limit`."""
        ...


class Knowledge(Protocol):
    """What the reading of windows needs from the records."""

    @property
    def activations(self) -> Sequence[Activation]:
        """Every known start, from earlier runs too."""
        ...

    @property
    def outgoing(self) -> Waiting:
        """The records' own events, to be appended between those of windows by their time."""
        ...

    def is_current(self, connection: sqlite3.Connection) -> bool:
        """Return whether the records are still those that were linked."""
        ...


@dataclass(frozen=True, slots=True)
class Learned:
    """All records, linked, as of one state of them."""

    outcome: Outcome
    activations: Sequence[Activation]
    outgoing: Outgoing
    broken: Sequence[Broken]
    generation: int

    def is_current(self, connection: sqlite3.Connection) -> bool:
        """Return whether no process has changed the records since they were linked."""
        return records_generation(connection) == self.generation


def learn(journal: Journal, settings: Settings) -> Learned:
    """Link all records that were ever read.

    Raises:
        JournalError: the records cannot be read.
    """
    with journal.reading() as connection:
        stored = memory.load_records(connection)
    outcome = link(stored.records, settings)
    due = due_events(outcome.linked, Policies.of(settings).freshness)
    return Learned(
        outcome,
        activations_of(outcome.linked),
        Outgoing(due, withdraws=not stored.broken),
        stored.broken,
        stored.generation,
    )


def activations_of(linked: Linked) -> list[Activation]:
    """Return the starts of all deployments, in the form that windows are assigned to."""
    return [
        Activation(
            start.slot,
            start.record.model,
            start.record.model_version,
            start.record.instance,
            start.record.time,
            start.run_id,
        )
        for start in linked.starts
    ]
