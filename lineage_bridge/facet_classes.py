"""Our facets as classes for users of openlineage-python.

Each is an attrs class on the client's own base classes, so it goes wherever a standard facet goes:

    Run(run_id, facets={facets.TRAINING: LineageBridgeTrainingRunFacet(...)})

Invariants: what one serialises to equals `facets.facet(key, fields)` with the same fields; its
fields and which of them must be given are those of its schema in `schemas/`, which says each one's
unit and source. What is absent or not finite is left out at any depth, because the client's encoder
would write a bare NaN.
Source: `openlineage.client.generated.base`; the names are those of the schemas.
"""
# ruff: noqa: N815 - fields are named as on the wire, as in the client's own classes

from __future__ import annotations

from typing import Any, cast

import attr
from openlineage.client.generated.base import BaseFacet, DatasetFacet, RunFacet

from lineage_bridge import facets


class _Ours:
    """What all of our facets do once they are made."""

    __slots__ = ()

    def __attrs_post_init__(self) -> None:
        """Name our producer, where none is named, and leave out what JSON cannot hold."""
        facet = cast("BaseFacet", self)
        facet._producer = facet._producer or facets.PRODUCER  # noqa: SLF001 - the client's field
        facet._schemaURL = facet._get_schema()  # noqa: SLF001
        for field in attr.fields(type(facet)):
            given = getattr(facet, field.name)
            setattr(facet, field.name, facets.plain({"it": given}).get("it"))


@attr.define(kw_only=True)
class LineageBridgeEventRunFacet(_Ours, RunFacet):
    """`lineageBridge_event`: the identity of an event and where it comes from."""

    id: str
    artifact: dict[str, Any] | None = None
    links: list[dict[str, Any]] | None = None
    supersedes: str | None = None

    @staticmethod
    def _get_schema() -> str:
        return facets.schema_url(facets.EVENT)


@attr.define(kw_only=True)
class LineageBridgeFreshnessDatasetFacet(_Ours, DatasetFacet):
    """`lineageBridge_freshness`: how old a dataset is, by its build and by its data."""

    status: str
    evaluatedAt: str
    basis: str | None = None
    buildTime: str | None = None
    buildTimeIsMtime: bool | None = None
    dataTime: str | None = None
    buildAgeSeconds: float | None = None
    dataAgeSeconds: float | None = None
    clockSkewSeconds: float | None = None
    warnSeconds: float | None = None
    errorSeconds: float | None = None

    @staticmethod
    def _get_schema() -> str:
        return facets.schema_url(facets.FRESHNESS)


@attr.define(kw_only=True)
class LineageBridgeFeatureSetDatasetFacet(_Ours, DatasetFacet):
    """`lineageBridge_featureSet`: what a feature dataset is about."""

    target: str | None = None
    entity: str | None = None
    eventTime: str | None = None
    featureCount: int | None = None
    positiveRate: float | None = None
    entityCount: int | None = None
    observedFrom: str | None = None
    observedTo: str | None = None
    eventTimeZoned: bool | None = None
    footerSha256: str | None = None
    flags: list[str] | None = None
    location: dict[str, Any] | None = None

    @staticmethod
    def _get_schema() -> str:
        return facets.schema_url(facets.FEATURE_SET)


@attr.define(kw_only=True)
class LineageBridgeTrainingRunFacet(_Ours, RunFacet):
    """`lineageBridge_training`: what a training run made, with its metrics."""

    upstreamRunId: str
    model: str
    modelVersion: str | None = None
    modelType: str | None = None
    metrics: dict[str, Any] | None = None
    durationSeconds: float | None = None
    timeBasis: str | None = None
    flags: list[str] | None = None
    location: dict[str, Any] | None = None

    @staticmethod
    def _get_schema() -> str:
        return facets.schema_url(facets.TRAINING)


@attr.define(kw_only=True)
class LineageBridgeDeploymentRunFacet(_Ours, RunFacet):
    """`lineageBridge_deployment`: which model version a slot serves, and since when."""

    service: str
    environment: str
    deployment: str
    model: str
    modelVersion: str
    serviceVersion: str | None = None
    instance: str | None = None
    inputDataset: str | None = None
    inputDatasetVersion: str | None = None
    trainingStarted: str | None = None
    trainingCompleted: str | None = None
    bundleCreated: str | None = None
    activationReason: str | None = None
    trafficStatus: str | None = None
    location: dict[str, Any] | None = None

    @staticmethod
    def _get_schema() -> str:
        return facets.schema_url(facets.DEPLOYMENT)


@attr.define(kw_only=True)
class LineageBridgeServingHealthDatasetFacet(_Ours, DatasetFacet):
    """`lineageBridge_servingHealth`: how a deployment is, with all facts that it was judged by."""

    status: str
    evaluatedAt: str
    reasons: list[dict[str, Any]] | None = None
    notes: list[dict[str, Any]] | None = None
    environment: str | None = None
    model: str | None = None
    modelVersion: str | None = None
    activationStartedAt: str | None = None
    lookbackSeconds: float | None = None
    windows: int | None = None
    endpoints: list[dict[str, Any]] | None = None
    totals: dict[str, Any] | None = None
    totalsByVersion: list[dict[str, Any]] | None = None
    starts: int | None = None
    flushes: int | None = None
    instancesRunning: int | None = None
    lastSignOfLife: str | None = None
    lastStart: str | None = None
    lastFlush: str | None = None
    lastHeartbeat: str | None = None
    newestWindowEnd: str | None = None
    policy: dict[str, Any] | None = None

    @staticmethod
    def _get_schema() -> str:
        return facets.schema_url(facets.SERVING_HEALTH)


# Facet key -> its class.
CLASSES: dict[str, type[BaseFacet]] = {
    facets.EVENT: LineageBridgeEventRunFacet,
    facets.FRESHNESS: LineageBridgeFreshnessDatasetFacet,
    facets.FEATURE_SET: LineageBridgeFeatureSetDatasetFacet,
    facets.TRAINING: LineageBridgeTrainingRunFacet,
    facets.DEPLOYMENT: LineageBridgeDeploymentRunFacet,
    facets.SERVING_HEALTH: LineageBridgeServingHealthDatasetFacet,
}
