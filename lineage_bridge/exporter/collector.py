"""The metrics collector: what prometheus_client asks at each scrape.

The graph, and what depends on it alone, is kept between scrapes and made again when the journal has
moved, or an event whose time lay in the future has come to pass; ages and statuses are computed
each time, at the instant of the scrape. Without a Marquez all values stay: they come from the
journal.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from prometheus_client.registry import Collector, CollectorRegistry

from lineage_bridge import facets
from lineage_bridge.exporter import bridge
from lineage_bridge.exporter.arrivals import Arrivals, count_arrivals
from lineage_bridge.exporter.bridge_metrics import MARQUEZ_UP, SCRAPE_DURATION
from lineage_bridge.exporter.builds import duration_readings
from lineage_bridge.exporter.datasets import freshness_readings, size_readings
from lineage_bridge.exporter.deployments import health_readings, serving_readings, total_readings
from lineage_bridge.exporter.families import described, families
from lineage_bridge.exporter.jobs import job_readings
from lineage_bridge.exporter.marks import Marks
from lineage_bridge.exporter.metric import Reading
from lineage_bridge.exporter.models import model_readings
from lineage_bridge.exporter.parts import take_part
from lineage_bridge.exporter.probe import MarquezProbe
from lineage_bridge.exporter.view import Judged, View
from lineage_bridge.graph.load import load
from lineage_bridge.graph.reduce import reduce
from lineage_bridge.journal import Journal
from lineage_bridge.settings import Settings
from lineage_bridge.times import to_micros

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric as Family

# The only facets that a metric is made of; the others are not even read.
_FACETS = (
    facets.FRESHNESS,
    facets.FEATURE_SET,
    facets.TRAINING,
    facets.DEPLOYMENT,
    facets.SERVING_HEALTH,
    "dataQualityMetrics",
    "outputStatistics",
    "datasetType",
)


def utc_now() -> datetime:
    """The clock of a live exporter."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is kept between scrapes: all that changes only when the journal does.

    Attributes:
        epoch: of the journal (see `Journal.epoch`).
        seq: the number that the graph has reached.
        until_us: the time of the first event that the graph leaves out as not yet past, if any.
        view: the graph.
        readings: those that time does not change, the counters raised to their marks.
    """

    epoch: int
    seq: int
    until_us: int | None
    view: View
    readings: tuple[Reading, ...]


class MetricsCollector(Collector):
    """Collects one home's metrics; register it with a registry of its own.

    Args:
        journal: writable: the derived tables and the counters' marks are kept in it.
        settings: for the environment, and the Marquez that is asked if it is up.
        now: the instant that is shown: the graph as of then, judged then.
        at: in place of `now`, one instant for ever; the marks of the journal are left alone.
        probe: asks Marquez; made from the settings unless given.
        stopwatch: seconds, for the duration of a scrape.
    """

    def __init__(
        self,
        journal: Journal,
        settings: Settings,
        *,
        now: Callable[[], datetime] = utc_now,
        at: datetime | None = None,
        probe: MarquezProbe | None = None,
        stopwatch: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._journal = journal
        self._settings = settings
        self._now = now if at is None else lambda: at
        self._probe = probe or _probe_of(settings)
        self._stopwatch = stopwatch
        self._marks = Marks(journal if at is None else None)
        self._kept: _Kept | None = None
        self._lock = threading.Lock()

    def describe(self) -> Iterable[Family]:
        """All metrics without values; nothing is read."""
        return described()

    def collect(self) -> Iterable[Family]:
        """All metrics with their values of now.

        Raises:
            JournalError: the journal cannot be read.
        """
        with self._lock:
            began = self._stopwatch()
            readings = list(self._readings())
            readings.append(SCRAPE_DURATION.read(value=self._stopwatch() - began))
            return families(readings)

    def _readings(self) -> Iterator[Reading]:
        instant = self._now()
        kept = self._current(instant)
        judged = Judged(kept.view, instant)
        url = self._settings.marquez_url
        yield from kept.readings
        yield from take_part("freshness", lambda: freshness_readings(judged))
        yield from take_part("health", lambda: health_readings(judged))
        yield from take_part("serving", lambda: serving_readings(judged))
        yield from take_part("journal", lambda: bridge.journal_readings(self._journal))
        yield from take_part("forward", lambda: bridge.forward_readings(self._journal, url))
        if self._probe is not None:
            yield MARQUEZ_UP.read(value=1 if self._probe.is_up() else 0)

    def _current(self, instant: datetime) -> _Kept:
        kept = self._kept
        is_old = kept is not None and (
            kept.epoch != self._journal.epoch or kept.seq != self._journal.last_seq()
        )
        if kept is None or is_old or _is_over(kept, instant):
            kept = self._kept = self._load(instant)
        return kept

    def _load(self, instant: datetime) -> _Kept:
        epoch, seq = self._journal.epoch, reduce(self._journal)
        arrivals = count_arrivals(self._journal)
        with self._journal.reading() as connection:
            graph = load(connection, at=instant, keys=_FACETS)
            until_us = _next_event_us(connection, to_micros(instant))
        view = View(graph, self._settings.environment)
        return _Kept(epoch, seq, until_us, view, tuple(self._still(view, arrivals)))

    def _still(self, view: View, arrivals: Sequence[Arrivals]) -> Iterator[Reading]:
        """What only the journal changes; no counter is below its mark."""
        counters = (
            ("durations", duration_readings(view)),
            ("totals", total_readings(view)),
            ("arrivals", bridge.arrival_totals(arrivals)),
        )
        for name, readings in counters:
            yield from take_part(name, partial(self._marks.raised, readings))
        yield from take_part("sizes", lambda: size_readings(view))
        yield from take_part("models", lambda: model_readings(view))
        yield from take_part("jobs", lambda: job_readings(view))
        yield from take_part("graph", lambda: bridge.graph_readings(view.graph))
        yield from bridge.build_readings()
        yield from bridge.arrival_readings(arrivals)


def _is_over(kept: _Kept, instant: datetime) -> bool:
    return kept.until_us is not None and to_micros(instant) >= kept.until_us


def _next_event_us(connection: sqlite3.Connection, instant_us: int) -> int | None:
    # The index has the kind first: three short looks instead of a scan.
    times = [
        connection.execute(
            "SELECT min(time_us) FROM events WHERE kind = ? AND time_us > ?", (kind, instant_us)
        ).fetchone()[0]
        for kind in ("run", "dataset", "job")
    ]
    return min((time_us for time_us in times if time_us is not None), default=None)


def registry_of(collector: MetricsCollector) -> CollectorRegistry:
    """A registry that has this collector and nothing else."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    return registry


def _probe_of(settings: Settings) -> MarquezProbe | None:
    if settings.marquez_url is None:
        return None
    return MarquezProbe(settings.marquez_url, api_key=settings.marquez_api_key)
