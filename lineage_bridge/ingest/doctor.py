"""The doctor: report what is missing or worth knowing, from everything that was ever read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from lineage_bridge.adapters.registry import registry
from lineage_bridge.adapters.servers import is_there
from lineage_bridge.facets import definitions
from lineage_bridge.graph.broken import BrokenFacet, list_broken
from lineage_bridge.ingest import memory
from lineage_bridge.ingest.knowledge import link_all, logged_of, refused_of
from lineage_bridge.journal import Journal
from lineage_bridge.journal.migrations import has_table
from lineage_bridge.link.gaps import Gap
from lineage_bridge.link.identities import Identities
from lineage_bridge.link.outcome import Decision
from lineage_bridge.link.vocabulary import Vocabulary
from lineage_bridge.naming import LOG_FORM, Slot, model_dataset
from lineage_bridge.observe import quarantine
from lineage_bridge.observe.logs.log_files import Words, list_files
from lineage_bridge.observe.quarantine import Rejected, Rejections, told
from lineage_bridge.observe.serving.state import list_blind_counters, list_implied
from lineage_bridge.settings import Settings
from lineage_bridge.times import format_time


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Missing links (`gaps`), remarks that are no fault (`notes`), and what could not be read."""

    gaps: Sequence[Gap]
    notes: Sequence[Gap]
    rejected: Rejections
    decisions: Sequence[Decision]

    @property
    def is_clean(self) -> bool:
        """Whether no edge is missing and nothing was rejected."""
        return not self.gaps and not self.rejected


def diagnose(journal: Journal, settings: Settings) -> Diagnosis:
    """Link everything that is known once more and say what came up; nothing is written.

    The models of the graph and of identities must have caught up with the journal.
    """
    with journal.reading() as connection:
        stored = memory.load_records(connection)
        identities = Identities(connection, settings.namespace)
        logged = logged_of(connection, identities)
        outcome = link_all(identities, stored, settings, logged)
        found = [*outcome.gaps, *_of_windows(connection), *_of_logs(connection)]
        found += [broken_facet(item) for item in list_broken(connection)]
        found += [Gap("adapter_missing", trouble) for trouble in registry().troubles]
        rejected = told(refused_of(outcome), _quarantined(connection))
    return Diagnosis(
        gaps=[gap for gap in found if not gap.is_note],
        notes=[gap for gap in found if gap.is_note],
        rejected=rejected,
        decisions=outcome.decisions,
    )


def vocabulary(journal: Journal, settings: Settings) -> Vocabulary:
    """Return every word that artifacts have used, with what it means now.

    The model of identities must have caught up with the journal.
    """
    with journal.reading() as connection:
        stored = memory.load_records(connection)
        identities = Identities(connection, settings.namespace)
        logged = logged_of(connection, identities)
        return Vocabulary.of(link_all(identities, stored, settings, logged))


def _quarantined(connection: sqlite3.Connection) -> Iterator[Rejected]:
    if has_table(connection, "quarantine"):
        for path, items in groupby(quarantine.list_rejected(connection), attrgetter("path")):
            if is_there(path):
                yield from items


def _of_windows(connection: sqlite3.Connection) -> list[Gap]:
    if not has_table(connection, "serving_slots"):
        return []
    blind = list_blind_counters(connection)
    return [
        *(
            windows_without_event(slot, item.model, item.version)
            for slot, item in list_implied(connection)
        ),
        *(blind_counters(service, fields) for service, fields in sorted(blind.items()) if fields),
    ]


def _of_logs(connection: sqlite3.Connection) -> Iterator[Gap]:
    for file in list_files(connection):
        if file.state.untimed:
            yield log_without_time(file.path, file.state.untimed)
        for words in file.state.words:
            if words.unknown is not None:
                yield log_of_nobody(file.path, words)


def log_without_time(path: str, rows: int) -> Gap:
    """Report requests that are of no hour, so that nobody looks at what was asked in them."""
    name = Path(path).name
    return Gap(
        "log_without_time",
        f"{rows:,} requests of {name!r} have no time under a usual name: they are in no hour, and "
        "are not compared with what their model was trained on",
        path=path,
        field="time",
        mend=f'say where it is in lineage-bridge.toml: [inference_logs."*/{name}"] time = "…"',
    )


def log_of_nobody(path: str, words: Words) -> Gap:
    """Report rows of a log of which it is not known who answered."""
    assert words.unknown is not None
    field, why = words.unknown
    name = Path(path).name
    rows = "1 row" if words.rows == 1 else f"{words.rows:,} rows"
    said = ", ".join(
        f"{key} {value!r}" for key, value in words.served._asdict().items() if value is not None
    )
    return Gap(
        "log_of_nobody",
        f"{rows} of {name!r} ({said or 'no words'}) are of no deployment that is known: {why}",
        path=path,
        field=field,
        edge=f"{name} -> {LOG_FORM}",
        mend="name the folder of its deployment events to `backfill`, or say it in "
        f'lineage-bridge.toml: [inference_logs."*/{name}"] {field} = "\'<its {field}>\'"',
        group="{count} sorts of rows in inference logs are of no deployment that is known",
    )


def windows_without_event(slot: Slot, model: str, version: str) -> Gap:
    """Report windows of a model version that no deployment event names."""
    return Gap(
        "windows_without_event",
        f"{slot.deployment!r} has windows of {model!r} {version!r}, and no event of that start",
        field="deployment_id",
        edge=f"{model_dataset(model)}@{version} -> {slot.job}",
        mend="name the folder of its deployment events to `backfill`",
        group="{count} deployments have windows of model versions that no event says they started",
    )


def blind_counters(service: str, fields: Sequence[str]) -> Gap:
    """Report counters that a service never moved: the faults that they count cannot be seen."""
    return Gap(
        "blind_counters",
        f"{service!r} never counted: {', '.join(fields)}",
        mend="nothing, unless these faults can happen: then they go unseen",
    )


def broken_facet(found: BrokenFacet) -> Gap:
    """A facet under a name of ours that was left out of the graph."""
    of = found.node or f"the run {found.run}"
    events = "1 event" if found.events == 1 else f"{found.events} events, the newest"
    return Gap(
        "broken_facet",
        f"`{found.key}` of {of} is left out of the graph: {found.problem}. Seen in {events} "
        f"of {format_time(found.newest)}, from {found.producer or 'a producer without a name'}",
        field=found.key,
        mend=f"send it as {definitions()[found.key].schema_url()} says",
    )
