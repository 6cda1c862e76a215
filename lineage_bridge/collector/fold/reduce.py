"""Apply an event to the tables, step by step in Marquez's own order.

The order matters where a step fails: the steps before it stay done. Source: `OpenLineageDao.
updateMarquezModel` for each of the three kinds of event.

Unlike Marquez, a run's state and times, and which run of its job is the current one, follow event
time and not arrival (see `reduce_runs`), so that events of one run may arrive in any order.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from lineage_bridge.collector.dialect import typed
from lineage_bridge.collector.dialect.java import text
from lineage_bridge.collector.fold import (
    reduce_datasets,
    reduce_jobs,
    reduce_parents,
    reduce_runs,
    reduce_versions,
)
from lineage_bridge.collector.fold.done import Done, RunDone
from lineage_bridge.collector.fold.reduce_datasets import Role
from lineage_bridge.collector.rows import dataset_row, job_row
from lineage_bridge.collector.rows.context import Context, refuse
from lineage_bridge.collector.rows.dataset_row import VersionRow
from lineage_bridge.collector.rows.job_row import JobRow
from lineage_bridge.events import event_id_of
from lineage_bridge.marquez_limits import NAMESPACE
from lineage_bridge.times import within_range

HOUR_US = 3_600_000_000
COUNTED_TYPES = ("START", "COMPLETE", "FAIL", "ABORT")

Event = Mapping[str, Any]


def take(context: Context, kind: str, event: Event, done: Done) -> Iterator[None]:
    """Apply one event of a kind, continuing from `done`.

    Yields where the transaction may be committed; `done` then records how far the event is.

    Raises:
        RefusedEventError: the event cannot be applied any further.
    """
    if kind == "dataset":
        yield from _take_dataset_event(context, event, done)
    elif kind == "job":
        yield from _take_job_event(context, event, done)
    else:
        yield from _take_run_event(context, event, done)


def count(context: Context, kind: str, event: Event) -> None:
    """Count an event, whether it could be applied or not: the feed shows it in either case."""
    event_type = event.get("eventType")
    counted = event_type if kind == "run" and event_type in COUNTED_TYPES else kind
    context.batch.events[within_range(context.at_us) // HOUR_US, counted] += 1


def _take_dataset_event(context: Context, event: Event, done: Done) -> Iterator[None]:
    dataset = event.get("dataset")
    if dataset is None:
        raise refuse("dataset must not be null")
    yield from reduce_datasets.take(context, dataset, Role.STATIC, None, done)


def _take_job_event(context: Context, event: Event, done: Done) -> Iterator[None]:
    if done.job is None:
        job = reduce_jobs.take_static(context, event)
        done.job = job.namespace, job.name
    else:
        job = _held_job(context, done.job)
    inputs = yield from _datasets(context, event.get("inputs"), Role.JOB_INPUT, None, done)
    outputs = yield from _datasets(
        context, event.get("outputs"), Role.JOB_OUTPUT, None, done, before=len(inputs)
    )
    facets = typed.stored_facets(event["job"], typed.JOB_FACETS, context.may_have_nulls)
    reduce_versions.link_static(context, job, inputs, outputs, facets)


def _take_run_event(context: Context, event: Event, done: Done) -> Iterator[None]:
    if done.job is None or done.run is None:
        job, run = _begin_run(context, event)
        done.job, done.run = (
            (job.namespace, job.name),
            msgspec.convert(run, RunDone, from_attributes=True),
        )
    else:
        job, run = _held_job(context, done.job), _held_run(done.run)
    reduce_runs.check(event)
    inputs = yield from _datasets(context, event.get("inputs"), Role.INPUT, run, done)
    outputs = yield from _datasets(
        context, event.get("outputs"), Role.OUTPUT, run, done, before=len(inputs)
    )
    is_ours = event_id_of(event) is not None
    reduce_versions.finish(context, job, run, inputs, outputs, is_ours=is_ours)


def _begin_run(context: Context, event: Event) -> tuple[JobRow, reduce_runs.Run]:
    """Upsert the job and the run of an event."""
    context.ensure_namespace(reduce_jobs.job_namespace(event))
    _check_inputs(event.get("inputs"))
    parent = reduce_parents.find(context, event)
    job = reduce_jobs.take(context, event, parent)
    run = reduce_runs.take(context, event, job.id)
    job.set_run(parent.current_run if parent else run.id, context.at_us)
    return job, run


def _held_job(context: Context, names: tuple[str, str]) -> JobRow:
    held = context.batch.jobs.get(names) or job_row.find(context.connection, *names)
    assert held is not None, names
    context.batch.jobs[names] = held
    return held


def _held_run(run: RunDone) -> reduce_runs.Run:
    return reduce_runs.Run(run.id, run.uuid, run.state, run.is_late, run.is_over, run.job_facets)


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
    datasets: Sequence[Event | None] | None,
    role: Role,
    run: reduce_runs.Run | None,
    done: Done,
    *,
    before: int = 0,
) -> Generator[None, None, list[VersionRow]]:
    """Apply the datasets of one side; `before` is the number of datasets on the side before it."""
    listed = datasets or ()
    held = done.versions[before : before + len(listed)]
    taken = [_held_version(context, version) for version in held]
    for dataset in listed[len(taken) :]:
        if dataset is None:
            raise refuse("a dataset must not be null")
        version = yield from reduce_datasets.take(context, dataset, role, run, done)
        taken.append(version)
        done.finish_dataset(version.id)
        yield
    return taken


def _held_version(context: Context, version: int) -> VersionRow:
    versions = context.batch.versions
    if version not in versions:
        versions[version] = dataset_row.load(context.connection, version)
    return versions[version]
