"""The collector's Prometheus metrics, about itself and about its tables.

prometheus_client writes them. Importing it takes 40 ms, a sixth of all that the collector imports
before it listens, and only a scrape needs it: so a scrape imports it.

A metric that Marquez has too keeps Marquez's name. Source: `MarquezApp` (the servlet at
`/metrics`), `marquez.db.*Dao` (names).
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Literal, cast

from lineage_bridge.collector.pace import Pace
from lineage_bridge.collector.rows import refused

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric as Family
    from prometheus_client.registry import Collector

METRICS_TYPE = "text/plain;version=0.0.4;charset=utf-8"  # the media type of `exposition`
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

    def exposition(self, connection: sqlite3.Connection) -> bytes:
        """Return all metrics in Prometheus' text format."""
        from prometheus_client import CollectorRegistry, generate_latest

        registry = CollectorRegistry(auto_describe=False)
        registry.register(cast("Collector", _Scrape(self._families(connection))))
        return generate_latest(registry)

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


class _Scrape:
    """A `Collector` of prometheus_client, though not by inheritance: that would need its import."""

    def __init__(self, found: Iterable[Family]) -> None:
        self._found = found

    def collect(self) -> Iterable[Family]:
        """Return what there is to write."""
        return self._found


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
