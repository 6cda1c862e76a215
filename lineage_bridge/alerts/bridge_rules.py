"""Rules of the bridge itself: without it no other rule can fire."""

from __future__ import annotations

from typing import Final

from lineage_bridge.alerts.rule import Rule

SCRAPE_JOB: Final = "lineage-bridge"  # as prometheus.yml calls it

BRIDGE: Final = (
    Rule(
        name="BridgeDown",
        area="bridge",
        severity="critical",
        after="5m",
        expr=f'up{{job="{SCRAPE_JOB}"}} == 0\nor absent(up{{job="{SCRAPE_JOB}"}})',
        summary="Prometheus gets no metrics of lineage-bridge",
        meaning=(
            "The exporter does not answer, or nothing is scraped under the job name "
            f"`{SCRAPE_JOB}`. All other alerts are silent meanwhile, and say nothing."
        ),
        todo=(
            "Start `lineage-bridge up`; its log says why it ended. Prometheus' page Targets says "
            "more."
        ),
    ),
    Rule(
        name="BridgeScrapeIncomplete",
        area="bridge",
        severity="warning",
        after="10m",
        expr="lineage_bridge_scrape_part_success == 0",
        summary="The part {{ $labels.part }} is missing from the metrics of lineage-bridge",
        meaning="A part of the scrape could not be computed, so alerts on its metrics are silent.",
        todo="The exporter's log has the reason; it is a fault of lineage-bridge.",
    ),
    Rule(
        name="BridgeSeriesDropped",
        area="bridge",
        severity="warning",
        after="10m",
        expr="lineage_bridge_series_dropped > 0",
        summary="{{ $labels.metric }} lacks {{ $value }} series",
        meaning=(
            "There are more than 2,000 of them, or two have the same labels; some go unwatched."
        ),
        todo="Give teams homes of their own, or names that differ.",
    ),
    Rule(
        name="JournalNotForwarding",
        area="bridge",
        severity="warning",
        after="15m",
        expr=(
            'lineage_bridge_forward_events{state="pending"} > 0\n'
            "and on () lineage_bridge_marquez_up\n"
            "unless on (target)\n"
            '  delta(lineage_bridge_forward_events{state="sent"}[15m]) > 0'
        ),
        summary="{{ $value }} events wait for {{ $labels.target }}, and none is sent",
        meaning=(
            "Events are kept in the journal and lost by nobody, but others do not see them. A "
            "Marquez that was forwarded to once and is not set any more does not fire."
        ),
        todo=(
            "`lineage-bridge journal status` says why: Marquez is down, it refuses the key, or "
            "neither `up` nor `journal forward` runs."
        ),
    ),
    Rule(
        name="EventsRefused",
        area="bridge",
        severity="warning",
        after="5m",
        expr='lineage_bridge_forward_events{state="dead"} > 0',
        summary="{{ $labels.target }} refused {{ $value }} events",
        meaning="Marquez will never take them as they are; all others go on.",
        todo="`lineage-bridge journal dead` lists them with the answer and what mends each.",
    ),
    Rule(
        name="MarquezNotFollowed",
        area="bridge",
        severity="warning",
        after="15m",
        expr=(
            "lineage_bridge_follow_failing == 1\n"
            "or time() - lineage_bridge_follow_last_audit_timestamp_seconds > 3600"
        ),
        summary="What others send to {{ $labels.source }} does not arrive",
        meaning="It gives no events, or its feed was not read as a whole for an hour.",
        todo="`lineage-bridge journal status` says what it answered last.",
    ),
    Rule(
        name="QuarantineGrowing",
        area="bridge",
        severity="warning",
        after="1m",
        expr=(
            "lineage_bridge_quarantined_artifacts - (\n"
            "  lineage_bridge_quarantined_artifacts offset 1h\n"
            "  or lineage_bridge_quarantined_artifacts * 0\n"
            ") > 0"
        ),
        summary="{{ $value }} more files or lines of {{ $labels.family }} cannot be read",
        meaning=(
            "Whoever writes them has changed their form, or writes broken ones. Those that are an "
            "hour old no longer fire; `doctor` goes on to list them."
        ),
        todo="`lineage-bridge doctor` lists each with its reason; a mended file is read again.",
    ),
    Rule(
        name="WatcherDead",
        area="bridge",
        severity="warning",
        after="5m",
        expr="time() - lineage_bridge_watch_last_look_timestamp_seconds > 1800",
        summary="Nobody has looked at the sources for {{ $value | humanizeDuration }}",
        meaning=(
            "A watcher was killed, hangs, or one pass takes longer than half an hour. One that was "
            "stopped does not fire."
        ),
        todo="Start `lineage-bridge watch` (or `up`) again; what it missed is read then.",
    ),
    Rule(
        name="ObservationTooOld",
        area="bridge",
        severity="warning",
        after="5m",
        expr="time() - lineage_bridge_journal_last_arrival_timestamp_seconds > 86400",
        summary="No event has arrived for {{ $value | humanizeDuration }}",
        meaning="Nobody has written an artifact or sent an event for a day, or none is read.",
        todo=(
            "See whether `watch` (or `up`) runs and `lineage-bridge sources list` names the "
            "folders that are written now. Where a day without an event is usual, raise the limit."
        ),
    ),
)
