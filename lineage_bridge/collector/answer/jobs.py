"""Jobs and their versions as the API shows them.

A single job and a list of jobs differ, as in Marquez: a single job shows inputs, outputs and facets
of its current version, a list those of each job's latest run. Source: `JobDao`, `JobVersionDao`,
`JobResource`.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from lineage_bridge.collector.answer import lookup, runs
from lineage_bridge.collector.answer.runs import RunShown, RunVersion, VersionId
from lineage_bridge.collector.dialect import merging
from lineage_bridge.collector.dialect.encoding import encode, encode_list
from lineage_bridge.collector.dialect.errors import not_found
from lineage_bridge.collector.dialect.instants import format_micros
from lineage_bridge.collector.dialect.requests import Request
from lineage_bridge.collector.rows import shared
from lineage_bridge.collector.rows.shared import Shown
from lineage_bridge.collector.rows.tables import read_rows
from lineage_bridge.http import Response

RUN_STATES = ("NEW", "RUNNING", "COMPLETED", "ABORTED", "FAILED", "OTHER")
LATEST_RUNS = 10
_URL = re.compile(r"(?:https?|ftp|file|jar|mailto):.*", re.IGNORECASE | re.DOTALL)

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

Json = dict[str, Any]
Row = Any

_COLUMNS = (
    "SELECT j.id, j.namespace, j.name, j.simple_name, j.type, j.created_us, j.updated_us,"
    " j.location, j.description, j.current_version, j.current_inputs, p.name AS parent_name,"
    " p.uuid AS parent_uuid, v.uuid AS version_uuid, v.facets, v.latest_run, j.current_run"
    " FROM mq_jobs j LEFT JOIN mq_jobs p ON p.id = j.parent"
    " LEFT JOIN mq_job_versions v ON v.id = j.current_version"
)


def url_or_none(location: str | None) -> str | None:
    """Return a location that `java.net.URL` would accept, else None."""
    return location if location is not None and _URL.fullmatch(location) else None


def read(connection: sqlite3.Connection, condition: str, values: Sequence[Any]) -> list[Json]:
    """Read the rows of jobs that fulfil a condition (our own SQL), each as a dict by column."""
    return read_rows(connection, f"{_COLUMNS} {condition}", values)


def head(job: Json) -> Json:
    """Return the members that a job shows everywhere."""
    return {
        "id": {"namespace": job["namespace"], "name": job["name"]},
        "type": job["type"],
        "name": job["name"],
        "simpleName": job["simple_name"],
        "parentJobName": job["parent_name"],
        "parentJobUuid": job["parent_uuid"],
        "createdAt": format_micros(job["created_us"]),
        "updatedAt": format_micros(job["updated_us"]),
        "namespace": job["namespace"],
        "location": url_or_none(job["location"]),
        "description": job["description"],
    }


def bare(connection: sqlite3.Connection, job_id: int) -> Json:
    """Return a job without its runs, as the answer to deleting or tagging it shows it."""
    (job,) = read(connection, "WHERE j.id = ?", (job_id,))
    (facets,) = shared.show(connection, [merging.load_values(job["facets"])])
    return _job(
        job,
        inputs=_current_inputs(job),
        outputs=[],
        latest=[],
        facets=facets,
        tags=_tags(connection, job),
    )


def _current_inputs(job: Json) -> list[Json]:
    """Return the datasets that the job reads, by its last event."""
    names = _decode(job["current_inputs"]) if job["current_inputs"] is not None else []
    return _each_once((namespace, name) for namespace, name in names)


def get_job(connection: sqlite3.Connection, request: Request) -> Json:
    """GET /namespaces/{namespace}/jobs/{job}."""
    return full(connection, lookup.find_job(connection, request))


def full(connection: sqlite3.Connection, job_id: int) -> Json:
    """Return a single job, as `GET` shows it."""
    (job,) = read(connection, "WHERE j.id = ?", (job_id,))
    latest = latest_runs(connection, [job_id])[job_id]
    io = version_io(connection, [job["current_version"]] if job["current_version"] else [])
    inputs, outputs = io.get(job["current_version"], ([], []))
    if latest:
        inputs = inputs or _names(latest[0].input_dataset_versions)
        outputs = outputs or _names(latest[0].output_dataset_versions)
    elif not inputs:
        inputs = _current_inputs(job)
    (facets,) = shared.show(connection, [merging.load_values(job["facets"])])
    return _job(
        job,
        inputs=inputs,
        outputs=outputs,
        latest=latest,
        facets=facets,
        tags=_tags(connection, job),
    )


def _tags(connection: sqlite3.Connection, job: Json) -> list[str]:
    # Marquez looks tags up by the simple name; under a parent that is never the full name.
    if job["simple_name"] != job["name"]:
        return []
    return tags_of(connection, [job["id"]]).get(job["id"], [])


def tags_of(connection: sqlite3.Connection, jobs: Iterable[int]) -> dict[int, list[str]]:
    """Read the tags of jobs, by row."""
    found: dict[int, list[str]] = {}
    rows = connection.execute(
        "SELECT t.job, t.tag FROM json_each(?) wanted JOIN mq_job_tags t ON t.job = wanted.value",
        (_encode(sorted(set(jobs))).decode(),),
    )
    for job, tag in rows:
        found.setdefault(job, []).append(tag)
    return found


def _job(
    job: Json,
    *,
    inputs: list[Json],
    outputs: list[Json],
    latest: list[RunShown],
    facets: Shown,
    tags: list[str],
) -> Json:
    return {
        **head(job),
        "inputs": inputs,
        "outputs": outputs,
        "latestRun": latest[0] if latest else None,
        "latestRuns": latest or None,
        "facets": facets,
        "currentVersion": job["version_uuid"],
        "labels": _labels(facets),
        "tags": tags,
    }


def _labels(facets: Shown) -> list[str]:
    facet = facets.get("jobType")
    kind = None if facet is None else _decode(encode(facet))
    if not isinstance(kind, dict):
        return []
    return [kind[name] for name in ("jobType", "integration") if kind.get(name) is not None]


def _names(versions: list[RunVersion]) -> list[Json]:
    named = [version.dataset_version_id for version in versions]
    return _each_once((version.namespace, version.name) for version in named)


def _each_once(names: Iterable[tuple[str, str]]) -> list[Json]:
    """Return datasets as a job lists them: of several versions only one, as in Marquez's sets."""
    return [{"namespace": namespace, "name": name} for namespace, name in dict.fromkeys(names)]


