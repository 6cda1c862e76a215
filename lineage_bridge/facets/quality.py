"""`lineageBridge_quality`: how much a model version answered, and how good its answers were."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from lineage_bridge.facets.definition import (
    Count,
    Facet,
    Instant,
    NotNegative,
    Part,
    Ratio,
    doc,
)

TargetKind: TypeAlias = Literal["binary", "category", "number", "unlike"]


class Estimate(Part, frozen=True, kw_only=True):
    """A figure, and what it may really be, by 95 %.

    Requests count as independent of each other.
    """

    value: Annotated[float, doc("What was found.")]
    low: Annotated[float | None, doc("The lower bound; absent where there is none.")] = None
    high: Annotated[float | None, doc("The upper bound; absent where there is none.")] = None


class Calibration(Part, frozen=True, kw_only=True):
    """Requests whose probability lies in one tenth of the range."""

    rows: Annotated[Count, doc("How many there are.")]
    mean_probability: Annotated[Ratio, doc("The mean of what was answered. A ratio, 0 to 1.")]
    positive: Annotated[Estimate, doc("The share that was positive. A ratio, 0 to 1.")]


class QualityFacet(Facet, frozen=True, kw_only=True):
    """What an inference log says of one model version in one deployment, as far as it is known.

    Everything is of all its requests up to `evaluatedAt`. A figure that has no label behind it is
    absent. Source: the log's rows, and the labels that were joined with them by request id.
    """

    key = "lineageBridge_quality"
    schema = "LineageBridgeQualityDatasetFacet"
    released = "0.2.0"

    evaluated_at: Annotated[
        Instant, doc("The time of the newest request or label that is in it. RFC 3339, UTC.")
    ]
    service: Annotated[str | None, doc("The service that was asked.")] = None
    environment: Annotated[str | None, doc("Its environment.")] = None
    deployment: Annotated[str | None, doc("The deployment: the slot.")] = None
    model: Annotated[str | None, doc("The model that answered.")] = None
    model_version: Annotated[str | None, doc("Its version.")] = None
    rows: Annotated[Count, doc("Requests, each once by its id.")]
    duplicates: Annotated[
        Count | None, doc("Rows that did not count, because their request was there before.")
    ] = None
    unanswered: Annotated[Count | None, doc("Requests without a prediction.")] = None
    not_finite: Annotated[Count | None, doc("Requests answered with NaN or infinity.")] = None
    first_request: Annotated[Instant | None, doc("RFC 3339, UTC.")] = None
    last_request: Annotated[Instant | None, doc("RFC 3339, UTC.")] = None
    labelled: Annotated[
        Count | None, doc("Answered requests of which it is known what was true.")
    ] = None
    unlabelled_ratio: Annotated[
        Ratio | None,
        doc("Share of answered requests without a label; absent where none was answered. 0 to 1."),
    ] = None
    newest_label: Annotated[
        Instant | None,
        doc("When the newest label became known, where that is said. RFC 3339, UTC."),
    ] = None
    labels_again: Annotated[
        Count | None,
        doc("Labels of a request that had one already; of several the newest counts."),
    ] = None
    labels_late: Annotated[
        Count | None, doc("Labels that came later than `labelDays`, and do not count.")
    ] = None
    label_days: Annotated[
        NotNegative | None,
        doc("A label counts that is known no later after its request. Source: the policy. Days."),
    ] = None
    target: Annotated[
        TargetKind | None,
        doc(
            "What sort of target it is, by labels and answers; `unlike`: labels are texts and "
            "answers numbers, or the other way round, so that they cannot be compared."
        ),
    ] = None
    accuracy: Annotated[
        Estimate | None, doc("The share of answers that are the label. A ratio, 0 to 1.")
    ] = None
    auc: Annotated[
        Estimate | None,
        doc("The chance that a positive request has the higher probability. A ratio, 0 to 1."),
    ] = None
    brier: Annotated[
        NotNegative | None, doc("The mean square of probability less label. 0 to 1.")
    ] = None
    bias: Annotated[
        Estimate | None,
        doc(
            "The mean of probability less label, or of answer less label, in the target's own "
            "unit; 0 where calibrated."
        ),
    ] = None
    calibration: Annotated[
        tuple[Calibration, ...] | None, doc("By tenths of the probability, without empty ones.")
    ] = None
    mean_absolute_error: Annotated[
        Estimate | None, doc("Of answers that are amounts, in the target's own unit.")
    ] = None
    root_mean_square_error: Annotated[
        NotNegative | None, doc("Of answers that are amounts, in the target's own unit.")
    ] = None
