"""Versions of jobs, the edges that they define, and the current versions of datasets.

A batch job gets its version at a terminal event of a run, a streaming one whenever it reads or
writes a new set of datasets. Edges are those of the current version; an event without inputs (or
outputs) switches that side off until the next terminal event. Source:
`OpenLineageDao.updateMarquezOnComplete`, `updateMarquezOnStreamingJob`, `JobVersionDao`.

Better than in Marquez: an event that is older than the one its run's state comes from, or that says
something more after the end, switches nothing off, and its inputs and outputs are added to the
version of its run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lineage_bridge.collector.dialect import hashes, merging
from lineage_bridge.collector.dialect.merging import Values
from lineage_bridge.collector.fold.course import is_terminal
from lineage_bridge.collector.fold.reduce_datasets import point_late, set_current
from lineage_bridge.collector.fold.reduce_runs import Run
from lineage_bridge.collector.rows import shared
from lineage_bridge.collector.rows.context import Context, refuse
from lineage_bridge.collector.rows.dataset_row import VersionRow
from lineage_bridge.collector.rows.job_row import JobRow
from lineage_bridge.marquez_limits import MAX_LOCATION

INPUT = "INPUT"
OUTPUT = "OUTPUT"


@dataclass(frozen=True, slots=True)
class Version:
    """A dataset version that a run has read or written, with the names in that event."""

    id: int
    dataset: int
    namespace: str
    name: str


_Mentioned = Sequence[Version] | Sequence[VersionRow]


def finish(
    context: Context,
    job: JobRow,
    run: Run,
    inputs: Sequence[VersionRow],
    outputs: Sequence[VersionRow],
    *,
    is_ours: bool,
) -> None:
    """Bring job and datasets up to date after a run event.

    An event of ours without inputs (an old bundle knows none) takes no edges away: the forwarder
    sees to it that it does not do so in a Marquez either.
    """
    if is_ours and not inputs and _has_inputs(context, job.id):
        _finish_beside(context, job, run, outputs)
        return
    is_silent_end = (
        job.is_streaming and run.state in {"COMPLETED", "FAILED"} and not inputs and not outputs
    )
    if not is_silent_end and not run.is_late:
        if not inputs:
            _switch_off(context, job.id, INPUT)
        if not outputs:
            _switch_off(context, job.id, OUTPUT)
    if run.state is None:
        return
    if job.is_streaming:
        if not is_silent_end:
            _link_streaming(context, job, run)
    elif is_terminal(run.state):
        link_run(context, job, run)
    elif run.is_late and _is_latest_of_job(context, job, run):
        _link(context, job, run)
    _point_outputs(context, job, run, outputs)


def _has_inputs(context: Context, job: int) -> bool:
    query = "SELECT 1 FROM mq_job_io WHERE job = ? AND io = ? AND is_current = 1 LIMIT 1"
    return context.connection.execute(query, (job, INPUT)).fetchone() is not None


def _finish_beside(context: Context, job: JobRow, run: Run, outputs: Sequence[VersionRow]) -> None:
    """Give a run that knows no inputs its version of the job, beside the current one."""
    if run.state is None:
        return
    if is_terminal(run.state):
        _link(context, job, run, is_beside=True)
        job.updated_us = context.at_us
    _point_outputs(context, job, run, outputs)


def _switch_off(context: Context, job: int, io: str) -> None:
    context.connection.execute(
        "UPDATE mq_job_io SET is_current = 0 WHERE job = ? AND io = ? AND is_current = 1", (job, io)
    )


def _is_latest_of_job(context: Context, job: JobRow, run: Run) -> bool:
    row = context.connection.execute(
        "SELECT latest_run FROM mq_job_versions WHERE id = ?", (job.current_version,)
    ).fetchone()
    return run.is_over and row is not None and row[0] == run.id


def _io(context: Context, run: int) -> tuple[list[Version], list[Version]]:
    """Read the dataset versions that a run has read and written, over all its events."""
    inputs = context.connection.execute(
        "SELECT v.id, v.dataset, v.namespace, v.name FROM mq_run_inputs i"
        " JOIN mq_dataset_versions v ON v.id = i.version WHERE i.run = ?",
        (run,),
    )
    return [Version(*row) for row in inputs], _outputs(context, run)


def _outputs(context: Context, run: int) -> list[Version]:
    rows = context.connection.execute(
        "SELECT id, dataset, namespace, name FROM mq_dataset_versions WHERE run = ? ORDER BY id",
        (run,),
    )
    return [Version(*row) for row in rows]


def _hash(job: JobRow, inputs: _Mentioned, outputs: _Mentioned) -> str:
    return hashes.job_version(
        job.namespace,
        job.hashed_name,
        ((version.namespace, version.name) for version in inputs),
        ((version.namespace, version.name) for version in outputs),
        job.location,
    )


def _link_streaming(context: Context, job: JobRow, run: Run) -> None:
    known = context.connection.execute(
        "SELECT 1 FROM mq_job_versions WHERE version = ?", (_hash(job, *_io(context, run.id)),)
    ).fetchone()
    if known is None:
        link_run(context, job, run)


def link_run(context: Context, job: JobRow, run: Run) -> None:
    """Make the job version of all that a run has read and written, as the job's current one."""
    _link(context, job, run)
    job.updated_us = context.at_us