def latest_runs(connection: sqlite3.Connection, jobs: Iterable[int]) -> dict[int, list[RunShown]]:
    """Load the ten latest runs of each job, the latest first."""
    ids = {
        job: [
            row[0]
            for row in connection.execute(
                "SELECT id FROM mq_runs WHERE job = ?"
                " ORDER BY latest_us DESC, started_us IS NOT NULL, started_us DESC LIMIT ?",
                (job, LATEST_RUNS),
            )
        ]
        for job in jobs
    }
    loaded = runs.load(connection, (run for found in ids.values() for run in found))
    return {job: [loaded[run] for run in found] for job, found in ids.items()}


def version_io(
    connection: sqlite3.Connection, versions: Iterable[int]
) -> dict[int, tuple[list[Json], list[Json]]]:
    """Read the datasets that versions of jobs read and write, each under all its names."""
    found: dict[int, tuple[list[Json], list[Json]]] = {}
    rows = connection.execute(
        "SELECT i.version, i.io, s.namespace, s.name FROM json_each(?) wanted"
        " JOIN mq_job_io i ON i.version = wanted.value JOIN mq_symlinks s ON s.dataset = i.dataset",
        (_encode(list(versions)).decode(),),
    )
    for version, io, namespace, name in rows:
        sides = found.setdefault(version, ([], []))
        sides[io == "OUTPUT"].append({"namespace": namespace, "name": name})
    return found


