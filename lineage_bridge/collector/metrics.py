"""What the collector tells Prometheus about itself and what it holds.

The names of Marquez's own gauges are kept where we know the number. Source: `MarquezApp` (the
servlet at `/metrics`), `marquez.db.*Dao` (names).
"""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter

_TOTALS = {
    "marquez_namespace_total": "mq_namespaces",
    "marquez_source_total": "mq_sources",
    "marquez_dataset_total": "mq_datasets",
    "marquez_dataset_versions_total": "mq_dataset_versions",
    "marquez_job_total": "mq_jobs",
    "marquez_job_versions_total": "mq_job_versions",
}


class Metrics:
    """Counts requests by method and status; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, int]] = Counter()

    def count(self, method: str, status: int) -> None:
        """Count an answered request."""
        with self._lock:
            self._requests[method, status] += 1

    def text(self, connection: sqlite3.Connection) -> str:
        """All metrics in Prometheus' text format."""
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
        lines += _metric(
            "lineage_bridge_collector_refused_events", "gauge", "Events refused so far.", refused
        )
        for name, table in _TOTALS.items():
            (rows,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
            lines += _metric(name, "counter", f"Rows of {table}.", rows)
        return "\n".join(lines) + "\n"


def _metric(name: str, kind: str, text: str, value: int) -> list[str]:
    return [f"# HELP {name} {text}", f"# TYPE {name} {kind}", f"{name} {value}"]
