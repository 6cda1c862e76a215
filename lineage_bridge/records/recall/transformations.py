"""The way back: the transformation that an event tells of."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from lineage_bridge.events import EventView, as_list, as_object, as_text
from lineage_bridge.records.columns import Column
from lineage_bridge.records.identity import links_of, source_of
from lineage_bridge.records.transformation import JOB_TYPE, Table, Transformation
from lineage_bridge.records.words import Reference


def is_transformation(view: EventView) -> bool:
    """Return whether an event of ours is of a transformation."""
    return as_text(as_object(view.job_facets.get("jobType")).get("jobType")) == JOB_TYPE


def recall_transformation(view: EventView, time: datetime) -> Transformation | None:
    """Return the record that the end of a transformation tells of; None of its START."""
    words = next((link.said for link in links_of(view, "output")), None)
    is_end = view.event_type in {"COMPLETE", "FAIL"}
    if view.job is None or words is None or words.run_id is None or not is_end:
        return None
    return Transformation(
        source=source_of(view),
        job=view.job.name,
        run=words.run_id,
        started=words.started,
        ended=time,
        state="FAIL" if view.event_type == "FAIL" else "COMPLETE",
        reads=tuple(
            Reference(namespace=one.name.namespace, name=one.name.name) for one in view.inputs
        ),
        writes=tuple(_table(one.name.namespace, one.name.name, one.facets) for one in view.outputs),
    )


def _table(namespace: str, name: str, facets: Any) -> Table:
    fields = as_list(as_object(facets.get("schema")).get("fields"))
    columns = [
        (as_text(as_object(f).get("name")), as_text(as_object(f).get("type"))) for f in fields
    ]
    links = as_list(as_object(facets.get("symlinks")).get("identifiers"))
    also = [
        (as_text(as_object(i).get("namespace")), as_text(as_object(i).get("name"))) for i in links
    ]
    return Table(
        namespace=namespace,
        name=name,
        also=next(((space, other) for space, other in also if space and other), None),
        columns=tuple(Column(name, kind or "") for name, kind in columns if name),
    )
