"""The way back: the start that a START of a deployment tells of."""

from __future__ import annotations

from datetime import datetime

from lineage_bridge.events import EventView
from lineage_bridge.facets import facet_in
from lineage_bridge.facets.deployment import DeploymentFacet, Location
from lineage_bridge.facets.event import Words
from lineage_bridge.naming import model_dataset
from lineage_bridge.records.identity import (
    links_of,
    source_of,
)
from lineage_bridge.records.start import Start
from lineage_bridge.records.words import Reference, reference_of


def recall_start(view: EventView, time: datetime) -> Start | None:
    """Return the record that a START of a deployment tells of; None if it is of another kind."""
    facet = facet_in(DeploymentFacet, view.run_facets)
    if facet is None or view.event_type != "START":
        return None
    location = facet.location or Location()
    served, *live = view.inputs or (None,)
    name = served.name.name if served is not None else None
    words = served_words(view)
    if words is not None and words.name is None:
        model = reference_of(words, "model", field=_field(view))
    else:
        model = _named_model(facet, words, name, _field(view))
    return Start(
        source=source_of(view),
        time=time,
        service=facet.service,
        service_version=facet.service_version,
        environment=facet.environment,
        deployment=facet.deployment,
        instance=facet.instance,
        model=model,
        dataset_name=facet.input_dataset,
        bundle_id=location.bundle_id,
        bundle_uri=location.bundle_uri,
        bundle_created=facet.bundle_created,
        activation_reason=facet.activation_reason,
        traffic_status=facet.traffic_status,
        workload=facet.workload,
        live=tuple((table.name.namespace, table.name.name) for table in live if table is not None),
    )


def _named_model(
    facet: DeploymentFacet, words: Words | None, node: str | None, field: str | None
) -> Reference:
    return Reference(
        what="model",
        name=facet.model,
        version=facet.model_version or None,
        trained_on=facet.input_dataset_version,
        started=facet.training_started,
        completed=facet.training_completed,
        path=words.path if words is not None else None,
        field=field,
        declared=node if node != model_dataset(facet.model) else None,
    )


def _field(view: EventView) -> str | None:
    return next((link.field for link in links_of(view, "input")), None)


def served_words(view: EventView) -> Words | None:
    """Return the words of the model that a start serves, with the run of the folder behind it."""
    return next((link.said for link in links_of(view, "input")), None)
