"""The way back: the step that an event tells of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from lineage_bridge.events import EventView, as_object, as_text
from lineage_bridge.records.identity import links_of, source_of
from lineage_bridge.records.recall.trainings import recall_pairs, recall_reads
from lineage_bridge.records.step import JOB_TYPE, Step, step_of
from lineage_bridge.records.words import Claim


def recall_step(view: EventView, time: datetime) -> Step | None:
    """Return the record that an event of a step tells of; None if it is of another kind."""
    kind = as_text(as_object(view.job_facets.get("jobType")).get("jobType"))
    parts = step_of(view.job.name) if view.job is not None else None
    if kind != JOB_TYPE or parts is None:
        return None
    parameters = as_object(view.run_facets.get("executionParameters"))
    return Step(
        source=source_of(view),
        project=parts[0],
        name=parts[1],
        time=time,
        reads=recall_reads(view) if links_of(view, "input") else (),
        writes=tuple(_writes(view)),
        parameters=recall_pairs(parameters, "parameters"),
    )


def _writes(view: EventView) -> Iterator[Claim]:
    for link, written in zip(links_of(view, "output"), view.outputs, strict=False):
        words = link.said
        if words is None or words.name is None:
            continue
        is_model = as_object(written.facets.get("datasetType")).get("datasetType") == "MODEL"
        yield Claim(
            what="model" if is_model else "dataset",
            name=words.name,
            version=words.version,
            within=words.within,
            path=words.path,
            field=link.field,
            declared=written.name.name,
        )
