"""The collector's Prometheus metrics, about itself and about its tables.

A metric that Marquez has too keeps Marquez's name. Source: `MarquezApp` (the servlet at
`/metrics`), `marquez.db.*Dao` (names).
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import Counter

from lineage_bridge.collector.pace import Pace

_TOTALS = {
    "marquez_namespace_total": "mq_namespaces",
    "marquez_source_total": "mq_sources",
    "marquez_dataset_total": "mq_datasets",
    "marquez_dataset_versions_total": "mq_dataset_versions",
    "marquez_job_total": "mq_jobs",
    "marquez_job_versions_total": "mq_job_versions",
}


class Metrics:
    """Counts requests by method and status; threads may share it.

    Args:
        pace: slows events down, and counts those.
    """

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, int]] = Counter()

    def count(self, method: str, status: int) -> None:
        """Count an answered request."""
        with self._lock:
            self._requests[method, status] += 1

    def text(self, connection: sqlite3.Connection) -> str:
        """Return all metrics in Prometheus' text format."""
        lines = [
            "# HELP lineage_bridge_collector_requests_total Requests answered.",
            "# TYPE lineage_bridge_collector_requests_total counter",
        ]
        with self._lock:
            requests = sorted(self._requests.items())
        lines += [
            f'lineage_bridge_collector_requests_total{{method="{method}",status="{status}"}} {n}'
            for (method, status), n in requests
        ]
        (seq,) = connection.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()
        (refused,) = connection.execute("SELECT count(*) FROM mq_refused").fetchone()
        lines += _metric("lineage_bridge_collector_journal_seq", "gauge", "Last record.", seq)
        lines += _fold_lines(connection)
        lines += _metric(
            "lineage_bridge_collector_slowed_events_total",
            "counter",
            "Events that had to wait because folding was behind.",
            self._pace.slowed,
        )
        lines += _metric(
            "lineage_bridge_collector_refused_events", "gauge", "Events refused so far.", refused
        )
        for name, table in _TOTALS.items():
            (rows,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
            lines += _metric(name, "counter", f"Rows of {table}.", rows)
        return "\n".join(lines) + "\n"


def _fold_lines(connection: sqlite3.Connection) -> list[str]:
    (reached,) = connection.execute(
        "SELECT coalesce(max(seq), 0) FROM models WHERE name = 'collector'"
    ).fetchone()
    row = connection.execute(
        "SELECT received_us FROM events WHERE seq > ? ORDER BY seq LIMIT 1", (reached,)
    ).fetchone()
    lag = 0.0 if row is None else max(time.time_ns() // 1000 - row[0], 0) / 1e6
    return [
        *_metric(
            "lineage_bridge_collector_folded_seq", "gauge", "Last record in the tables.", reached
        ),
        *_metric(
            "lineage_bridge_collector_fold_lag_seconds",
            "gauge",
            "How long the oldest record has waited that is not in the tables yet.",
            lag,
        ),
    ]


def _metric(name: str, kind: str, text: str, value: float) -> list[str]:
    return [f"# HELP {name} {text}", f"# TYPE {name} {kind}", f"{name} {value}"]
