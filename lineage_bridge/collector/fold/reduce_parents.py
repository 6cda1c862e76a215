"""Parents: the job and the run that a child's parent facet names, created if they are unknown.

Source: `OpenLineageDao.findParentJobRow`, `createParentJobRunRecord`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lineage_bridge.collector.dialect import hashes, typed
from lineage_bridge.collector.dialect.java import text
from lineage_bridge.collector.fold import reduce_jobs, reduce_runs
from lineage_bridge.collector.fold.reduce_jobs import Parent
from lineage_bridge.collector.rows.context import Context


def find(context: Context, event: Mapping[str, Any]) -> Parent | None:
    """Return the parent that a run event names, created if it is new; None if it names none."""
    facet = typed.parent_facet(event)
    if facet is None:
        return None
    namespace, name = text(facet["job"]["namespace"]) or "", text(facet["job"]["name"]) or ""
    uuid = hashes.parent_run_uuid(namespace, name, text(facet["run"]["runId"]) or "")
    own_name = text(event["job"]["name"])
    if name == own_name and "." in name:
        name = name.rpartition(".")[0]
    row = context.connection.execute(
        "SELECT j.id, j.namespace, j.name, j.current_run FROM mq_runs r"
        " JOIN mq_jobs j ON j.id = r.job WHERE r.uuid = ?",
        (uuid,),
    ).fetchone()
    if row is None:
        return _create(context, event, name, uuid)
    if (row[1], row[2]) == (namespace, name):
        held = context.batch.jobs.get((namespace, name))
        return Parent(row[0], row[2], held.current_run if held else row[3])
    # The run belongs to another job: Marquez gives this parent a run of its own.
    return _create(context, event, name, hashes.url_uuid(f"{namespace}.{name}.{uuid}"))


def _create(context: Context, event: Mapping[str, Any], name: str, uuid: str) -> Parent:
    job = reduce_jobs.known(
        context,
        namespace=reduce_jobs.job_namespace(event),
        name=name,
        simple_name=name,
        parent=None,
        kind=reduce_jobs.job_type(event),
        description=None,
        location=reduce_jobs.location_of(event),
        inputs=None,
    )
    nominal = (event["run"].get("facets") or {}).get("nominalTime") or {}
    run = reduce_runs.take_parent(
        context,
        uuid,
        job.id,
        event,
        (nominal.get("nominalStartTime"), nominal.get("nominalEndTime")),
    )
    job.set_run(run.id, context.at_us)
    return Parent(job.id, name, job.current_run)
