"""`lineageBridge_featureSet`: the target, entity, columns and times of a feature dataset."""

from __future__ import annotations

from typing import Annotated

from lineage_bridge.facets.definition import (
    Count,
    Facet,
    Instant,
    Part,
    doc,
)


class Location(Part, frozen=True, kw_only=True):
    """Where it was found; no part of the event's identity."""

    path: Annotated[str | None, doc("Relative to the folder that was named.")] = None


class FeatureSetFacet(Facet, frozen=True, kw_only=True):
    """What one build of a feature dataset holds.

    Source: P2's parquet footer, or P6's dataset JSON.
    """

    key = "lineageBridge_featureSet"
    schema = "LineageBridgeFeatureSetDatasetFacet"

    target: Annotated[str | None, doc("The label's column.")] = None
    entity: Annotated[str | None, doc("The column of the entity (a station).")] = None
    event_time: Annotated[str | None, doc("The column of the event time.")] = None
    feature_count: Annotated[Count | None, doc("Columns that are features.")] = None
    positive_rate: Annotated[
        float | None, doc("Share of positive labels, 0 to 1, with 4 decimals as P2 writes it.")
    ] = None
    entity_count: Annotated[Count | None, doc("Distinct entities.")] = None
    observed_from: Annotated[Instant | None, doc("The first event time in it. RFC 3339, UTC.")] = (
        None
    )
    observed_to: Annotated[
        Instant | None, doc("The newest event time in it: the data clock. RFC 3339, UTC.")
    ] = None
    event_time_zoned: Annotated[
        bool | None,
        doc("Whether its event times name a zone; where not, they are UTC by convention."),
    ] = None
    footer_sha256: Annotated[str | None, doc("Over the parquet footer and the file's size.")] = None
    flags: Annotated[
        tuple[str, ...] | None,
        doc("What a reader should know of the artifact, as `<flag>` or `<flag>:<field>`."),
    ] = None
    location: Annotated[
        Location | None, doc("Where it was found; no part of the event's identity.")
    ] = None
