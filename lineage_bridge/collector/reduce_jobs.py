"""Jobs: their names under parents, their types, and which run is their current one.

Source: the trigger `rewrite_jobs_fqn_table`, `OpenLineageDao.buildJobFromEvent`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from lineage_bridge.collector.context import Context, formatted
from lineage_bridge.collector.validation import text

_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Job:
    """The job of an event that is being taken in.

    Attributes:
        hashed_name: its name in the hash of its version: below its parent, whatever its own name
            already begins with.
        is_streaming: what this event says.
    """

    id: int
    namespace: str
    name: str
    hashed_name: str
    location: str | None
    current_version: int | None
    is_streaming: bool


@dataclass(frozen=True, slots=True)
class Parent:
    """The job that a parent facet names, and its current run."""

    id: int
    name: str
    current_run: int | None


def job_namespace(event: Mapping[str, Any]) -> str:
    """The namespace that an event's job is stored in."""
    return formatted(text(event["job"]["namespace"]) or "")


def take_static(context: Context, event: Mapping[str, Any]) -> Job:
    """Upsert the job of a JobEvent, which has no run."""
    context.ensure_namespace(job_namespace(event))
    job = take(context, event, None)
    context.connection.execute(
        "UPDATE mq_jobs SET current_run = NULL, current_run_us = ?, current_inputs = NULL"
        " WHERE id = ?",
        (context.at_us, job.id),
    )
    return job


def take(context: Context, event: Mapping[str, Any], parent: Parent | None) -> Job:
    """Upsert the job of an event under its parent; its current run follows with `set_run`."""
    name = text(event["job"]["name"]) or ""
    simple_name = name
    if parent is not None:
        simple_name = name.removeprefix(f"{parent.name}.")
        name = f"{parent.name}.{simple_name}"
    documentation = _facets(event).get("documentation") or {}
    return upsert(
        context,
        namespace=job_namespace(event),
        name=name,
        simple_name=simple_name,
        parent=parent,
        kind=job_type(event),
        description=text(documentation.get("description")),
        location=location_of(event),
        inputs=_inputs(event),
    )


def _facets(event: Mapping[str, Any]) -> Mapping[str, Any]:
    facets: Mapping[str, Any] | None = event["job"].get("facets")
    return facets or {}


def job_type(event: Mapping[str, Any]) -> str:
    """STREAM if this very event says so, else BATCH."""
    facet = _facets(event).get("jobType") or {}
    return "STREAM" if (text(facet.get("processingType")) or "").upper() == "STREAMING" else "BATCH"


def location_of(event: Mapping[str, Any]) -> str | None:
    """Where an event says the job's code is."""
    return text((_facets(event).get("sourceCodeLocation") or {}).get("url"))


def _inputs(event: Mapping[str, Any]) -> str | None:
    inputs = event.get("inputs")
    if inputs is None:
        return None
    names = [[text(item["namespace"]), text(item["name"])] for item in inputs if item]
    return _encode(names).decode()


def upsert(
    context: Context,
    *,
    namespace: str,
    name: str,
    simple_name: str,
    parent: Parent | None,
    kind: str,
    description: str | None,
    location: str | None,
    inputs: str | None,
) -> Job:
    """Make a job known: what this event says of it replaces what earlier ones said."""
    row = context.connection.execute(
        "SELECT j.id, j.current_version, p.name FROM mq_jobs j LEFT JOIN mq_jobs p"
        " ON p.id = j.parent WHERE j.namespace = ? AND j.name = ?",
        (namespace, name),
    ).fetchone()
    values = (simple_name, kind, description, location, inputs)
    if row is None:
        job_id = context.connection.execute(
            "INSERT INTO mq_jobs (uuid, namespace, name, parent, created_us, updated_us,"
            " simple_name, type, description, location, current_inputs)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                context.uuid(f"job {namespace} {name}"),
                namespace,
                name,
                parent and parent.id,
                context.at_us,
                context.at_us,
                *values,
            ),
        ).lastrowid
        return Job(int(job_id or 0), namespace, name, name, location, None, kind == "STREAM")
    job_id, current_version, parent_name = row
    context.connection.execute(
        "UPDATE mq_jobs SET simple_name = ?, type = ?, description = ?, location = ?,"
        " current_inputs = ?, parent = coalesce(parent, ?), updated_us = ?, is_hidden = 0"
        " WHERE id = ?",
        (*values, parent and parent.id, context.received_us, job_id),
    )
    hashed_name = f"{parent_name}.{simple_name}" if parent_name is not None else name
    return Job(job_id, namespace, name, hashed_name, location, current_version, kind == "STREAM")


def set_run(context: Context, job: int, run: int | None) -> None:
    """Make a run the current one of its job, unless a newer event has set another."""
    context.connection.execute(
        "UPDATE mq_jobs SET current_run = ?, current_run_us = ?"
        " WHERE id = ? AND coalesce(current_run_us, ?) <= ?",
        (run, context.at_us, job, context.at_us, context.at_us),
    )
