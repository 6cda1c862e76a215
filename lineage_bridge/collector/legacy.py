"""The old write API: it writes datasets, jobs and runs one by one, without events.

Source: `DatasetResource.createOrUpdate`, `JobResource.createOrUpdate` and `createRun`,
`RunResource`, with their bodies `DatasetMeta`, `JobMeta`, `RunMeta`.
"""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import Callable
from typing import Any

from lineage_bridge.collector.answer import datasets, jobs, lookup, namespaces, runs
from lineage_bridge.collector.answer.jobs import url_or_none
from lineage_bridge.collector.answer.runs import RunShown
from lineage_bridge.collector.api import Api
from lineage_bridge.collector.dialect.errors import coded, generic, not_found, unreadable
from lineage_bridge.collector.dialect.java import text
from lineage_bridge.collector.dialect.requests import Request
from lineage_bridge.collector.writes import member
from lineage_bridge.events import event_time
from lineage_bridge.events.run_ids import java_uuid
from lineage_bridge.http import Response

DATASET_TYPES = ("DB_TABLE", "STREAM")
JOB_TYPES = ("BATCH", "STREAM", "SERVICE")

Json = dict[str, Any]


def put_dataset(api: Api, request: Request) -> Json:
    """PUT /namespaces/{namespace}/datasets/{dataset}."""
    document = request.document()
    command: Json = {
        "namespace": request.names["namespace"],
        "name": request.names["dataset"],
        "type": _choice(document, "type", DATASET_TYPES),
        "physical_name": member(document, "physicalName", required=True),
        "source": member(document, "sourceName", required=True),
        "description": member(document, "description"),
        "fields": [_field(field) for field in _list(document, "fields")],
        "tags": [text(tag) for tag in _list(document, "tags")],
        "run": _uuid(document, "runId"),
        "schema_location": _schema_location(document),
    }
    with api.reading() as connection:
        namespaces.check(connection, command["namespace"])
        if command["run"] is not None:
            lookup.find_run(connection, command["run"])
        _check_source(connection, command["source"])
    api.write("put_dataset", **command)
    with api.reading() as connection:
        return datasets.without_lineage(connection, datasets.find(connection, request))


def _choice(document: Json, name: str, choices: tuple[str, ...]) -> str:
    value = member(document, name, required=True)
    if value not in choices:
        raise unreadable(f"`{name}` must be one of {', '.join(choices)}")
    return value


def _schema_location(document: Json) -> str | None:
    if document.get("type") != "STREAM":
        return None
    location = member(document, "schemaLocation", required=True)
    if url_or_none(location) is None:
        raise unreadable("`schemaLocation` must be a URL")
    return location


def _list(document: Json, name: str, *, required: bool = False) -> list[Any]:
    value = document.get(name)
    if value is None and not required:
        return []
    if not isinstance(value, list):
        raise unreadable(f"`{name}` must be a list")
    return value


def _field(value: Any) -> Json:
    if not isinstance(value, dict):
        raise unreadable("a field must be an object")
    return {
        "name": member(value, "name", required=True),
        "type": member(value, "type"),
        "description": member(value, "description"),
        "tags": [text(tag) for tag in _list(value, "tags")],
    }


def _uuid(document: Json, name: str) -> str | None:
    value = member(document, name)
    if value is None:
        return None
    found = java_uuid(value)
    if found is None:
        raise unreadable(f"`{name}` must be a UUID")
    return found


def _check_source(connection: sqlite3.Connection, name: str | None) -> None:
    row = connection.execute("SELECT 1 FROM mq_sources WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise not_found(f"Source '{name}' not found.")


def put_job(api: Api, request: Request) -> Json:
    """PUT /namespaces/{namespace}/jobs/{job}."""
    document = request.document()
    location = member(document, "location")
    if location is not None and url_or_none(location) is None:
        raise unreadable("`location` must be a URL")
    command: Json = {
        "namespace": request.names["namespace"],
        "name": request.names["job"],
        "type": _choice(document, "type", JOB_TYPES),
        "inputs": _names(document, "inputs"),
        "outputs": _names(document, "outputs"),
        "location": location,
        "description": member(document, "description"),
        "run": _uuid(document, "runId"),
    }
    with api.reading() as connection:
        namespaces.check(connection, command["namespace"])
        for namespace, name in (*command["inputs"], *command["outputs"]):
            _check_dataset(connection, namespace, name)
    api.write("put_job", **command)
    with api.reading() as connection:
        return jobs.full(connection, lookup.find_job(connection, request))


def _names(document: Json, side: str) -> list[tuple[str, str]]:
    found = []
    for item in _list(document, side, required=True):
        if not isinstance(item, dict):
            raise unreadable(f"`{side}` must hold objects")
        namespace = member(item, "namespace", required=True) or ""
        found.append((namespace, member(item, "name", required=True) or ""))
    return found


def _check_dataset(connection: sqlite3.Connection, namespace: str, name: str) -> None:
    row = connection.execute(
        "SELECT 1 FROM mq_symlinks WHERE namespace = ? AND name = ? AND NOT is_hidden",
        (namespace, name),
    ).fetchone()
    if row is None:
        raise not_found(f"Dataset '{name}' not found.")


def create_run(api: Api, request: Request) -> Response:
    """POST /namespaces/{namespace}/jobs/{job}/runs."""
    document = request.document()
    args = document.get("args") or {}
    if not isinstance(args, dict):
        raise unreadable("`args` must be an object")
    command: Json = {
        "namespace": request.names["namespace"],
        "name": request.names["job"],
        "run": _uuid(document, "id") or str(uuid.uuid4()),
        "nominal_start_us": _time(document, "nominalStartTime"),
        "nominal_end_us": _time(document, "nominalEndTime"),
        "args": {name: _arg(args, name) for name in args},
    }
    with api.reading() as connection:
        lookup.find_job(connection, request)
        known = connection.execute(
            "SELECT 1 FROM mq_runs WHERE uuid = ?", (command["run"],)
        ).fetchone()
    if known is not None:
        raise coded(
            400,
            f"Run '{command['run']}' already exists for '{command['name']}'"
            f" under namespace '{command['namespace']}'.",
        )
    api.write("create_run", **command)
    with api.reading() as connection:
        run = lookup.find_run(connection, command["run"])
        return Response(runs.load(connection, [run])[run], 201)


def _arg(args: Json, name: str) -> str:
    value = member(args, name)
    if value is None:
        raise generic()
    return value


def _time(document: Json, name: str) -> int | None:
    value = document.get(name)
    if value is None:
        return None
    try:
        return event_time.parse_micros(value)
    except ValueError as exc:
        raise unreadable(f"`{name}`: {exc}") from exc


def transition(state: str) -> Callable[[Api, Request], RunShown]:
    """POST /jobs/runs/{id}/start, /complete, /fail and /abort."""

    def handler(api: Api, request: Request) -> RunShown:
        run_id = request.uuid("id")
        with api.reading() as connection:
            lookup.find_run(connection, run_id)
        at = request.text("at")
        try:
            at_us = _now() if at is None else event_time.parse_zoned_micros(at)
        except ValueError as exc:
            raise generic() from exc
        api.write("transition", run=run_id, state=state, at_us=at_us)
        with api.reading() as connection:
            run = lookup.find_run(connection, run_id)
            return runs.load(connection, [run])[run]

    return handler


def _now() -> int:
    return time.time_ns() // 1000
