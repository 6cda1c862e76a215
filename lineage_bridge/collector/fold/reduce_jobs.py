"""Jobs: their names under parents, their types, and which run is their current one.

Source: the trigger `rewrite_jobs_fqn_table`, `OpenLineageDao.buildJobFromEvent`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from lineage_bridge.collector.dialect.java import text
from lineage_bridge.collector.rows import job_row
from lineage_bridge.collector.rows.context import Context, formatted
from lineage_bridge.collector.rows.job_row import JobRow

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Parent:
    """The job that a parent facet names, and its current run."""

    id: int
    name: str
    current_run: int | None


def job_namespace(event: Mapping[str, Any]) -> str:
    """Return the namespace that an event's job is stored in."""
    return formatted(text(event["job"]["namespace"]) or "")


def take_static(context: Context, event: Mapping[str, Any]) -> JobRow:
    """Upsert the job of a JobEvent, which has no run."""
    context.ensure_namespace(job_namespace(event))
    job = take(context, event, None)
    job.current_run, job.current_run_us, job.current_inputs = None, context.at_us, None
    return job


def take(context: Context, event: Mapping[str, Any], parent: Parent | None) -> JobRow:
    """Upsert the job of an event, named under its parent."""
    name = text(event["job"]["name"]) or ""
    simple_name = name
    if parent is not None:
        simple_name = name.removeprefix(f"{parent.name}.")
        name = f"{parent.name}.{simple_name}"
    documentation = _facets(event).get("documentation") or {}
    return known(
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
    """Return STREAM if this very event says so, else BATCH."""
    facet = _facets(event).get("jobType") or {}
    return "STREAM" if (text(facet.get("processingType")) or "").upper() == "STREAMING" else "BATCH"


def location_of(event: Mapping[str, Any]) -> str | None:
    """Return the URL of the job's code, if the event gives it."""
    return text((_facets(event).get("sourceCodeLocation") or {}).get("url"))


def _inputs(event: Mapping[str, Any]) -> str | None:
    inputs = event.get("inputs")
    if inputs is None:
        return None
    names = [[text(item["namespace"]), text(item["name"])] for item in inputs if item]
    return _encode(names).decode()


def known(
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
) -> JobRow:
    """Return a job, created if it is new; the new values replace the old ones.

    The batch writes its row, with any later change.
    """
    jobs = context.batch.jobs
    row = jobs.get((namespace, name)) or job_row.find(context.connection, namespace, name)
    if row is None:
        row = JobRow(
            id=0,
            namespace=namespace,
            name=name,
            simple_name=simple_name,
            type=kind,
            description=description,
            location=location,
            current_inputs=inputs,
            parent=parent.id if parent else None,
            parent_name=parent.name if parent else None,
            created_us=context.at_us,
            updated_us=context.at_us,
        )
        job_row.insert(context.connection, row, context.uuid(f"job {namespace} {name}"))
        jobs[namespace, name] = row
        return row
    jobs[namespace, name] = row
    row.simple_name, row.type = simple_name, kind
    row.description, row.location, row.current_inputs = description, location, inputs
    row.updated_us = context.received_us
    if parent is not None and row.parent is None:
        row.parent, row.parent_name = parent.id, parent.name
    return row