def _link(context: Context, job: JobRow, run: Run, *, is_beside: bool = False) -> None:
    inputs, outputs = _io(context, run.id)
    facets = merging.by_arrival(merging.load(run.job_facets))
    version = _upsert(
        context, job, inputs, outputs, context.at_us, run.id, facets, is_beside=is_beside
    )
    context.connection.execute("UPDATE mq_runs SET job_version = ? WHERE id = ?", (version, run.id))
    if not is_beside:
        job.current_version = version


def _upsert(
    context: Context,
    job: JobRow,
    inputs: _Mentioned,
    outputs: _Mentioned,
    created_us: int,
    run: int | None,
    facets: Values,
    *,
    is_beside: bool = False,
) -> int:
    """Upsert a version of a job, with its edges (beside those that there are); return its row."""
    if len(job.location or "") > MAX_LOCATION:
        raise refuse(f"sourceCodeLocation.url must not be longer than {MAX_LOCATION} characters")
    version = _hash(job, inputs, outputs)
    found = context.connection.execute(
        "SELECT id, facets FROM mq_job_versions WHERE version = ?", (version,)
    ).fetchone()
    if found is None:
        row = _insert(context, job, version, created_us, run, facets)
    else:
        row = int(found[0])
        context.connection.execute(
            "UPDATE mq_job_versions SET facets = ?, latest_run = coalesce(?, latest_run)"
            " WHERE id = ?",
            (merging.dump({**merging.load_values(found[1]), **facets}), run, row),
        )
    if not is_beside:
        _switch_off_others(context, row, job, {INPUT: inputs, OUTPUT: outputs})
    _switch_on(context, row, job, INPUT, {item.dataset for item in inputs})
    _switch_on(context, row, job, OUTPUT, {item.dataset for item in outputs})
    return row


def _insert(
    context: Context,
    job: JobRow,
    version: str,
    created_us: int,
    run: int | None,
    facets: Values,
) -> int:
    cursor = context.connection.execute(
        "INSERT INTO mq_job_versions (uuid, version, job, namespace, name, location, created_us,"
        " latest_run, facets) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            context.uuid(f"job version {version}"),
            version,
            job.id,
            job.namespace,
            job.name,
            job.location,
            created_us,
            run,
            merging.dump(facets),
        ),
    )
    return int(cursor.lastrowid or 0)


def _switch_off_others(
    context: Context, version: int, job: JobRow, sides: Mapping[str, _Mentioned]
) -> None:
    """Switch off the edges of other versions, on each side where this one has some."""
    for io, mentioned in sides.items():
        if mentioned and version != job.current_version:
            context.connection.execute(
                "UPDATE mq_job_io SET is_current = 0"
                " WHERE job = ? AND io = ? AND is_current = 1 AND version != ?",
                (job.id, io, version),
            )


def _switch_on(context: Context, version: int, job: JobRow, io: str, datasets: set[int]) -> None:
    context.connection.executemany(
        "INSERT INTO mq_job_io (version, dataset, io, job, is_current) VALUES (?, ?, ?, ?, 1)"
        " ON CONFLICT DO UPDATE SET is_current = 1 WHERE is_current = 0",
        [(version, dataset, io, job.id) for dataset in sorted(datasets)],
    )


def _point_outputs(context: Context, job: JobRow, run: Run, outputs: Sequence[VersionRow]) -> None:
    if run.state == "COMPLETED" or job.is_streaming:
        for version in _outputs(context, run.id):
            set_current(context, version.dataset, version.id)
    elif run.is_late and run.is_over and _is_completed(context, run):
        for output in outputs:
            point_late(context, output)


def _is_completed(context: Context, run: Run) -> bool:
    row = context.connection.execute("SELECT state FROM mq_runs WHERE id = ?", (run.id,)).fetchone()
    return bool(row[0] == "COMPLETED")


def link_static(
    context: Context,
    job: JobRow,
    inputs: Sequence[VersionRow],
    outputs: Sequence[VersionRow],
    facets: Mapping[str, Any],
) -> None:
    """Bring a job up to date after a JobEvent: its version is current at once.

    A side without datasets keeps its edges, and the version is dated as old as the job.
    """
    held = shared.hold(context.connection, facets)
    job.current_version = _upsert(context, job, inputs, outputs, job.created_us, None, held)
    job.updated_us = job.created_us
