"""Durations of builds and trainings as histograms: each completed run counts once.

A run counts if it was a batch, completed, and said when it started; it counts once for each dataset
or model that it wrote. A run whose start nobody knows has no duration, not one of zero.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from lineage_bridge.exporter.metric import Metric, Reading
from lineage_bridge.exporter.platform_metrics import BUILD_DURATION, TRAINING_DURATION
from lineage_bridge.exporter.view import View
from lineage_bridge.graph.model import Run

_Series = tuple[Metric, tuple[str, ...]]


def duration_readings(view: View) -> Iterator[Reading]:
    """The two histograms."""
    observed: dict[_Series, list[float]] = defaultdict(list)
    for run in view.graph.runs:
        seconds = _duration_seconds(run)
        if seconds is None:
            continue
        for dataset in {binding.dataset for binding in run.outputs}:
            metric = TRAINING_DURATION if dataset in view.models else BUILD_DURATION
            observed[metric, (view.name(dataset), view.environment)].append(seconds)
    for (metric, labels), durations in observed.items():
        yield from histogram(metric, labels, durations)


def histogram(
    metric: Metric, labels: tuple[str, ...], values: Sequence[float]
) -> Iterable[Reading]:
    """The samples of one histogram: buckets count what is at or under their bound."""
    counts = [0] * (len(metric.buckets) + 1)
    for value in values:
        counts[bisect_left(metric.buckets, value)] += 1
    bounds = [*(f"{float(bound)}" for bound in metric.buckets), "+Inf"]
    for bound, count in zip(bounds, accumulate(counts), strict=True):
        yield Reading(metric, labels, float(count), "_bucket", bound)
    yield Reading(metric, labels, float(len(values)), "_count")
    yield Reading(metric, labels, float(sum(sorted(values))), "_sum")


def _duration_seconds(run: Run) -> float | None:
    if run.streaming or run.state != "COMPLETED" or run.started is None or run.ended is None:
        return None
    seconds = (run.ended - run.started).total_seconds()
    return seconds if seconds > 0 else None
