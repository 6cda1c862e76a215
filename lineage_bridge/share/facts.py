"""The facts of an event that forwarding needs: pure, read once when the event is taken in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from lineage_bridge.errors import FacetError
from lineage_bridge.events import DatasetView, EventView, Name, decode, view_event
from lineage_bridge.facets import read_facet
from lineage_bridge.facets.serving_health import Reason, ServingHealthFacet
from lineage_bridge.journal.home_tables import Stored
from lineage_bridge.naming import observes_predictions
from lineage_bridge.share.marquez.completeness import ENDS
from lineage_bridge.share.order import Item


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of one event.

    Attributes:
        item: the facts that decide when it may be sent.
        is_bare: one of ours that names no inputs: it would cut its job's edges.
        finding: model, status and reason codes of the serving health that it carries, or None.
        withdraws: whether it only takes others back.
        takes_back: the ids of the events that it supersedes or withdraws.
    """

    item: Item
    is_bare: bool = False
    finding: str | None = None
    withdraws: bool = False
    takes_back: tuple[str, ...] = ()


def facts_of(stored: Stored) -> Facts:
    """Read the facts of an event.

    Raises:
        EventError: the event is no JSON object.
    """
    view = view_event(decode(stored.body))
    return Facts(
        item=_item(stored, view),
        is_bare=stored.id is not None and not view.inputs,
        finding=_finding(view),
        withdraws=view.withdraws,
        takes_back=view.takes_back,
    )


def item_of(stored: Stored) -> Item:
    """Read the facts that decide when an event may be sent.

    Raises:
        EventError: the event is no JSON object.
    """
    return _item(stored, view_event(decode(stored.body)))


def job_of(view: EventView) -> str:
    """Return the job as `<namespace> <name>`; for a dataset event, which has none, the dataset."""
    if view.job is not None:
        return _text(view.job)
    return "" if view.dataset is None else _text(view.dataset.name)


def _item(stored: Stored, view: EventView) -> Item:
    # A dataset event describes its dataset: it goes as if it wrote it.
    written = view.outputs if view.dataset is None else (*view.outputs, view.dataset)
    return Item(
        seq=stored.seq,
        time_us=stored.time_us,
        job=job_of(view),
        run=view.run_id or "",
        rank=_rank(view.event_type),
        reads=_names(view.inputs),
        writes=_names(written),
    )


def _rank(event_type: str) -> int:
    if event_type == "START":
        return 0
    return 2 if event_type in ENDS else 1


def _names(datasets: Iterable[DatasetView]) -> frozenset[str]:
    return frozenset(_text(dataset.name) for dataset in datasets)


def _text(name: Name) -> str:
    return f"{name.namespace} {name.name}"


def _finding(view: EventView) -> str | None:
    """Write a finding (model, overall status, status by endpoint) as one text to compare."""
    health = _serving_health(view)
    if health is None:
        return None
    endpoints = health.endpoints or ()
    by_endpoint = sorted(_words(e.endpoint, e.status, e.reasons) for e in endpoints)
    whole = _words(None, health.status, health.reasons or ())
    return repr([[str(health.model), str(health.model_version)], whole, by_endpoint])


def _serving_health(view: EventView) -> ServingHealthFacet | None:
    if view.job is None or not observes_predictions(view.job.name):
        return None
    for dataset in view.inputs:
        facet = dataset.facets.get(ServingHealthFacet.key)
        if isinstance(facet, dict):
            try:
                return read_facet(ServingHealthFacet, orjson.dumps(facet))
            except (FacetError, orjson.JSONEncodeError):
                return None
    return None


def _words(endpoint: str | None, status: str, reasons: Iterable[Reason]) -> list[str]:
    return [str(endpoint), status, *(reason.code for reason in reasons)]