def list_jobs(connection: sqlite3.Connection, request: Request) -> Response:
    """GET /jobs and GET /namespaces/{namespace}/jobs."""
    limit, offset = request.page()
    states = request.choices("lastRunStates", RUN_STATES)
    if not request.parameters("lastRunStates"):
        states = list(RUN_STATES)
    namespace = request.names.get("namespace")
    condition, values = "j.is_hidden = 0", []
    if namespace is not None:
        condition, values = f"{condition} AND j.namespace = ?", [namespace]
    (total,) = connection.execute(
        f"SELECT count(*) FROM mq_jobs j WHERE {condition}", values
    ).fetchone()
    ids = [
        row[0]
        for row in connection.execute(
            f"SELECT j.id FROM mq_jobs j LEFT JOIN mq_runs r ON r.id = j.current_run"
            f" WHERE {condition} AND (r.id IS NULL"
            f" OR coalesce(r.state, 'NEW') IN (SELECT value FROM json_each(?)))"
            f" ORDER BY j.updated_us DESC, j.id DESC LIMIT ? OFFSET ?",
            (*values, _encode(states).decode(), limit, offset),
        )
    ]
    shown = ([encode(job)] for job in _listed(connection, ids))
    return Response(encode_list("jobs", shown, totalCount=total))


def _listed(connection: sqlite3.Connection, ids: list[int]) -> list[Json]:
    wanted = _encode(ids).decode()
    rows = read(connection, "WHERE j.id IN (SELECT value FROM json_each(?))", (wanted,))
    by_id = {job["id"]: job for job in rows}
    latest = latest_runs(connection, ids)
    tags = tags_of(connection, ids)
    facets = _job_facets(connection, (job["latest_run"] for job in rows if job["latest_run"]))
    return [
        _job(
            by_id[job],
            inputs=_names(latest[job][0].input_dataset_versions)
            if latest[job]
            else _current_inputs(by_id[job]),
            outputs=_names(latest[job][0].output_dataset_versions) if latest[job] else [],
            latest=latest[job],
            facets=facets.get(by_id[job]["latest_run"], {}),
            tags=tags.get(job, []),
        )
        for job in ids
    ]


def _job_facets(connection: sqlite3.Connection, ids: Iterable[int]) -> dict[int, Shown]:
    held = runs.job_facets(connection, ids)
    return dict(zip(held, shared.show(connection, held.values()), strict=True))


def list_versions(connection: sqlite3.Connection, request: Request) -> Response:
    """GET /namespaces/{namespace}/jobs/{job}/versions."""
    limit, offset = request.page()
    job = lookup.find_job(connection, request)
    rows = connection.execute(
        f"{_VERSIONS} WHERE job = ? ORDER BY created_us DESC, id DESC LIMIT ? OFFSET ?",
        (job, limit, offset),
    ).fetchall()
    shown = ([encode(version)] for version in _versions(connection, rows))
    return Response(encode_list("versions", shown))


def get_version(connection: sqlite3.Connection, request: Request) -> Json:
    """GET /namespaces/{namespace}/jobs/{job}/versions/{version}."""
    version = request.uuid("version")
    lookup.find_job(connection, request)
    rows = connection.execute(f"{_VERSIONS} WHERE version = ?", (version,)).fetchall()
    if not rows:
        raise not_found(f"Job version '{version}' not found.")
    return _versions(connection, rows)[0]


def _latest_run(run: RunShown, version_id: VersionId, facets: Shown) -> RunShown:
    shown = run.job_version or version_id
    job_version = VersionId(shown.namespace, shown.name, version_id.version)
    return msgspec.structs.replace(run, job_version=job_version, facets=facets)


_VERSIONS = (
    "SELECT id, version, namespace, name, location, created_us, latest_run FROM mq_job_versions"
)


def _versions(connection: sqlite3.Connection, rows: Sequence[Row]) -> list[Json]:
    io = version_io(connection, [row[0] for row in rows])
    latest = runs.load(connection, [row[6] for row in rows if row[6]], io_facets=False)
    facets = _job_facets(connection, latest)
    shown = []
    for row_id, version, namespace, name, location, created_us, run in rows:
        inputs, outputs = io.get(row_id, ([], []))
        version_id = VersionId(namespace, name, version)
        shown.append(
            {
                "id": version_id,
                "name": name,
                "createdAt": format_micros(created_us),
                "version": version,
                "namespace": namespace,
                "location": url_or_none(location),
                "inputs": inputs,
                "outputs": outputs,
                "latestRun": run and _latest_run(latest[run], version_id, facets[run]),
            }
        )
    return shown
