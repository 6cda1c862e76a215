"""The doctor: report what is missing or worth knowing, from all artifacts that were ever read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineage_bridge.ingest import memory, quarantine
from lineage_bridge.ingest.gaps import Gap, blind_counters, windows_without_event
from lineage_bridge.ingest.link import Decision, link
from lineage_bridge.ingest.quarantine import Rejected
from lineage_bridge.ingest.window_state import list_blind_counters, list_implied
from lineage_bridge.journal import Journal
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

    def as_json(self) -> dict[str, Any]:
        """Return the published shape."""
        return {
            "gaps": [gap.as_json() for gap in self.gaps],
            "notes": [note.as_json() for note in self.notes],
            "rejected": [item.as_json() for item in self.rejected],
        }


def diagnose(journal: Journal, settings: Settings) -> Diagnosis:
    """Link all records again and return what that found; write nothing."""
    with journal.reading() as connection:
        if memory.namespace_of(connection) is None:
            return Diagnosis((), (), (), ())
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
    ]
    return Diagnosis(
        gaps=[gap for gap in found if not gap.is_note],
        notes=[gap for gap in found if gap.is_note],
        rejected=sorted([*outcome.rejected, *broken, *standing], key=lambda r: (r.path, r.line)),
        decisions=outcome.decisions,
    )
