"""Runs as the API shows them, and the endpoints that list them.

Runs are loaded many at a time, with a fixed number of queries. Source: `RunDao`, `RunMapper`,
`JobResource`, `RunResource`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from lineage_bridge.collector.answer import lookup
from lineage_bridge.collector.dialect import merging
from lineage_bridge.collector.dialect.encoding import encode, encode_list
from lineage_bridge.collector.dialect.errors import invalid
from lineage_bridge.collector.dialect.instants import format_micros
from lineage_bridge.collector.dialect.merging import Values
from lineage_bridge.collector.dialect.requests import Request
from lineage_bridge.collector.rows import shared
from lineage_bridge.collector.rows.shared import Shown
from lineage_bridge.http import Response

FACET_TYPES = ("RUN", "JOB", "DATASET")
_NO_FACETS = msgspec.Raw(b"{}")

_decode = msgspec.json.Decoder().decode
_decode_raw = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode

Json = dict[str, Any]

_RUNS = (
    "SELECT r.id, r.uuid, r.created_us, r.updated_us, r.nominal_start_us, r.nominal_end_us,"
    " r.state, r.started_us, r.ended_us, r.args, r.facets, v.version, j.namespace, j.name,"
    " r.large_facets"
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


class VersionId(msgspec.Struct, gc=False):
    """The names of a version of a dataset, or of a job."""

    namespace: str
    name: str
    version: str


class RunVersion(msgspec.Struct, gc=False, rename="camel"):
    """A version that a run has read or written, with the facets that the run gave it."""

    dataset_version_id: VersionId
    facets: Shown


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
    inputs = _versions(connection, _INPUTS, wanted)
    outputs = _versions(connection, _OUTPUTS, wanted)
    rows = connection.execute(_RUNS, wanted).fetchall()
    facets = _facets(connection, rows)
    return {
        row[0]: _run(row, inputs.get(row[0], []), outputs.get(row[0], []), shown)
        for row, shown in zip(rows, facets, strict=True)
    }


def _versions(
    connection: sqlite3.Connection, query: str, wanted: Json
) -> dict[int, list[RunVersion]]:
    rows = connection.execute(query, wanted).fetchall()
    held = shared.show(connection, (merging.load_values(row[4]) for row in rows))
    found: dict[int, list[RunVersion]] = {}
    for (run, *names, _), facets in zip(rows, held, strict=True):
        found.setdefault(run, []).append(RunVersion(VersionId(*names), facets))
    return found


def _facets(connection: sqlite3.Connection, rows: Sequence[Any]) -> list[msgspec.Raw | Shown]:
    """Return the facets of each run; most runs have no large one."""
    large = [_decode(row[14]) if row[14] else {} for row in rows]
    numbers = {number for named in large for number in named.values()}
    values = shared.show_numbered(connection, numbers)
    return [
        {**_decode_raw(row[10]), **{name: values[number] for name, number in named.items()}}
        if named
        else msgspec.Raw(row[10])
        for row, named in zip(rows, large, strict=True)
    ]


def _run(
    row: Any, inputs: list[RunVersion], outputs: list[RunVersion], facets: msgspec.Raw | Shown
) -> RunShown:
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
        facets=facets,
    )


def _millis(micros: int) -> int:
    return micros // 1000


def get_run(connection: sqlite3.Connection, request: Request) -> RunShown:
    """GET /jobs/runs/{id}."""
    run = lookup.find_run(connection, request.uuid("id"))
    return load(connection, [run])[run]


def list_runs(connection: sqlite3.Connection, request: Request) -> Response:
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
    shown = ([encode(loaded[run])] for run in ids)
    return Response(encode_list("runs", shown, totalCount=total))


def get_facets(connection: sqlite3.Connection, request: Request) -> Response:
    """GET /jobs/runs/{id}/facets."""
    uuid = request.uuid("id")
    kind = request.choice("type", FACET_TYPES)
    if kind is None:
        raise invalid("query param type must not be null", status=400)
    run = lookup.find_run(connection, uuid)
    facets: Any = {}
    if kind == "RUN":
        facets = load(connection, [run])[run].facets
    elif kind == "JOB":
        (facets,) = shared.show(connection, [job_facets(connection, [run])[run]])
    if not facets or facets == _NO_FACETS:
        return Response(media_type=None)
    return Response({"runId": uuid, "facets": facets})


def job_facets(connection: sqlite3.Connection, runs: Iterable[int]) -> dict[int, Values]:
    """Read the job facets that runs sent, by run."""
    rows = connection.execute(
        "SELECT r.id, r.job_facets FROM json_each(?) wanted JOIN mq_runs r ON r.id = wanted.value",
        (_encode(list(runs)).decode(),),
    )
    return {run: merging.newest(merging.load(stored)) for run, stored in rows}
