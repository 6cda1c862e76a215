"""The runs upstream of a run: those that wrote its inputs, those that wrote theirs, and so on.

Source: `LineageDao.getUpstreamRuns`, `UpstreamRunRowMapper`; Marquez fails if a run has no state or
no run wrote a version, and so does this.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from lineage_bridge.collector.answer import lookup
from lineage_bridge.collector.answer.lineage import DEFAULT_DEPTH
from lineage_bridge.collector.dialect import hashes
from lineage_bridge.collector.dialect.errors import generic, not_found
from lineage_bridge.collector.dialect.instants import format_micros
from lineage_bridge.collector.dialect.requests import Request

Json = dict[str, Any]

_RUN = (
    "SELECT r.uuid, r.started_us, r.ended_us, r.state, j.namespace, j.name, v.uuid"
    " FROM mq_runs r JOIN mq_jobs j ON j.id = r.job"
    " LEFT JOIN mq_job_versions v ON v.id = r.job_version WHERE r.id = ?"
)
_INPUTS = (
    "SELECT v.namespace, v.name, v.version, v.run, w.uuid FROM mq_run_inputs i"
    " JOIN mq_dataset_versions v ON v.id = i.version"
    " LEFT JOIN mq_runs w ON w.id = v.run WHERE i.run = ?"
)


def get_upstream(connection: sqlite3.Connection, request: Request) -> Json:
    """GET /runlineage/upstream."""
    run_id = hashes.strict_uuid(request.required("runId"))
    if run_id is None:
        raise not_found()
    depth = request.integer("depth", DEFAULT_DEPTH)
    level, seen = {lookup.find_run(connection, run_id)}, set[int]()
    shown: list[Json] = []
    for _ in range(max(depth, 0) + 1):
        seen |= level
        found = [_upstream_run(connection, run) for run in level]
        shown += sorted((run for run, _ in found), key=lambda run: run["job"]["name"])
        level = {writer for _, writers in found for writer in writers} - seen
        if not level:
            break
    return {"runs": shown}


def _upstream_run(connection: sqlite3.Connection, run: int) -> tuple[Json, list[int]]:
    uuid, started, ended, state, namespace, name, version = connection.execute(
        _RUN, (run,)
    ).fetchone()
    inputs = connection.execute(_INPUTS, (run,)).fetchall()
    if state is None or any(writer is None for *_, writer, _ in inputs):
        raise generic()
    shown = {
        "job": {"namespace": namespace, "name": name, "version": version},
        "run": {
            "id": uuid,
            "start": format_micros(started),
            "end": format_micros(ended),
            "status": state,
        },
        "inputs": [
            {
                "namespace": dataset_namespace,
                "name": dataset,
                "version": dataset_version,
                "producedByRunId": writer_uuid,
            }
            for dataset_namespace, dataset, dataset_version, _, writer_uuid in inputs
        ],
    }
    return shown, [writer for *_, writer, _ in inputs]
