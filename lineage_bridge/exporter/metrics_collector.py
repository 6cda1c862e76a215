"""The metrics collector, which prometheus_client asks at each scrape.

All values come from one snapshot. Those that depend on the graph alone are cached until the graph
changes; ages and statuses are computed each time, at the instant of the scrape. If Marquez is down
no value is missing: they come from the journal.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from prometheus_client.registry import Collector, CollectorRegistry

from lineage_bridge.answers import Snapshots
from lineage_bridge.assess.policies import Policies
from lineage_bridge.errors import JournalError, log_bug
from lineage_bridge.exporter import bridge
from lineage_bridge.exporter.arrivals import count_arrivals
from lineage_bridge.exporter.bridge_metrics import MARQUEZ_UP, PART_SUCCESS, SCRAPE_DURATION
from lineage_bridge.exporter.compat import Compat, sentinelml, sentinelml_drift, sentinelml_quality
from lineage_bridge.exporter.compat.p6 import as_p6
from lineage_bridge.exporter.datasets import (
    check_readings,
    freshness_readings,
    model_readings,
    size_readings,
    sizes_of,
)
from lineage_bridge.exporter.deployments import health_readings, serving_readings, total_readings
from lineage_bridge.exporter.families import described, families
from lineage_bridge.exporter.findings.drift import drift_readings
from lineage_bridge.exporter.findings.nodes import node_readings
from lineage_bridge.exporter.findings.quality import logged_totals, quality_readings
from lineage_bridge.exporter.marks import Marks
from lineage_bridge.exporter.metric import Reading
from lineage_bridge.exporter.per_node import PerNode
from lineage_bridge.exporter.probe import MarquezProbe
from lineage_bridge.exporter.runs import (
    duration_readings,
    durations_of,
    job_readings,
    run_readings,
)
from lineage_bridge.exporter.view import View
from lineage_bridge.graph.model import Node
from lineage_bridge.journal import Journal
from lineage_bridge.settings import Settings

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric as Family
_LOG = logging.getLogger(__name__)


def utc_now() -> datetime:
    """Read the clock of a live exporter."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class _Kept:
    """Cached readings that time does not change, counters raised to their marks.

    They hold as long as the graph has the very same nodes: at a later time it is another graph.
    """

    nodes: Mapping[str, Node]
    seq: int
    readings: tuple[Reading, ...]


