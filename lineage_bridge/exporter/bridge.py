"""Readings of the bridge itself: its journal, graph, quarantine, and the traffic with Marquez."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence

from lineage_bridge import __version__
from lineage_bridge.exporter import bridge_metrics as own
from lineage_bridge.exporter.arrivals import Arrivals
from lineage_bridge.exporter.metric import Reading
from lineage_bridge.follow.status import list_sources
from lineage_bridge.graph.model import Graph
from lineage_bridge.ingest.watch import last_look
from lineage_bridge.journal import Journal
from lineage_bridge.journal.migrations import has_table
from lineage_bridge.journal.models import list_models
from lineage_bridge.observe import quarantine
from lineage_bridge.share.targets import list_targets
from lineage_bridge.times import parse_time

_US = 1_000_000


def build_readings() -> Iterator[Reading]:
    """Read the version of lineage-bridge."""
    yield own.BUILD_INFO.read(__version__, value=1)


def arrival_totals(arrivals: Sequence[Arrivals]) -> Iterator[Reading]:
    """Read the counter of events."""
    for arrived in arrivals:
        yield own.JOURNAL_EVENTS.read(arrived.origin, value=arrived.events)


def arrival_readings(arrivals: Sequence[Arrivals]) -> Iterator[Reading]:
    """Read the newest event time and arrival; nothing while the journal is empty."""
    if arrivals:
        event_us, arrival_us = (
            max(a.event_us for a in arrivals),
            max(a.arrival_us for a in arrivals),
        )
        yield own.JOURNAL_LAST_EVENT.read(value=event_us / _US)
        yield own.JOURNAL_LAST_ARRIVAL.read(value=arrival_us / _US)


def graph_readings(graph: Graph) -> Iterator[Reading]:
    """Read the size of the graph."""
    nodes = Counter(node.kind for node in graph.nodes.values())
    for node_kind, count in sorted(nodes.items()):
        yield own.GRAPH_NODES.read(node_kind, value=count)
    for edge_kind, count in sorted(graph.count_edges().items()):
        yield own.GRAPH_EDGES.read(edge_kind, value=count)


def journal_readings(journal: Journal) -> Iterator[Reading]:
    """Read how far the journal and its models are, the quarantine, and the watcher's last look."""
    with journal.reading() as connection:
        (newest,) = connection.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()
        models = list_models(connection)
        rejected = _quarantined(connection)
        watched = last_look(connection)
    yield own.JOURNAL_SEQ.read(value=newest)
    for name, _, seq in models:
        yield own.MODEL_SEQ.read(name, value=seq)
    for family, count in rejected:
        yield own.QUARANTINED.read(family, value=count)
    if watched is not None:
        yield own.WATCH_LAST_LOOK.read(value=watched.timestamp())


def forward_readings(journal: Journal, marquez_url: str | None) -> Iterator[Reading]:
    """Read how many events are on their way to each Marquez."""
    for target in list_targets(journal, marquez_url):
        for state, count in sorted(target.states.items()):
            yield own.FORWARD_EVENTS.read(target.url, state, value=count)
        yield own.FORWARD_PARKED.read(target.url, value=0 if target.parked is None else 1)


def follow_readings(journal: Journal) -> Iterator[Reading]:
    """Read what came from each Marquez that is followed, and how complete that is."""
    for source in list_sources(journal):
        for state in ("appended", "recognised", "unreadable", "gone"):
            yield own.FOLLOW_EVENTS.read(source.url, state, value=getattr(source, state))
        yield own.FOLLOW_FAILING.read(source.url, value=0 if source.problem is None else 1)
        if source.audited is not None:
            audited = parse_time(source.audited).instant.timestamp()
            yield own.FOLLOW_AUDIT.read(source.url, value=audited)
            yield own.FOLLOW_FEED.read(source.url, value=source.counted or 0)


def _quarantined(connection: sqlite3.Connection) -> list[tuple[str, int]]:
    if not has_table(connection, "quarantine"):  # nothing was ever scanned into this home
        return []
    return quarantine.count_by_family(connection)
