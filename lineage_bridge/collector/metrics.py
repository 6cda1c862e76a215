"""The collector's Prometheus metrics, about itself and about its tables.

A metric that Marquez has too keeps Marquez's name. Source: `MarquezApp` (the servlet at
`/metrics`), `marquez.db.*Dao` (names).
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal

from lineage_bridge.collector.api import Api
from lineage_bridge.collector.pace import Pace
from lineage_bridge.collector.rows import refused

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric as Family

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
        api: gives the tables.
        pace: slows events down, and counts those.
    """

    def __init__(self, api: Api, pace: Pace) -> None:
        self._api = api
        self._pace = pace
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, int]] = Counter()

    def count(self, method: str, status: int) -> None:
        """Count an answered request."""
        with self._lock:
            self._requests[method, status] += 1

    def collect(self) -> Iterator[Family]:
        """Yield all metrics with their present values.

        Raises:
            JournalError: the tables cannot be read.
        """
        with self._api.reading() as connection:
            yield from self._families(connection)

    def _families(self, connection: sqlite3.Connection) -> Iterator[Family]:
        with self._lock:
            requests = sorted(self._requests.items())
        yield _family(
            "lineage_bridge_collector_requests_total",
            "counter",
            "Requests answered.",
            *(({"method": method, "status": str(status)}, n) for (method, status), n in requests),
        )
        (seq,) = connection.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()
        yield _family("lineage_bridge_collector_journal_seq", "gauge", "Last record.", ({}, seq))
        yield from _folding(connection)
        yield _family(
            "lineage_bridge_collector_slowed_events_total",
            "counter",
            "Events that had to wait because folding was behind.",
            ({}, self._pace.slowed),
        )
        yield _family(
            "lineage_bridge_collector_refused_events",
            "gauge",
            "Events refused so far.",
            ({}, refused.count(connection)),
        )
        for name, table in _TOTALS.items():
            (rows,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
            yield _family(name, "counter", f"Rows of {table}.", ({}, rows))


def _folding(connection: sqlite3.Connection) -> Iterator[Family]:
    (reached,) = connection.execute(
        "SELECT coalesce(max(seq), 0) FROM models WHERE name = 'collector'"
    ).fetchone()
    row = connection.execute(
        "SELECT received_us FROM events WHERE seq > ? ORDER BY seq LIMIT 1", (reached,)
    ).fetchone()
    lag = 0.0 if row is None else max(time.time_ns() // 1000 - row[0], 0) / 1e6
    yield _family(
        "lineage_bridge_collector_folded_seq", "gauge", "Last record in the tables.", ({}, reached)
    )
    yield _family(
        "lineage_bridge_collector_fold_lag_seconds",
        "gauge",
        "How long the oldest record has waited that is not in the tables yet.",
        ({}, lag),
    )


def _family(
    name: str,
    kind: Literal["counter", "gauge"],
    text: str,
    *series: tuple[Mapping[str, str], float],
) -> Family:
    from prometheus_client.metrics_core import Metric as Family

    # The library calls a counter without `_total`, and appends it.
    family = Family(name.removesuffix("_total") if kind == "counter" else name, text, kind)
    for labels, value in series:
        family.add_sample(name, dict(labels), value)
    return family
