"""Runs as the API shows them, and the endpoints that list them.

Runs are loaded many at a time, with a fixed number of queries. Source: `RunDao`, `RunMapper`,
`JobResource`, `RunResource`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

import msgspec

from lineage_bridge.collector.answer import lookup
from lineage_bridge.collector.dialect import merging
from lineage_bridge.collector.dialect.errors import invalid
from lineage_bridge.collector.dialect.instants import format_micros
from lineage_bridge.collector.dialect.requests import Request
from lineage_bridge.http import Response

FACET_TYPES = ("RUN", "JOB", "DATASET")

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

Json = dict[str, Any]

_RUNS = (
    "SELECT r.id, r.uuid, r.created_us, r.updated_us, r.nominal_start_us, r.nominal_end_us,"
    " r.state, r.started_us, r.ended_us, r.args, r.facets, v.version, j.namespace, j.name"
    " FROM json_each(:runs) wanted JOIN mq_runs r ON r.id = wanted.value"
    " JOIN mq_jobs j ON j.id = r.job LEFT JOIN mq_job_versions v ON v.id = r.job_version"
)
_INPUTS = (
    "SELECT i.run, v.namespace, v.name, v.version, f.facets FROM json_each(:runs) wanted"
    " JOIN mq_run_inputs i ON i.run = wanted.value JOIN mq_dataset_versions v ON v.id = i.version"
    " LEFT JOIN mq_run_io_facets f"
    " ON :io_facets AND f.run = i.run AND f.version = v.id AND f.io = 'INPUT'"
)
_OUTPUTS = (
    "SELECT v.run, v.namespace, v.name, v.version, f.facets FROM json_each(:runs) wanted"
    " JOIN mq_dataset_versions v ON v.run = wanted.value LEFT JOIN mq_run_io_facets f"
    " ON :io_facets AND f.run = v.run AND f.version = v.id AND f.io = 'OUTPUT'"
)
_NO_FACETS = msgspec.Raw(b"{}")


class VersionId(msgspec.Struct, gc=False):
    """The names of a version of a dataset, or of a job."""

    namespace: str
    name: str
    version: str


class RunVersion(msgspec.Struct, gc=False, rename="camel"):
    """A version that a run has read or written, with the facets that the run gave it."""

    dataset_version_id: VersionId
    facets: msgspec.Raw


class RunShown(msgspec.Struct, gc=False, rename="camel"):
    """A run as the API shows it; no dict, because a page of jobs has a thousand runs."""

    id: str
    created_at: str | None
    updated_at: str | None
    nominal_start_time: str | None
    nominal_end_time: str | None
    state: str
    started_at: str | None
    ended_at: str | None
    duration_ms: int | None
    args: msgspec.Raw
    job_version: VersionId | None
    input_dataset_versions: list[RunVersion]
    output_dataset_versions: list[RunVersion]
    facets: Any


def load(
    connection: sqlite3.Connection, ids: Iterable[int], *, io_facets: bool = True
) -> dict[int, RunShown]:
    """Load runs by row, as the API shows them; stored facets are passed on undecoded."""
    wanted = {"runs": _encode(sorted(set(ids))).decode(), "io_facets": io_facets}
    inputs = _versions(connection.execute(_INPUTS, wanted))
    outputs = _versions(connection.execute(_OUTPUTS, wanted))
    return {
        row[0]: _run(row, inputs.get(row[0], []), outputs.get(row[0], []))
        for row in connection.execute(_RUNS, wanted)
    }


def _versions(rows: Iterable[Any]) -> dict[int, list[RunVersion]]:
    found: dict[int, list[RunVersion]] = {}
    for run, namespace, name, version, facets in rows:
        shown = msgspec.Raw(facets) if facets else _NO_FACETS
        found.setdefault(run, []).append(RunVersion(VersionId(namespace, name, version), shown))
    return found


def _run(row: Any, inputs: list[RunVersion], outputs: list[RunVersion]) -> RunShown:
    started, ended = row[7], row[8]
    has_duration = started is not None and ended is not None
    return RunShown(
        id=row[1],
        created_at=format_micros(row[2]),
        updated_at=format_micros(row[3]),
        nominal_start_time=format_micros(row[4]),
        nominal_end_time=format_micros(row[5]),
        state=row[6] or "NEW",
        started_at=format_micros(started),
        ended_at=format_micros(ended),
        duration_ms=_millis(ended) - _millis(started) if has_duration else None,
        args=msgspec.Raw(row[9]),
        job_version=VersionId(row[12], row[13], row[11]) if row[11] else None,
        input_dataset_versions=inputs,
        output_dataset_versions=outputs,
        facets=msgspec.Raw(row[10]),
    )


def _millis(micros: int) -> int:
    return micros // 1000


def get_run(connection: sqlite3.Connection, request: Request) -> RunShown:
    """GET /jobs/runs/{id}."""
    run = lookup.find_run(connection, request.uuid("id"))
    return load(connection, [run])[run]


def list_runs(connection: sqlite3.Connection, request: Request) -> Json:
    """GET /namespaces/{namespace}/jobs/{job}/runs."""
    limit, offset = request.page()
    job = lookup.find_job(connection, request)
    ids = [
        row[0]
        for row in connection.execute(
            "SELECT id FROM mq_runs WHERE job = ? ORDER BY started_us DESC, id DESC"
            " LIMIT ? OFFSET ?",
            (job, limit, offset),
        )
    ]
    (total,) = connection.execute("SELECT count(*) FROM mq_runs WHERE job = ?", (job,)).fetchone()
    loaded = load(connection, ids)
    return {"runs": [loaded[run] for run in ids], "totalCount": total}


def get_facets(connection: sqlite3.Connection, request: Request) -> Response:
    """GET /jobs/runs/{id}/facets."""
    uuid = request.uuid("id")
    kind = request.choice("type", FACET_TYPES)
    if kind is None:
        raise invalid("query param type must not be null", status=400)
    run = lookup.find_run(connection, uuid)
    row = connection.execute(
        "SELECT facets, job_facets FROM mq_runs WHERE id = ?", (run,)
    ).fetchone()
    facets = {
        "RUN": _decode(row[0]),
        "JOB": merging.newest(merging.load(row[1])),
        "DATASET": {},
    }[kind]
    if not facets:
        return Response(media_type=None)
    return Response({"runId": uuid, "facets": facets})