class MetricsCollector(Collector):
    """Collects one home's metrics; register it with a registry of its own.

    Args:
        journal: writable: the derived tables and the counters' marks are kept in it.
        settings: give the environment, the policies, and the Marquez that is asked if it is up.
        now: returns the instant to show; the graph is loaded and judged as of then.
        at: always show this instant in place of `now`; the journal's marks are then not used.
        compat: the systems whose names are shown too.
        snapshots: of this journal, if others share them; made from the settings unless given.
        probe: asks Marquez; made from the settings unless given.
        stopwatch: returns seconds, for the duration of a scrape.
    """

    def __init__(
        self,
        journal: Journal,
        settings: Settings,
        *,
        now: Callable[[], datetime] = utc_now,
        at: datetime | None = None,
        compat: Collection[Compat] = (),
        snapshots: Snapshots | None = None,
        probe: MarquezProbe | None = None,
        stopwatch: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._journal = journal
        self._settings = settings
        self._snapshots = snapshots or Snapshots(journal, Policies.of(settings))
        self._now = now if at is None else lambda: at
        self._compat = frozenset(compat)
        self._probe = probe or _probe_of(settings)
        self._stopwatch = stopwatch
        self._marks = Marks(journal if at is None else None)
        self._kept: _Kept | None = None
        self._sizes = PerNode(sizes_of)
        self._runs, self._durations = PerNode(run_readings), PerNode(durations_of)
        self._lock = threading.Lock()

    def describe(self) -> Iterable[Family]:
        """Return all metrics without values; nothing is read."""
        return described()

    def collect(self) -> Iterable[Family]:
        """Return all metrics with their present values.

        Raises:
            JournalError: the journal cannot be read.
        """
        with self._lock:
            began = self._stopwatch()
            readings = list(self._readings())
            if "p6" in self._compat:
                readings = as_p6(readings)
            readings.append(SCRAPE_DURATION.read(value=self._stopwatch() - began))
            return families(readings)

    def _readings(self) -> Iterator[Reading]:
        snapshot = self._snapshots.at(self._now())
        own = self._settings
        view = View(snapshot, own.environment, own.namespace)
        url = own.marquez_url
        yield from self._still(view)
        yield from take_part("freshness", lambda: freshness_readings(view))
        yield from take_part("checks", lambda: check_readings(view))
        yield from take_part("health", lambda: health_readings(view))
        yield from take_part("nodes", lambda: node_readings(view))
        yield from take_part("serving", lambda: serving_readings(view))
        yield from take_part("drift", lambda: drift_readings(view))
        if "sentinelml" in self._compat:
            yield from take_part("sentinelml", lambda: sentinelml.rate_readings(view))
            yield from take_part("sentinelml_drift", lambda: sentinelml_drift.drift_readings(view))
            yield from take_part(
                "sentinelml_quality", lambda: sentinelml_quality.quality_readings(view)
            )
        yield from take_part("quality", lambda: quality_readings(view))
        yield from take_part("journal", lambda: bridge.journal_readings(self._journal))
        yield from take_part("forward", lambda: bridge.forward_readings(self._journal, url))
        yield from take_part("follow", lambda: bridge.follow_readings(self._journal))
        if self._probe is not None:
            yield MARQUEZ_UP.read(value=1 if self._probe.is_up() else 0)

    def _still(self, view: View) -> tuple[Reading, ...]:
        """Return the readings that only the journal changes; cached while the graph is the same."""
        seq, kept = self._journal.last_seq(), self._kept
        if kept is None or kept.nodes is not view.graph.nodes or kept.seq != seq:
            readings = tuple(self._read_still(view))
            kept = self._kept = _Kept(view.graph.nodes, seq, readings)
            self._sizes.forget_all_but(view.graph)
            self._runs.forget_all_but(view.graph)
            self._durations.forget_all_but(view.graph)
        return kept.readings

    def _read_still(self, view: View) -> Iterator[Reading]:
        """Read the values that only the journal changes; no counter is below its mark."""
        arrivals = count_arrivals(self._journal)
        counters = {
            "durations": duration_readings(view, self._durations),
            "totals": total_readings(view),
            "logged_totals": logged_totals(view),
            "arrivals": bridge.arrival_totals(arrivals),
        }
        if "sentinelml" in self._compat:
            counters["sentinelml_totals"] = sentinelml.total_readings(view)
            counters["sentinelml_labelled"] = sentinelml_quality.labelled_totals(view)
        for name, readings in counters.items():
            yield from take_part(name, partial(self._marks.raised, readings))
        yield from take_part("sizes", lambda: size_readings(view, self._sizes))
        yield from take_part("models", lambda: model_readings(view))
        yield from take_part("jobs", lambda: job_readings(view, self._runs))
        yield from take_part("graph", lambda: bridge.graph_readings(view.graph))
        yield from bridge.build_readings()
        yield from bridge.arrival_readings(arrivals)


def take_part(name: str, source: Callable[[], Iterable[Reading]]) -> list[Reading]:
    """Compute a part of the scrape; if that fails, only report the failure as a metric.

    So a bug of ours costs the part that it is in, and not every metric of the home.

    Raises:
        JournalError: the journal cannot be read, which concerns all parts.
    """
    try:
        readings = list(source())
    except JournalError:
        raise
    except Exception as exc:  # noqa: BLE001 # whatever the bug is, it is logged and shown
        log_bug(_LOG, f"The part {name!r} is missing from this scrape", exc)
        return [PART_SUCCESS.read(name, value=0)]
    return [*readings, PART_SUCCESS.read(name, value=1)]


def registry_of(collector: MetricsCollector) -> CollectorRegistry:
    """Make a registry that has this collector and nothing else."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    return registry


def _probe_of(settings: Settings) -> MarquezProbe | None:
    if settings.marquez_url is None:
        return None
    return MarquezProbe(settings.marquez_url, api_key=settings.marquez_api_key)
