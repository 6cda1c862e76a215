"""What the records say: linked once for a state of them, and linked anew when they changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lineage_bridge.adapters.linked import Linked
from lineage_bridge.ingest import memory
from lineage_bridge.ingest.activations import Activation
from lineage_bridge.ingest.link import Outcome, link
from lineage_bridge.ingest.memory import Broken
from lineage_bridge.ingest.outgoing import Outgoing, due_events
from lineage_bridge.ingest.policies import freshness_policies
from lineage_bridge.ingest.tables import records_generation
from lineage_bridge.ingest.unsaved import Told
from lineage_bridge.journal import Journal
from lineage_bridge.settings import Settings


class Waiting(Protocol):
    """Events of records (builds, trainings, starts) that wait for their turn, sorted by time."""

    def load(self, connection: sqlite3.Connection) -> None:
        """Begin with what was told by now."""
        ...

    def take_until(self, time_us: int | None, limit: int | None = None) -> Sequence[Told]:
        """Take all up to and including that instant (None: all), or some of them."""
        ...


class Knowledge(Protocol):
    """What reading windows needs to know of the records."""

    @property
    def activations(self) -> Sequence[Activation]:
        """Every start that is known, from earlier runs too."""
        ...

    @property
    def outgoing(self) -> Waiting:
        """Other events, to be appended in between by their time."""
        ...

    def is_current(self, connection: sqlite3.Connection) -> bool:
        """Whether the records are still those that were linked."""
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
        """Whether no process has changed the records since."""
        return records_generation(connection) == self.generation


def learn(journal: Journal, settings: Settings) -> Learned:
    """Link all records that were ever read.

    Raises:
        JournalError: they cannot be read.
    """
    with journal.reading() as connection:
        stored = memory.load_records(connection)
    outcome = link(stored.records, settings)
    due = due_events(outcome.linked, freshness_policies(settings))
    return Learned(
        outcome,
        activations_of(outcome.linked),
        Outgoing(due, withdraws=not stored.broken),
        stored.broken,
        stored.generation,
    )


def activations_of(linked: Linked) -> list[Activation]:
    """The starts of all deployments, as the windows are assigned to them."""
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
