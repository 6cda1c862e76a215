"""The metrics of the bridge itself: `lineage_bridge_*`, about the home as it is now."""

from __future__ import annotations

from typing import Final

from lineage_bridge.exporter.metric import Metric

BUILD_INFO: Final = Metric(
    "lineage_bridge_build_info", "gauge", "The version of lineage-bridge, always 1", ("version",)
)
JOURNAL_EVENTS: Final = Metric(
    "lineage_bridge_journal_events_total",
    "counter",
    "Events that were appended to the journal, by where they came from",
    ("origin",),
)
JOURNAL_SEQ: Final = Metric(
    "lineage_bridge_journal_seq", "gauge", "Sequence number of the newest event in the journal"
)
JOURNAL_LAST_EVENT: Final = Metric(
    "lineage_bridge_journal_last_event_timestamp_seconds",
    "gauge",
    "The latest event time in the journal, in seconds since the epoch",
)
JOURNAL_LAST_ARRIVAL: Final = Metric(
    "lineage_bridge_journal_last_arrival_timestamp_seconds",
    "gauge",
    "When the newest event was appended, in seconds since the epoch",
)
MODEL_SEQ: Final = Metric(
    "lineage_bridge_model_seq",
    "gauge",
    "Sequence number of the last event that a derived model contains",
    ("model",),
)
GRAPH_NODES: Final = Metric("lineage_bridge_graph_nodes", "gauge", "Nodes of the graph", ("kind",))
GRAPH_EDGES: Final = Metric("lineage_bridge_graph_edges", "gauge", "Edges of the graph", ("kind",))
QUARANTINED: Final = Metric(
    "lineage_bridge_quarantined_artifacts",
    "gauge",
    "Files and lines that could not be read and wait to be mended",
    ("family",),
)
WATCH_LAST_LOOK: Final = Metric(
    "lineage_bridge_watch_last_look_timestamp_seconds",
    "gauge",
    "When a watcher looked at the sources last, to the minute; no series where none should run",
)
FORWARD_EVENTS: Final = Metric(
    "lineage_bridge_forward_events",
    "gauge",
    "Events on their way to Marquez, by how far they are",
    ("target", "state"),
)
FORWARD_PARKED: Final = Metric(
    "lineage_bridge_forward_parked",
    "gauge",
    "1 while nothing is sent to a Marquez until a setting changes",
    ("target",),
)
FOLLOW_EVENTS: Final = Metric(
    "lineage_bridge_follow_events",
    "gauge",
    "Events that a followed Marquez has or had, by what became of them here",
    ("source", "state"),
)
FOLLOW_FEED: Final = Metric(
    "lineage_bridge_follow_feed_events",
    "gauge",
    "Events that a followed Marquez counted at the last complete audit",
    ("source",),
)
FOLLOW_AUDIT: Final = Metric(
    "lineage_bridge_follow_last_audit_timestamp_seconds",
    "gauge",
    "When the last complete audit of a followed Marquez began: all that it had then is here",
    ("source",),
)
FOLLOW_FAILING: Final = Metric(
    "lineage_bridge_follow_failing",
    "gauge",
    "1 while a followed Marquez gives no events",
    ("source",),
)
MARQUEZ_UP: Final = Metric(
    "lineage_bridge_marquez_up", "gauge", "1 if Marquez answered the last time it was asked, else 0"
)
SERIES_DROPPED: Final = Metric(
    "lineage_bridge_series_dropped",
    "gauge",
    "Series that this scrape leaves out, because a metric has too many or two have the same labels",
    ("metric",),
)
PART_SUCCESS: Final = Metric(
    "lineage_bridge_scrape_part_success",
    "gauge",
    "1 if a part of the scrape could be computed, 0 if it is left out",
    ("part",),
)
SCRAPE_DURATION: Final = Metric(
    "lineage_bridge_scrape_duration_seconds", "gauge", "How long this scrape took to compute"
)

BRIDGE: Final = (
    BUILD_INFO,
    JOURNAL_EVENTS,
    JOURNAL_SEQ,
    JOURNAL_LAST_EVENT,
    JOURNAL_LAST_ARRIVAL,
    MODEL_SEQ,
    GRAPH_NODES,
    GRAPH_EDGES,
    QUARANTINED,
    WATCH_LAST_LOOK,
    FORWARD_EVENTS,
    FORWARD_PARKED,
    FOLLOW_EVENTS,
    FOLLOW_FEED,
    FOLLOW_AUDIT,
    FOLLOW_FAILING,
    MARQUEZ_UP,
    SERIES_DROPPED,
    PART_SUCCESS,
    SCRAPE_DURATION,
)
