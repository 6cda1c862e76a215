"""Readings of runs: their states, the last success, and how long builds and trainings took.

A run has a duration if it was a batch, completed, and has a START event; it counts once for each
dataset or model that it wrote. A run whose start nobody knows has no duration, not one of zero.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import fsum

from lineage_bridge.exporter.metric import Metric, Reading
from lineage_bridge.exporter.per_node import PerNode
from lineage_bridge.exporter.platform_metrics import (
    BUILD_DURATION,
    JOB_LAST_STATE,
    JOB_LAST_SUCCESS,
    JOB_RUNS,
    TRAINING_DURATION,
)
from lineage_bridge.exporter.view import View
from lineage_bridge.graph.model import Node, Run
from lineage_bridge.naming import is_observer

_Series = tuple[Metric, tuple[str, ...]]
_ENDS = ("COMPLETED", "FAILED", "ABORTED")


def run_readings(job: Node, name: str, environment: str) -> tuple[Reading, ...]:
    """Read how many runs of a job are in each state, how the last ended, and the last success."""
    states = Counter(run.state for run in job.runs)
    found = [
        JOB_RUNS.read(name, environment, state, value=count)
        for state, count in sorted(states.items())
    ]
    finished = [run for run in job.runs if run.ended and not run.streaming]
    if finished:
        last = max(finished, key=lambda run: (run.ended, run.started or run.first))
        found += [
            JOB_LAST_STATE.read(name, environment, state, value=1 if last.state == state else 0)
            for state in _ENDS
        ]
    ends = [run.ended for run in job.runs if run.state == "COMPLETED" and run.ended]
    if ends:
        found.append(JOB_LAST_SUCCESS.read(name, environment, value=max(ends).timestamp()))
    return tuple(found)


def durations_of(job: Node) -> Mapping[str, Sequence[float]]:
    """Collect the durations of a job's runs: seconds, ascending, by the dataset written."""
    found: dict[str, list[float]] = defaultdict(list)
    for run in job.runs:
        seconds = _duration_seconds(run)
        if seconds is not None:
            for dataset in {binding.dataset for binding in run.outputs}:
                found[dataset].append(seconds)
    return {dataset: sorted(seconds) for dataset, seconds in found.items()}


def job_readings(view: View, of_job: PerNode[tuple[Reading, ...]]) -> Iterator[Reading]:
    """Read every job except observers: of those the graph keeps the newest run alone."""
    for job in view.jobs():
        if not is_observer(job.name):
            yield from of_job.of(job, view.name(job.id), view.environment)


def duration_readings(
    view: View, of_job: PerNode[Mapping[str, Sequence[float]]]
) -> Iterator[Reading]:
    """Read the two histograms."""
    observed: dict[_Series, list[Sequence[float]]] = defaultdict(list)
    for job in view.jobs():
        for dataset, seconds in of_job.of(job).items():
            metric = TRAINING_DURATION if dataset in view.models else BUILD_DURATION
            observed[metric, (view.name(dataset), view.environment)].append(seconds)
    for (metric, labels), durations in observed.items():
        yield from histogram(metric, labels, durations)


def histogram(
    metric: Metric, labels: tuple[str, ...], durations: Iterable[Sequence[float]]
) -> Iterator[Reading]:
    """Compute the samples of one histogram over several ascending lists.

    A bucket counts the values at or under its bound.
    """
    lists = list(durations)
    total = float(sum(map(len, lists)))
    for bound in metric.buckets:
        count = sum(bisect_right(seconds, bound) for seconds in lists)
        yield Reading(metric, labels, float(count), "_bucket", f"{float(bound)}")
    yield Reading(metric, labels, total, "_bucket", "+Inf")
    yield Reading(metric, labels, total, "_count")
    yield Reading(metric, labels, fsum(value for seconds in lists for value in seconds), "_sum")


def _duration_seconds(run: Run) -> float | None:
    if run.streaming or run.state != "COMPLETED" or run.started is None or run.ended is None:
        return None
    seconds = (run.ended - run.started).total_seconds()
    return seconds if seconds > 0 else None
