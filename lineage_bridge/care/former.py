"""Events that call a deployment by its former name, and what they say under today's.

Up to version 0.1 names were `predictions.<service>.<environment>.<deployment>`. Former names and
those of today have the same shape, so no name tells which it is. The facets do: that of a
deployment has the three words, and that of serving health has service and deployment only since
names are as they are today. The run ids of serving and of observing are made from the job's name,
so they change with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from lineage_bridge.errors import FacetError
from lineage_bridge.events import (
    Event,
    as_list,
    as_object,
    compute_id,
    is_as_hashed,
)
from lineage_bridge.facets import read_facet
from lineage_bridge.facets.deployment import DeploymentFacet
from lineage_bridge.facets.event import EventFacet
from lineage_bridge.facets.serving_health import ServingHealthFacet
from lineage_bridge.naming import (
    Slot,
    dataset_id,
    former_name,
    is_observer,
    observe_job,
    run_uuid,
    serving_run_uuid,
    slot_of,
)


class Known(Protocol):
    """What other events of the journal say, that one event does not."""

    def start_of(self, run_id: str) -> str | None:
        """Return the time at which a serving run started, as its event has it."""
        ...

    def slot_of_cut(self, predictions: str) -> Slot | None:
        """Return the deployment of a former name that is too long to hold all of its words."""
        ...


@dataclass(frozen=True, slots=True)
class Renamed:
    """The content of an event under today's names; whose place it takes makes an event of it.

    Attributes:
        run_id: of the run as it is called today.
        former_run_id: as the event has it.
        content: the event without its identity.
    """

    run_id: str
    former_run_id: str
    content: Mapping[str, Any]

    def id_superseding(self, event_id: str | None) -> str:
        """Return the id of the event that says this in the place of another one."""
        return compute_id(self.content, event_id)

    def superseding(self, event_id: str, time_us: int) -> Event:
        """Make the event that says this in the place of another one."""
        new_id = self.id_superseding(event_id)
        run = self.content["run"]
        own = {**run["facets"][EventFacet.key], "id": new_id, "supersedes": event_id}
        facets = {**run["facets"], EventFacet.key: own}
        body = {**self.content, "run": {**run, "facets": facets}}
        return Event(orjson.dumps(body), "run", time_us, new_id)


def seems_former(document: Mapping[str, Any]) -> bool:
    """Return whether an event of ours may have a former name, by itself alone."""
    name = as_object(document.get("job")).get("name")
    slot = _told_slot(document)
    if slot is not None:
        return name == slot.former_job != slot.job
    return _untold_health(document) is not None


def renamed(document: dict[str, Any], known: Known) -> Renamed | None:
    """Say an event under today's names; None if it has no former name, or is not ours.

    The document is used up.
    """
    if not is_as_hashed(document):  # not ours to say anew
        return None
    slot = _told_slot(document)
    if slot is not None:
        return _renamed_serving(document, slot, known)
    return _renamed_observer(document, known)


def start_told(document: Mapping[str, Any]) -> tuple[str, str, Slot] | None:
    """Return run id, time and deployment of the event that starts a serving run."""
    slot = _told_slot(document)
    run_id = as_object(document.get("run")).get("runId")
    if slot is None or document.get("eventType") != "START":
        return None
    return str(run_id), str(document.get("eventTime")), slot


def _told_slot(document: Mapping[str, Any]) -> Slot | None:
    facet = _deployment(document)
    return None if facet is None else Slot(facet.service, facet.environment, facet.deployment)


def _deployment(document: Mapping[str, Any]) -> DeploymentFacet | None:
    facets = as_object(as_object(document.get("run")).get("facets"))
    if DeploymentFacet.key not in facets:
        return None
    try:
        return read_facet(DeploymentFacet, orjson.dumps(facets[DeploymentFacet.key]))
    except FacetError:
        return None


def _untold_health(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the dataset of an observer's event, if its finding does not name the deployment."""
    inputs = as_list(document.get("inputs"))
    dataset = inputs[0] if len(inputs) == 1 else None
    facet = as_object(as_object(dataset).get("facets")).get(ServingHealthFacet.key)
    if not isinstance(dataset, dict) or not isinstance(facet, dict) or "service" in facet:
        return None
    name = as_object(document.get("job")).get("name")
    is_named = isinstance(name, str) and isinstance(dataset.get("name"), str)
    return dataset if is_named and is_observer(str(name)) else None


def _renamed_serving(document: dict[str, Any], slot: Slot, known: Known) -> Renamed | None:
    facet, job, run = _deployment(document), document["job"], document["run"]
    namespace, former = job["namespace"], run["runId"]
    is_start = document["eventType"] == "START"
    started = document["eventTime"] if is_start else known.start_of(former)
    if facet is None or started is None or not job["name"] == slot.former_job != slot.job:
        return None
    words = (facet.instance, facet.model, facet.model_version, started)
    if serving_run_uuid(namespace, slot.former_job, *words) != former:
        return None
    job["name"] = slot.job
    run["runId"] = serving_run_uuid(namespace, slot.job, *words)
    _rename_datasets(document, slot)
    return Renamed(run["runId"], former, document)


def _renamed_observer(document: dict[str, Any], known: Known) -> Renamed | None:
    dataset, job, run = _untold_health(document), document["job"], document["run"]
    if dataset is None or dataset["namespace"] != job["namespace"]:
        return None
    slot = _slot_of_former(dataset["name"], known)
    if slot is None or job["name"] != observe_job(dataset["name"]):
        return None
    namespace, former, at = job["namespace"], run["runId"], document["eventTime"]
    facet = dataset["facets"][ServingHealthFacet.key]
    is_as_made = run_uuid(namespace, job["name"], at) == former
    if not is_as_made or facet.get("environment", slot.environment) != slot.environment:
        return None
    job["name"] = observe_job(slot.predictions)
    run["runId"] = run_uuid(namespace, job["name"], at)
    facet |= {
        "_schemaURL": ServingHealthFacet.schema_url(),
        "service": slot.service,
        "deployment": slot.deployment,
    }
    _rename_datasets(document, slot)
    return Renamed(run["runId"], former, document)


def _slot_of_former(predictions: str, known: Known) -> Slot | None:
    of_today = former_name(predictions)
    if of_today is None:
        return known.slot_of_cut(predictions)
    return slot_of(of_today)


def _rename_datasets(document: dict[str, Any], slot: Slot) -> None:
    namespace = document["job"]["namespace"]
    for dataset in (*document["inputs"], *document["outputs"]):
        if (dataset["namespace"], dataset["name"]) == (namespace, slot.former_predictions):
            dataset["name"] = slot.predictions
    former, of_today = (
        dataset_id(namespace, name) for name in (slot.former_predictions, slot.predictions)
    )
    for link in document["run"]["facets"][EventFacet.key].get("links", ()):
        if link["dataset"] == former:
            link["dataset"] = of_today
