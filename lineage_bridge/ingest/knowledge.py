"""The linked records: linked once for each state of the records, and again when they changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from lineage_bridge.adapters.linked import Linked
from lineage_bridge.assess.policies import Policies
from lineage_bridge.ingest import memory
from lineage_bridge.ingest.link import Outcome, link
from lineage_bridge.ingest.memory import Broken
from lineage_bridge.ingest.outgoing import Outgoing, due_events
from lineage_bridge.journal import Journal
from lineage_bridge.observe.serving.activations import Activation
from lineage_bridge.observe.tables import records_generation
from lineage_bridge.settings import Settings


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
