"""The way back: the training that a COMPLETE tells of."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from lineage_bridge.events import (
    DatasetView,
    EventView,
    as_list,
    as_object,
)
from lineage_bridge.facets import facet_in
from lineage_bridge.facets.event import Link
from lineage_bridge.facets.training import TrainingFacet
from lineage_bridge.naming import model_dataset
from lineage_bridge.records.identity import (
    links_of,
    source_of,
)
from lineage_bridge.records.training import Training
from lineage_bridge.records.words import Claim, Reference, reference_of
from lineage_bridge.times import moved


def recall_training(view: EventView, ended: datetime) -> Training | None:
    """Return the record that a COMPLETE of a training tells of; None if it is of another kind."""
    facet = facet_in(TrainingFacet, view.run_facets)
    if facet is None or view.event_type != "COMPLETE" or len(view.outputs) != 1:
        return None
    link = next(iter(links_of(view, "output")), None)
    words = link.said if link is not None else None
    within = words.within if words is not None else _within(view, facet)
    made = view.outputs[0].name.name
    parameters = as_object(view.run_facets.get("executionParameters"))
    return Training(
        source=source_of(view),
        run_id=facet.upstream_run_id,
        model=Claim(
            what="model",
            name=facet.model,
            version=facet.model_version,
            within=within,
            path=words.path if words is not None else None,
            sha256=words.sha256 if words is not None else None,
            field=link.field if link is not None else None,
            declared=made if made != model_dataset(facet.model, within) else None,
        ),
        reads=_recall_reads(view),
        model_type=facet.model_type,
        started=_started(facet, ended) if words is None else words.started,
        completed=ended if words is None else words.completed,
        created=ended,
        metrics=facet.metrics or {},
        parameters=_recall_parameters(parameters),
        artifact_uri=facet.location.artifact_uri if facet.location is not None else None,
        time_basis=facet.time_basis or "utc",
        flags=facet.flags or (),
    )


def _recall_reads(view: EventView) -> tuple[Reference, ...]:
    links = links_of(view, "input")
    if any(link.said is not None or not link.dataset for link in links):
        datasets = iter(view.inputs)
        return tuple(
            reference_of(link.said, "dataset", field=link.field)
            if not link.dataset
            else _recall_read(link, next(datasets))
            for link in links
        )
    # The first release kept no words: what it found then is all that is known.
    found = tuple(
        Reference(namespace=d.name.namespace, name=d.name.name, version=d.version)
        for d in view.inputs
    )
    return found or (Reference(),)


def _recall_read(link: Link, dataset: DatasetView) -> Reference:
    if link.method != "declared":
        return reference_of(link.said, "dataset", field=link.field)
    # Somebody's settings say so; ours may say nothing.
    return Reference(
        namespace=dataset.name.namespace,
        name=dataset.name.name,
        version=dataset.version,
        field=link.field,
    )


def _within(view: EventView, facet: TrainingFacet) -> str | None:
    # The first release had this form for one family only, whose models have but an algorithm.
    is_p2 = view.outputs[0].name.name == model_dataset(facet.model, "p2")
    return "p2" if is_p2 else None


def _started(facet: TrainingFacet, ended: datetime) -> datetime | None:
    return moved(ended, -facet.duration_seconds) if facet.duration_seconds else None


def _recall_parameters(facet: Any) -> dict[str, str]:
    found = {}
    for entry in map(as_object, as_list(as_object(facet).get("parameters"))):
        key, value = entry.get("key"), entry.get("value")
        if isinstance(key, str) and isinstance(value, str):
            found[key] = value
    return found
