"""`lineageBridge_drift`: whether a deployment is asked what its model was trained on."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from lineage_bridge.facets.definition import Count, Facet, Instant, NotNegative, Part, Ratio, doc

Severity: TypeAlias = Literal["none", "warning", "critical"]


class DriftCell(Part, frozen=True, kw_only=True):
    """A part of what a feature can be, with its shares of rows."""

    what: Annotated[
        str,
        doc(
            "`label`, `interval` of numbers, `value` (any), `null`, `unseen` (a label that the "
            "reference does not have) or `other_kind`."
        ),
    ]
    label: Annotated[str | None, doc("The label, where it is one.")] = None
    above: Annotated[float | None, doc("Numbers are above this; absent: no lower end.")] = None
    up_to: Annotated[
        float | None, doc("Numbers are this or below; absent: there is no upper end.")
    ] = None
    reference_share: Annotated[Ratio, doc("Of the reference's rows. A ratio, 0 to 1.")]
    current_share: Annotated[Ratio, doc("Of the judged rows. A ratio, 0 to 1.")]


class DriftFeature(Part, frozen=True, kw_only=True):
    """One feature in one window."""

    feature: Annotated[str, doc("Its column in the reference and in the log.")]
    kind: Annotated[str, doc("What most of its values are: `number`, `label`, `time`, `other`.")]
    severity: Annotated[Severity, doc("How far it moved, if chance does not explain it.")]
    since: Annotated[
        Instant | None,
        doc(
            "Start of the first rows that showed it by themselves when it was found; fixed until "
            "it is cleared. RFC 3339, UTC."
        ),
    ] = None
    psi: Annotated[
        NotNegative, doc("Population stability index above what the numbers of rows explain.")
    ]
    new_share: Annotated[
        Ratio, doc("The largest share of rows that the reference knew nothing like. 0 to 1.")
    ]
    effect: Annotated[
        NotNegative | None,
        doc(
            "How far it moved: numbers in standard deviations of the reference, labels as Cramer's "
            "V. Absent where that is not defined."
        ),
    ] = None
    test: Annotated[
        str | None,
        doc("The test with the smallest chance: `ks`, `chi_square`, `nulls`, `kind`, "
            "`beyond_range` or `unseen_labels`."),
    ] = None  # fmt: skip
    p: Annotated[Ratio | None, doc("That chance, corrected for the number of tests.")] = None
    q: Annotated[Ratio | None, doc("The same, corrected for the number of features.")] = None
    reference_null_share: Annotated[Ratio, doc("Null and NaN in the reference. 0 to 1.")]
    current_null_share: Annotated[Ratio, doc("Null and NaN in the window. 0 to 1.")]
    unseen_share: Annotated[
        Ratio | None, doc("Rows with a label that the reference does not have. 0 to 1.")
    ] = None
    beyond_share: Annotated[
        Ratio | None, doc("Rows with a number beyond the reference's range. 0 to 1.")
    ] = None
    within_reference_variation: Annotated[
        bool | None,
        doc(
            "Whether the reference itself varies as much from day to day, or rows of one entity "
            "and day explain it; absent where that is not known, or nothing moved."
        ),
    ] = None
    notes: Annotated[
        tuple[str, ...] | None,
        doc("What a reader should know, such as `all_null`, `kind_changed`, `too_many_labels`."),
    ] = None
    cells: Annotated[
        tuple[DriftCell, ...] | None,
        doc("Where it moved, if it did, the most first; three at most."),
    ] = None
    reference_blocks: Annotated[
        tuple[Ratio, ...] | None,
        doc(
            "If it moved, the reference's distribution: shares of its values in up to eight bins. "
            "0 to 1."
        ),
    ] = None
    current_blocks: Annotated[
        tuple[Ratio, ...] | None, doc("The window's, in the same bins. 0 to 1.")
    ] = None


class ClassShare(Part, frozen=True, kw_only=True):
    """A predicted class."""

    label: Annotated[str, doc("The class as the log has it.")]
    share: Annotated[Ratio, doc("Of the requests that were answered. A ratio, 0 to 1.")]


class DriftWindow(Part, frozen=True, kw_only=True):
    """The rows of the last hours up to `evaluatedAt`."""

    hours: Annotated[Count, doc("How many hours back.")]
    hours_with_rows: Annotated[Count, doc("How many of them brought rows.")]
    begin: Annotated[Instant, doc("Start of the first of those. RFC 3339, UTC.")]
    rows: Annotated[Count, doc("Rows of all of them.")]
    status: Annotated[
        Literal["judged", "insufficient_data", "nothing_to_compare"],
        doc(
            "`insufficient_data`: fewer rows than the policy asks for; `nothing_to_compare`: no "
            "feature is in both."
        ),
    ]
    severity: Annotated[Severity, doc("Of the worst feature.")]
    power: Annotated[
        Ratio,
        doc("The chance to find a feature that moved by half a standard deviation. 0 to 1."),
    ]
    judged: Annotated[Count, doc("Features that were judged, without those of the calendar.")]
    drifted: Annotated[Count, doc("How many of them are a warning or critical.")]
    drifted_beyond_variation: Annotated[
        Count, doc("How many of those moved by more than the reference itself varies.")
    ]
    share: Annotated[Ratio, doc("Drifted ones of the judged ones. A ratio, 0 to 1.")]
    weighted_share: Annotated[
        Ratio | None, doc("The same by importance, where the settings say it. 0 to 1.")
    ] = None
    features: Annotated[
        tuple[DriftFeature, ...],
        doc("Worst first: all that drifted, and 20 in any case; 50 at most."),
    ]
    calendar: Annotated[
        tuple[str, ...] | None,
        doc("Features that moved with the calendar alone; they do not count."),
    ] = None
    missing: Annotated[
        tuple[str, ...] | None,
        doc("Columns of the reference that the log does not have; 50 at most."),
    ] = None
    answers: Annotated[
        tuple[DriftFeature, ...] | None,
        doc(
            "What was answered (`prediction`, `probability`, `confidence`) against the first day "
            "of this model version."
        ),
    ] = None
    mean_confidence: Annotated[
        Ratio | None,
        doc(
            "The mean of `confidence`, else of the larger of `probability` and its complement. "
            "0 to 1."
        ),
    ] = None
    classes: Annotated[
        tuple[ClassShare, ...] | None,
        doc(
            "Predicted classes, the most frequent first, 20 at most; where only a probability is "
            "answered, 1 from 0.5 on. Absent where amounts are."
        ),
    ] = None


class UntrainedLabel(Part, frozen=True, kw_only=True):
    """A label that the reference does not have."""

    label: Annotated[str, doc("The label; a long one is shortened.")]
    requests: Annotated[Count, doc("Requests with it since the first.")]
    since: Annotated[Instant, doc("Start of the first hour that had it. RFC 3339, UTC.")]


class UntrainedFeature(Part, frozen=True, kw_only=True):
    """One sort of what the model was not trained on, in one feature."""

    feature: Annotated[str, doc("The column; of a group of columns the beginning of their names.")]
    sort: Annotated[
        Literal["unseen_label", "beyond_range", "not_one_of_group", "constant"],
        doc(
            "`unseen_label`: a label that the reference does not have; `beyond_range`: a number "
            "outside of its range; `not_one_of_group`: none or several of 0/1 columns are set of "
            "which exactly one was; `constant`: a column that varied has one value."
        ),
    ]
    is_fault: Annotated[bool, doc("Whether it is more than the policy lets pass.")]
    requests: Annotated[Count, doc("Requests with it in the longest window, at least.")]
    requests_since: Annotated[Count, doc("Requests with it since `since`, at least.")]
    since: Annotated[Instant, doc("Start of the first hour that had it. RFC 3339, UTC.")]
    labels: Annotated[
        tuple[UntrainedLabel, ...] | None, doc("The most frequent labels, 20 at most.")
    ] = None
    smallest: Annotated[float | None, doc("The smallest number below the range.")] = None
    largest: Annotated[float | None, doc("The largest number above the range.")] = None


class Untrained(Part, frozen=True, kw_only=True):
    """Requests of the longest window that carry what the model was not trained on."""

    requests: Annotated[Count, doc("All requests of the window.")]
    at_least: Annotated[
        Count,
        doc(
            "How many carry any of it, at least: columns are counted one by one, and it is not "
            "known which values were in one request."
        ),
    ]
    at_most: Annotated[Count, doc("How many do, at most.")]
    ratio: Annotated[Ratio, doc("`atLeast` of all. A ratio, 0 to 1.")]
    per_minute: Annotated[NotNegative, doc("`atLeast` a minute of the hours that brought rows.")]
    features: Annotated[
        tuple[UntrainedFeature, ...] | None, doc("Each feature, faults first; 50 at most.")
    ] = None


class DriftReference(Part, frozen=True, kw_only=True):
    """What the log is held against."""

    dataset: Annotated[str, doc("The dataset that the model version was trained on.")]
    version: Annotated[str | None, doc("Its version.")] = None
    rows: Annotated[Count, doc("Its rows.")]


class AppliedDriftPolicy(Part, frozen=True, kw_only=True):
    """The limits that the finding was made with."""

    fewest_rows: Annotated[Count, doc("With fewer rows a window is not judged.")]
    false_share: Annotated[Ratio, doc("A larger `q` is no drift. 0 to 1.")]
    warning_psi: Annotated[NotNegative, doc("`psi` from which on it is a warning.")]
    critical_psi: Annotated[NotNegative, doc("`psi` from which on it is critical.")]
    warning_new: Annotated[Ratio, doc("`newShare` from which on it is a warning. 0 to 1.")]
    critical_new: Annotated[Ratio, doc("`newShare` from which on it is critical. 0 to 1.")]
    untrained_fewest: Annotated[Count, doc("So many untrained labels of a feature are a fault.")]
    untrained_share: Annotated[
        Ratio, doc("Proven share of requests beyond the range that is a fault. 0 to 1.")
    ]


class DriftFacet(Facet, frozen=True, kw_only=True):
    """Whether a deployment is asked what its model was trained on.

    It is on the inference log, version by version of the model that answered. Source: the
    log's rows and the dataset version that the model was trained on.
    """

    key = "lineageBridge_drift"
    schema = "LineageBridgeDriftDatasetFacet"
    released = "0.2.0"

    status: Annotated[
        Literal["judged", "insufficient_data", "nothing_to_compare"],
        doc("Of the longest window that was judged; else of the longest."),
    ]
    severity: Annotated[Severity, doc("The worst of all windows.")]
    evaluated_at: Annotated[
        Instant, doc("The end of the newest hour that was judged. RFC 3339, UTC.")
    ]
    service: Annotated[str, doc("The service, as the log or its deployment names it.")]
    environment: Annotated[str, doc("The environment.")]
    deployment: Annotated[str, doc("The deployment: the slot.")]
    model: Annotated[str, doc("The model that answered, as the log names it.")]
    model_version: Annotated[str, doc("Its version.")]
    reference: Annotated[DriftReference, doc("What the log is held against.")]
    windows: Annotated[tuple[DriftWindow, ...], doc("Each window by itself, the shortest first.")]
    untrained: Annotated[Untrained, doc("What the model was not trained on, by count.")]
    first_row: Annotated[
        Instant, doc("Start of the first hour of this model version that is known. RFC 3339, UTC.")
    ]
    hours_known: Annotated[
        Count,
        doc(
            "Hours with rows that were known up to then; a home that knows fewer does not judge "
            "again."
        ),
    ]
    rows_known: Annotated[Count, doc("Rows of all of them.")]
    policy: Annotated[AppliedDriftPolicy, doc("The limits that it was made with.")]
