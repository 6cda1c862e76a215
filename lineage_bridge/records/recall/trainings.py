"""The way back: the training that its end tells of, or the START of one that runs."""

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
from lineage_bridge.facets.event import Link, Words
from lineage_bridge.facets.training import TrainingFacet
from lineage_bridge.naming import is_model, model_dataset
from lineage_bridge.records.identity import (
    OF_PARENT,
    links_of,
    source_of,
)
from lineage_bridge.records.training import Code, State, Training
from lineage_bridge.records.words import Claim, Reference, What, reference_of
from lineage_bridge.times import moved


def recall_training(view: EventView, ended: datetime) -> Training | None:
    """Return the record that an event of a training tells of; None if it is of another kind.

    Another event of the run tells of it where this one is the START of a run that has ended.
    """
    facet = facet_in(TrainingFacet, view.run_facets)
    if facet is None or not _tells(view.event_type, facet.state):
        return None
    link = next(iter(links_of(view, "output")), None)
    words = link.said if link is not None else None
    if len(view.outputs) > 1 or (not view.outputs and words is None):
        return None
    within = words.within if words is not None else _within(view, facet)
    made = view.outputs[0].name.name if view.outputs else None
    parameters = as_object(view.run_facets.get("executionParameters"))
    state: State = facet.state or "COMPLETE"
    return Training(
        source=source_of(view),
        run_id=facet.upstream_run_id,
        model=Claim(
            what="model",
            name=facet.model,
            version=facet.model_version,
            spellings=(words.spellings or ()) if words is not None else (),
            within=within,
            path=words.path if words is not None else None,
            sha256=words.sha256 if words is not None else None,
            field=link.field if link is not None else None,
            declared=None if made in {None, model_dataset(facet.model, within)} else made,
        ),
        reads=recall_reads(view),
        model_type=facet.model_type,
        started=_started(facet, ended) if words is None else words.started,
        completed=ended if words is None else words.completed,
        created=None if state == "RUNNING" else ended,
        metrics=facet.metrics or {},
        parameters=recall_pairs(parameters, "parameters"),
        artifact_uri=facet.location.artifact_uri if facet.location is not None else None,
        time_basis=facet.time_basis or "utc",
        flags=facet.flags or (),
        made=made is not None,
        state=state,
        parent=facet.parent,
        code=Code(commit=facet.commit, script=facet.script, repository=facet.repository),
        user=facet.user,
        tags=recall_pairs(view.run_facets.get("tags"), "tags"),
    )


def _tells(event_type: str, state: str | None) -> bool:
    return event_type == {None: "COMPLETE", "RUNNING": "START"}.get(state, state)


def recall_reads(view: EventView) -> tuple[Reference, ...]:
    """Return what a run read, in the words of its artifact."""
    links = links_of(view, "input")
    if any(link.method == OF_PARENT for link in links):
        return ()  # it says nothing of its own, and the run that it is nested in is asked again
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
    if link.method not in {"declared", "hash"}:
        what: What = "model" if is_model(dataset.name.name) else "dataset"
        return reference_of(link.said, what, field=link.field)
    # Somebody's settings say so; ours may say nothing. Likewise, the file may not be here.
    said = link.said or Words()
    return Reference(
        namespace=dataset.name.namespace,
        name=dataset.name.name,
        version=dataset.version,
        path=said.path,
        md5=said.md5,
        field=link.field,
    )


def _within(view: EventView, facet: TrainingFacet) -> str | None:
    # The first release had this form for one family only, whose models have but an algorithm.
    is_p2 = view.outputs[0].name.name == model_dataset(facet.model, "p2")
    return "p2" if is_p2 else None


def _started(facet: TrainingFacet, ended: datetime) -> datetime | None:
    return moved(ended, -facet.duration_seconds) if facet.duration_seconds else None


def recall_pairs(facet: Any, key_of_all: str) -> dict[str, str]:
    """Return the pairs of a standard facet that are texts, such as parameters."""
    found = {}
    for entry in map(as_object, as_list(as_object(facet).get(key_of_all))):
        key, value = entry.get("key"), entry.get("value")
        if isinstance(key, str) and isinstance(value, str):
            found[key] = value
    return found
