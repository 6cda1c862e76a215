"""`lineageBridge_deployment`: which model version a deployment serves, and since when."""

from __future__ import annotations

from typing import Annotated

from lineage_bridge.errors import FacetError
from lineage_bridge.facets.definition import (
    Count,
    Facet,
    Instant,
    Part,
    Percent,
    doc,
)


class Location(Part, frozen=True, kw_only=True):
    """Where the bundle lies; no part of the event's identity."""

    bundle_id: Annotated[str | None, doc("bundle_id: a folder of its host.")] = None
    bundle_uri: Annotated[str | None, doc("bundle_uri")] = None


class Workload(Part, frozen=True, kw_only=True):
    """What a cluster runs the deployment as. Source: a Kubernetes object."""

    kind: Annotated[str, doc("Kind of the object, such as Deployment or InferenceService.")]
    name: Annotated[str, doc("metadata.name of the object.")]
    revision: Annotated[str | None, doc("Revision of its rollout.")] = None
    image: Annotated[str | None, doc("Image of the container that serves, with its tag.")] = None
    image_digest: Annotated[
        str | None, doc("Digest of the image, `sha256:` and 64 hex digits.")
    ] = None
    replicas: Annotated[Count | None, doc("Replicas that were asked for.")] = None
    traffic_percent: Annotated[
        Percent | None, doc("Share of the requests, where several revisions share them. Percent.")
    ] = None
    stopped: Annotated[
        Instant | None,
        doc("When its last replica was taken away; absent of one that serves. RFC 3339, UTC."),
    ] = None
    spec_sha256: Annotated[str | None, doc("Hash of the pod's or the server's specification.")] = (
        None
    )


class DeploymentFacet(Facet, frozen=True, kw_only=True):
    """One start of a deployment. Source: P5's deployment event, schema v1; a Kubernetes object."""

    key = "lineageBridge_deployment"
    schema = "LineageBridgeDeploymentRunFacet"
    version = "1-1-0"
    released = "0.2.0"

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
    workload: Annotated[
        Workload | None, doc("What runs it in a cluster; absent where no cluster tells.")
    ] = None
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
