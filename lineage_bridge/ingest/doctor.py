"""The doctor: report what is missing or worth knowing, from all artifacts that were ever read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lineage_bridge.ingest import memory
from lineage_bridge.ingest.gaps import (
    Gap,
    blind_counters,
    broken_facet,
    windows_without_event,
)
from lineage_bridge.ingest.link import Decision, link
from lineage_bridge.journal import Journal
from lineage_bridge.observe import quarantine
from lineage_bridge.observe.quarantine import Rejected
from lineage_bridge.observe.serving.state import list_blind_counters, list_implied
from lineage_bridge.settings import Settings


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Missing links (`gaps`), remarks that are no fault (`notes`), and what could not be read."""

    gaps: Sequence[Gap]
    notes: Sequence[Gap]
    rejected: Sequence[Rejected]
    decisions: Sequence[Decision]

    @property
    def is_clean(self) -> bool:
        """Whether no edge is missing and nothing was rejected."""
        return not self.gaps and not self.rejected


def diagnose(journal: Journal, settings: Settings) -> Diagnosis:
    """Link everything that was read once more and say what came up; nothing is written.

    The graph's model must have caught up with the journal.
    """
    from lineage_bridge.graph.broken import list_broken

    with journal.reading() as connection:
        broken_facets = [broken_facet(found) for found in list_broken(connection)]
        if memory.namespace_of(connection) is None:
            return Diagnosis((), broken_facets, (), ())
        stored = memory.load_records(connection)
        standing = [r for r in quarantine.list_rejected(connection) if Path(r.path).exists()]
        implied = list_implied(connection)
        blind = list_blind_counters(connection)
    outcome = link(stored.records, settings)
    broken = [item.as_rejected() for item in stored.broken]
    found = [
        *outcome.gaps,
        *(windows_without_event(slot, item.model, item.version) for slot, item in implied),
        *(blind_counters(service, fields) for service, fields in sorted(blind.items()) if fields),
        *broken_facets,
    ]
    return Diagnosis(
        gaps=[gap for gap in found if not gap.is_note],
        notes=[gap for gap in found if gap.is_note],
        rejected=sorted([*outcome.rejected, *broken, *standing], key=lambda r: (r.path, r.line)),
        decisions=outcome.decisions,
    )
