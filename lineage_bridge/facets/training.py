"""`lineageBridge_training`: what a training run made, with its metrics."""

from __future__ import annotations

from typing import Annotated, Literal

from lineage_bridge.facets.definition import (
    Facet,
    NotNegative,
    Part,
    doc,
)


class Location(Part, frozen=True, kw_only=True):
    """Where the model lies; no part of the event's identity."""

    artifact_uri: Annotated[str | None, doc("As the artifact says it.")] = None


class TrainingFacet(Facet, frozen=True, kw_only=True):
    """What one training run reports.

    Source: P4's bundle, P2's metrics file, P6's training JSON, or a run of MLflow's.
    """

    key = "lineageBridge_training"
    schema = "LineageBridgeTrainingRunFacet"
    version = "1-0-1"
    released = "0.2.0"

    upstream_run_id: Annotated[str, doc("The run's id as its upstream spells it.")]
    model: Annotated[str, doc("The model's name in the artifact.")]
    model_version: Annotated[
        str | None, doc("The version in the artifact; absent where it has none.")
    ] = None
    model_type: Annotated[str | None, doc("The algorithm.")] = None
    metrics: Annotated[
        dict[str, float] | None,
        doc("Every finite number that was reported, by its own name; units are the metric's."),
    ] = None
    duration_seconds: Annotated[
        NotNegative | None,
        doc("From start to completion; absent unless a start before the end is known."),
    ] = None
    time_basis: Annotated[
        Literal["utc", "unzoned"] | None,
        doc(
            "`utc`, or `unzoned` where the artifact's clock names no zone: the event time "
            "is then the later of its stamp read as UTC and the build of its dataset."
        ),
    ] = None
    flags: Annotated[
        tuple[str, ...] | None,
        doc("What a reader should know of the artifact, as `<flag>` or `<flag>:<field>`."),
    ] = None
    state: Annotated[
        Literal["RUNNING", "FAIL", "ABORT"] | None,
        doc("How far the run has come, as of the artifact; absent of one that completed."),
    ] = None
    parent: Annotated[
        str | None, doc("The run that it is nested in, as its upstream spells it.")
    ] = None
    commit: Annotated[str | None, doc("The commit of the code that ran, as the run says it.")] = (
        None
    )
    script: Annotated[str | None, doc("What ran: a file of the code, or a notebook.")] = None
    repository: Annotated[str | None, doc("Where the code is kept, as the run says it.")] = None
    user: Annotated[str | None, doc("Who ran it, as the run says it.")] = None
    location: Annotated[
        Location | None, doc("Where the model lies; no part of the event's identity.")
    ] = None
