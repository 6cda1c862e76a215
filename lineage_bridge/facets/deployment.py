"""`lineageBridge_deployment`: which model version a deployment serves, and since when."""

from __future__ import annotations

from typing import Annotated

from lineage_bridge.errors import FacetError
from lineage_bridge.facets.definition import (
    Facet,
    Instant,
    Part,
    doc,
)


class Location(Part, frozen=True, kw_only=True):
    """Where the bundle lies; no part of the event's identity."""

    bundle_id: Annotated[str | None, doc("bundle_id: a folder of its host.")] = None
    bundle_uri: Annotated[str | None, doc("bundle_uri")] = None


class DeploymentFacet(Facet, frozen=True, kw_only=True):
    """One start of one instance of a deployment. Source: P5's deployment event, schema v1."""

    key = "lineageBridge_deployment"
    schema = "LineageBridgeDeploymentRunFacet"

    service: Annotated[str, doc("service_name")]
    service_version: Annotated[str | None, doc("service_version")] = None
    environment: Annotated[str, doc("environment")]
    deployment: Annotated[str, doc("deployment_id: the slot.")]
    instance: Annotated[str | None, doc("instance_id; absent where P5 has none.")] = None
    model: Annotated[str, doc("model_name, as P5 says it.")]
    model_version: Annotated[str, doc("model_version, as P5 says it.")]
    input_dataset: Annotated[str | None, doc("input_dataset_name, as P5 says it.")] = None
    input_dataset_version: Annotated[str | None, doc("input_dataset_version, as P5 says it.")] = (
        None
    )
    training_started: Annotated[
        Instant | None, doc("started_at of the training. RFC 3339, UTC.")
    ] = None
    training_completed: Annotated[
        Instant | None, doc("completed_at of the training. RFC 3339, UTC.")
    ] = None
    bundle_created: Annotated[Instant | None, doc("bundle_created_at. RFC 3339, UTC.")] = None
    activation_reason: Annotated[str | None, doc("activation_reason")] = None
    traffic_status: Annotated[str | None, doc("traffic_status")] = None
    location: Annotated[
        Location | None, doc("Where the bundle lies; no part of the event's identity.")
    ] = None

    def check(self) -> None:
        """Check that the slot can be named.

        Raises:
            FacetError: a part of its name is blank.
        """
        for name in ("service", "environment", "deployment"):
            if not getattr(self, name).strip():
                raise FacetError(f"`{name}`: expected a name, found nothing but white space")
