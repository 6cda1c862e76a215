"""A typed, lenient view of any producer's event: the parts that follow the spec.

The shape of other producers' events is not trusted: a part that breaks the spec counts as absent,
but where the spec wants a text and Marquez makes one of a number or a boolean, so do these views.
Code that uses an event's content (the graph, forwarding, the metrics) reads it through these views;
only code that must report what is wrong with an event looks at its JSON.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from lineage_bridge.events.envelope import event_id_of, kind_of
from lineage_bridge.events.loose import as_list, as_object, as_text, text_of
from lineage_bridge.facets import facet_in
from lineage_bridge.facets.event import EventFacet


class Name(NamedTuple):
    """A namespace and a name, neither of them empty."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class DatasetView:
    """A dataset that an event names.

    Attributes:
        name: namespace and name.
        version: of the standard facet `version`, None without one.
        facets: by key; a value may be any JSON.
        io_facets: the `inputFacets` or `outputFacets`, likewise.
    """

    name: Name
    version: str | None
    facets: Mapping[str, Any]
    io_facets: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EventView:
    """The content of an event.

    Attributes:
        kind: `run`, `dataset` or `job`.
        event_type: in capitals, as Marquez reads it; empty where there is none.
        job: None where the event names none.
        run_id: None where the event names none.
        inputs: the input datasets, in the event's order.
        outputs: the output datasets, likewise.
        dataset: the dataset of a dataset event, else None.
        id: the id of an event of ours, else None.
        own: the facet that every event of ours carries; None in others, and where it is broken.
    """

    kind: str
    event_type: str
    job: Name | None
    job_facets: Mapping[str, Any]
    run_id: str | None
    run_facets: Mapping[str, Any]
    inputs: tuple[DatasetView, ...]
    outputs: tuple[DatasetView, ...]
    dataset: DatasetView | None
    id: str | None
    own: EventFacet | None

    @property
    def withdraws(self) -> bool:
        """Whether it only takes others back, and says nothing of its own job and datasets."""
        return self.own is not None and bool(self.own.withdraws)

    @property
    def takes_back(self) -> tuple[str, ...]:
        """The ids of the events that no longer count, since this one supersedes or withdraws them.

        Each once; an event cannot take itself back.
        """
        if self.own is None:
            return ()
        ids = dict.fromkeys(filter(None, (self.own.supersedes, *(self.own.withdraws or ()))))
        ids.pop(self.id or "", None)
        return tuple(ids)


def view_event(document: Mapping[str, Any]) -> EventView:
    """Return the view of a decoded event."""
    job, run = as_object(document.get("job")), as_object(document.get("run"))
    run_facets = as_object(run.get("facets"))
    return EventView(
        kind=kind_of(document),
        event_type=(text_of(document.get("eventType")) or "").upper(),
        job=name_of(job),
        job_facets=as_object(job.get("facets")),
        run_id=text_of(run.get("runId")) or None,
        run_facets=run_facets,
        inputs=tuple(_datasets(document.get("inputs"), "inputFacets")),
        outputs=tuple(_datasets(document.get("outputs"), "outputFacets")),
        dataset=next(_datasets([document["dataset"]], ""), None) if "dataset" in document else None,
        id=event_id_of(document),
        own=facet_in(EventFacet, run_facets),
    )


def name_of(entry: Mapping[str, Any]) -> Name | None:
    """Return namespace and name of a job or dataset, None unless it has both."""
    namespace, name = text_of(entry.get("namespace")), text_of(entry.get("name"))
    return Name(namespace, name) if namespace and name else None


def symlinks_of(facets: Mapping[str, Any]) -> Iterator[Name]:
    """Yield the other names that the standard facet `symlinks` gives a dataset."""
    for entry in as_list(as_object(facets.get("symlinks")).get("identifiers")):
        name = name_of(as_object(entry))
        if name is not None:
            yield name


def _datasets(listed: Any, io_key: str) -> Iterator[DatasetView]:
    for entry in as_list(listed):
        name = name_of(entry) if isinstance(entry, dict) else None
        if name is not None:
            own = as_object(entry.get("facets"))
            version = as_text(as_object(own.get("version")).get("datasetVersion"))
            yield DatasetView(name, version, own, as_object(entry.get(io_key)))


def own_facet(document: Mapping[str, Any]) -> EventFacet | None:
    """Return the facet `lineageBridge_event` of an event, None if it is absent or broken."""
    return facet_in(EventFacet, as_object(as_object(document.get("run")).get("facets")))


def supersedes_of(document: Mapping[str, Any]) -> str | None:
    """Return the id of the event that this one replaces, None if it replaces none."""
    own = own_facet(document)
    return None if own is None else own.supersedes


def withdraws_of(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the ids of the events that this one withdraws."""
    own = own_facet(document)
    return () if own is None else own.withdraws or ()
