"""An event taken into the tables, step by step in Marquez's own order.

The order matters where a step fails: what was done before stays. Source: `OpenLineageDao.
updateMarquezModel` for each of the three kinds of event.

Unlike Marquez, a run's state and times, and which run of its job is the current one, follow event
time and not arrival (see `reduce_runs`), so that events of one run may arrive in any order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lineage_bridge.collector import (
    reduce_datasets,
    reduce_jobs,
    reduce_parents,
    reduce_runs,
    reduce_versions,
    typed,
)
from lineage_bridge.collector.context import Context, refuse
from lineage_bridge.collector.dataset_row import VersionRow
from lineage_bridge.collector.reduce_datasets import Role
from lineage_bridge.collector.validation import NAMESPACE, text

HOUR_US = 3_600_000_000
COUNTED_TYPES = ("START", "COMPLETE", "FAIL", "ABORT")

Event = Mapping[str, Any]


def take(context: Context, kind: str, event: Event) -> None:
    """Take in one event of a kind.

    Raises:
        RefusedEventError: it cannot be taken in further.
    """
    _count(context, kind, event)
    if kind == "dataset":
        _take_dataset_event(context, event)
    elif kind == "job":
        _take_job_event(context, event)
    else:
        _take_run_event(context, event)


def _count(context: Context, kind: str, event: Event) -> None:
    event_type = event.get("eventType")
    counted = event_type if kind == "run" and event_type in COUNTED_TYPES else kind
    context.batch.events[context.at_us // HOUR_US, counted] += 1


def _take_dataset_event(context: Context, event: Event) -> None:
    dataset = event.get("dataset")
    if dataset is None:
        raise refuse("dataset must not be null")
    reduce_datasets.take(context, dataset, Role.STATIC, None)


def _take_job_event(context: Context, event: Event) -> None:
    job = reduce_jobs.take_static(context, event)
    inputs = _datasets(context, event.get("inputs"), Role.JOB_INPUT, None)
    outputs = _datasets(context, event.get("outputs"), Role.JOB_OUTPUT, None)
    facets = typed.stored_facets(event["job"], typed.JOB_FACETS, context.may_have_nulls)
    reduce_versions.link_static(context, job, inputs, outputs, facets)


def _take_run_event(context: Context, event: Event) -> None:
    context.ensure_namespace(reduce_jobs.job_namespace(event))
    _check_inputs(event.get("inputs"))
    parent = reduce_parents.find(context, event)
    job = reduce_jobs.take(context, event, parent)
    run = reduce_runs.take(context, event, job.id)
    job.set_run(parent.current_run if parent else run.id, context.at_us)
    reduce_runs.check(event)
    inputs = _datasets(context, event.get("inputs"), Role.INPUT, run)
    outputs = _datasets(context, event.get("outputs"), Role.OUTPUT, run)
    reduce_versions.finish(context, job, run, inputs, outputs)


def _check_inputs(inputs: Iterable[Event | None] | None) -> None:
    for dataset in inputs or ():
        if dataset is None:
            raise refuse("an input must not be null")
        if not NAMESPACE.fullmatch(text(dataset["namespace"]) or ""):
            raise refuse(f"inputs.namespace must match {NAMESPACE.pattern}", 400)
        if not (text(dataset["name"]) or "").strip():
            raise refuse("inputs.name must not be blank", 400)


def _datasets(
    context: Context,
    datasets: Iterable[Event | None] | None,
    role: Role,
    run: reduce_runs.Run | None,
) -> list[VersionRow]:
    taken = []
    for dataset in datasets or ():
        if dataset is None:
            raise refuse("a dataset must not be null")
        taken.append(reduce_datasets.take(context, dataset, role, run))
    return taken
