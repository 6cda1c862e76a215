"""`lineageBridge_fairness`: how good a model version's answers are for each group of requests."""

from __future__ import annotations

from typing import Annotated, Literal

from lineage_bridge.facets.definition import Count, Facet, Instant, Part, Ratio, doc
from lineage_bridge.facets.quality import Estimate

Measure = Literal["accuracy", "true_positive_rate", "positive_rate"]
FairnessStatus = Literal["ok", "warning", "insufficient_data"]


class Group(Part, frozen=True, kw_only=True):
    """Answered requests of one group of which it is known what was true."""

    group: Annotated[str, doc("The value of the declared field.")]
    labelled: Annotated[Count, doc("How many there are.")]
    correct: Annotated[Count, doc("How many of them were answered with their label.")] = 0
    positive: Annotated[Count | None, doc("How many are positive; of binary targets.")] = None
    answered_positive: Annotated[
        Count | None, doc("How many were answered with the positive class; of binary targets.")
    ] = None
    true_positive: Annotated[
        Count | None, doc("How many of the positive ones were answered so; of binary targets.")
    ] = None


class FairnessFacet(Facet, frozen=True, kw_only=True):
    """Whether a model version answers some groups worse than others, as far as it is known.

    Everything is of all its labelled requests up to `evaluatedAt`. Source: the rows of the
    inference log, by the field that the settings declare as their group.
    """

    key = "lineageBridge_fairness"
    schema = "LineageBridgeFairnessDatasetFacet"
    released = "0.2.0"

    evaluated_at: Annotated[
        Instant, doc("The time of the newest request or label that is in it. RFC 3339, UTC.")
    ]
    service: Annotated[str | None, doc("The service that was asked.")] = None
    environment: Annotated[str | None, doc("Its environment.")] = None
    deployment: Annotated[str | None, doc("The deployment: the slot.")] = None
    model: Annotated[str | None, doc("The model that answered.")] = None
    model_version: Annotated[str | None, doc("Its version.")] = None
    last_request: Annotated[Instant | None, doc("Of the version. RFC 3339, UTC.")] = None
    status: Annotated[
        FairnessStatus,
        doc(
            "`warning`: the gap is at least the limit, and surely one; `insufficient_data`: fewer "
            "than two groups have enough labels."
        ),
    ]
    measure: Annotated[Measure, doc("What is compared between the groups.")]
    gap: Annotated[
        Estimate | None,
        doc(
            "The largest less the smallest share of all groups that have enough labels, with its "
            "bounds of 95 % for all pairs together. A ratio, 0 to 1."
        ),
    ] = None
    best: Annotated[str | None, doc("The group with the largest share.")] = None
    worst: Annotated[str | None, doc("The group with the smallest.")] = None
    gap_most: Annotated[Ratio, doc("The limit. Source: the policy. 0 to 1.")]
    fewest_labels: Annotated[Count, doc("A group with fewer is not compared. Source: the policy.")]
    groups: Annotated[tuple[Group, ...], doc("By name, at most 50: those with most labels.")]
    without_group: Annotated[
        Count | None, doc("Labelled requests whose row has no group; absent if there are none.")
    ] = None
    groups_left_out: Annotated[Count | None, doc("How many more there are.")] = None
