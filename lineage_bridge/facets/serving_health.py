"""`lineageBridge_servingHealth`: a deployment's health, with all facts that it was judged by."""

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
from lineage_bridge.facets.serving_policy import AppliedPolicy

Status: TypeAlias = Literal["healthy", "idle", "unknown", "degraded", "unhealthy"]
Level: TypeAlias = Literal["idle", "unknown", "degraded", "unhealthy"]


class Reason(Part, frozen=True, kw_only=True):
    """Why a status is not healthy.

    `value` and `threshold` are in the unit that the code names: `_ratio` 0 to 1, `_ms`
    milliseconds, `windows_missing` a count, all others seconds.
    """

    code: Annotated[
        str,
        doc(
            "What is wrong, such as `failure_ratio`, `latency_p95_ms`, "
            "`window_gap_seconds`, `no_traffic`. Source: the rules of serving health."
        ),
    ]
    level: Annotated[
        Level,
        doc("The status that this reason alone gives."),
    ]
    since: Annotated[
        Instant,
        doc(
            "Start of the first minute that was over the limit, of the gap, or of the "
            "silence; fixed until it is cleared. RFC 3339, UTC."
        ),
    ]
    value: Annotated[float | None, doc("What was found.")] = None
    threshold: Annotated[float | None, doc("What it is held against.")] = None
    lower: Annotated[
        float | None,
        doc(
            "What is certain of the value: the Wilson lower bound of a ratio, or for "
            "latency the share of requests that its percentiles prove slow. A ratio, 0 to "
            "1."
        ),
    ] = None
    endpoint: Annotated[
        str | None,
        doc("The endpoint it was found at; absent where it concerns the whole deployment."),
    ] = None


class Note(Part, frozen=True, kw_only=True):
    """What a reader should know, without effect on the status."""

    code: Annotated[
        str,
        doc(
            "`late_windows`: lines that came after their instant was judged; "
            "`inconsistent_windows`: lines whose numbers contradict each other; "
            "`insufficient_requests`: the look-back holds fewer than the policy asks for; "
            "`window_lost`: minutes that the service lost."
        ),
    ]
    value: Annotated[Count, doc("How many.")]
    endpoint: Annotated[str | None, doc("The endpoint, where it is of one.")] = None


class BadShare(Part, frozen=True, kw_only=True):
    """The share of requests or predictions that went wrong in one way."""

    code: Annotated[str, doc("Which share, by the code of its reason.")]
    value: Annotated[Ratio, doc("The share. A ratio, 0 to 1.")]
    lower: Annotated[Ratio, doc("Its Wilson lower bound, 95 %. A ratio, 0 to 1.")]
    upper: Annotated[Ratio, doc("Its Wilson upper bound, 95 %. A ratio, 0 to 1.")]
    count: Annotated[Count, doc("How many.")]
    of: Annotated[Count, doc("Of how many requests, or predictions.")]


class Endpoint(Part, frozen=True, kw_only=True):
    """One endpoint by itself, over its look-back."""

    endpoint: Annotated[str, doc("`endpoint_name` of its windows.")]
    status: Annotated[
        Status,
        doc("The worst of its reasons."),
    ]
    reasons: Annotated[tuple[Reason, ...], doc("All reasons, worst first.")]
    windows: Annotated[Count, doc("Windows in its look-back.")]
    requests: Annotated[Count, doc("Requests in its look-back.")]
    lookback_seconds: Annotated[
        NotNegative | None,
        doc("From the first minute that is held to the end of the newest window. Seconds."),
    ] = None
    newest_window_end: Annotated[Instant, doc("`window_end` of the newest window. RFC 3339, UTC.")]
    last_request: Annotated[
        Instant | None, doc("When the newest window with requests was written. RFC 3339, UTC.")
    ] = None
    ratios: Annotated[
        tuple[BadShare, ...] | None,
        doc("Shares of bad ones in the look-back, those that are not zero."),
    ] = None
    latency_p50_ms: Annotated[
        NotNegative | None,
        doc("`latency_p50_ms` of the newest minute, the worst of its windows. Milliseconds."),
    ] = None
    latency_p95_ms: Annotated[
        NotNegative | None,
        doc("`latency_p95_ms` of the newest minute, the worst of its windows. Milliseconds."),
    ] = None
    latency_p99_ms: Annotated[
        NotNegative | None,
        doc("`latency_p99_ms` of the newest minute, the worst of its windows. Milliseconds."),
    ] = None


class Totals(Part, frozen=True, kw_only=True):
    """Sums over the deployment's whole history, byte-identical lines once."""

    windows: Annotated[Count | None, doc("Distinct window lines that were read.")] = None
    requests: Annotated[Count | None, doc("Sum of `request_count`.")] = None
    successes: Annotated[Count | None, doc("Sum of `success_count`.")] = None
    failures: Annotated[Count | None, doc("Sum of `failure_count`.")] = None
    rejected: Annotated[Count | None, doc("Sum of `rejected_count`.")] = None
    timeouts: Annotated[Count | None, doc("Sum of `timeout_count`.")] = None
    predictions: Annotated[Count | None, doc("Sum of `prediction_count`.")] = None


class TotalsByVersion(Totals, frozen=True, kw_only=True):
    """The sums of one model version."""

    model: Annotated[str, doc("`model_name` of the windows.")]
    model_version: Annotated[str, doc("`model_version` of the windows.")]


class ServingHealthFacet(Facet, frozen=True, kw_only=True):
    """How a deployment is.

    It carries all facts that it was judged by, so that any reader can judge again at a later time.
    Source: the serving layer's metric windows and deployment events.
    """

    key = "lineageBridge_servingHealth"
    schema = "LineageBridgeServingHealthDatasetFacet"
    version = "1-0-1"
    released = "0.2.0"

    status: Annotated[
        Status,
        doc(
            "How the deployment is: the worst of its endpoints. Source: the rules of "
            "serving health, at `evaluatedAt`."
        ),
    ]
    reasons: Annotated[
        tuple[Reason, ...] | None, doc("All reasons of all endpoints, worst first.")
    ] = None
    notes: Annotated[
        tuple[Note, ...] | None,
        doc("What a reader should know and what has no effect on the status."),
    ] = None
    evaluated_at: Annotated[
        Instant,
        doc(
            "The instant that was judged: when the newest window was written "
            "(`heartbeat_emitted_at`). RFC 3339, UTC."
        ),
    ]
    service: Annotated[str | None, doc("`service_name` of the windows.")] = None
    environment: Annotated[
        str | None,
        doc("`environment` of the windows; in `batch` a deployment finishes where others stop."),
    ] = None
    deployment: Annotated[str | None, doc("`deployment_id` of the windows: the slot.")] = None
    model: Annotated[str | None, doc("`model_name` of the activation that was judged.")] = None
    model_version: Annotated[
        str | None, doc("`model_version` of the activation that was judged.")
    ] = None
    activation_started_at: Annotated[
        Instant | None,
        doc(
            "Start of the first instance of the activation; of the first window where no "
            "deployment event told of it. RFC 3339, UTC."
        ),
    ] = None
    lookback_seconds: Annotated[
        NotNegative | None, doc("The longest look-back of the endpoints. Seconds.")
    ] = None
    windows: Annotated[Count | None, doc("Windows in the look-backs.")] = None
    endpoints: Annotated[tuple[Endpoint, ...] | None, doc("Each endpoint by itself, by name.")] = (
        None
    )
    totals: Annotated[
        Totals | None, doc("Sums over the deployment's whole history, byte-identical lines once.")
    ] = None
    totals_by_version: Annotated[
        tuple[TotalsByVersion, ...] | None, doc("The same sums by the model version that answered.")
    ] = None
    starts: Annotated[
        Count | None, doc("Instances that started in this activation, by deployment events.")
    ] = None
    flushes: Annotated[
        Count | None, doc("Windows written before their end, at a shutdown, in this activation.")
    ] = None
    instances_running: Annotated[
        Count | None, doc("Instances that started and did not flush since.")
    ] = None
    last_sign_of_life: Annotated[
        Instant | None, doc("The newest of heartbeat and start. RFC 3339, UTC.")
    ] = None
    last_start: Annotated[
        Instant | None, doc("The newest start in this activation. RFC 3339, UTC.")
    ] = None
    last_flush: Annotated[
        Instant | None, doc("The newest flush in this activation. RFC 3339, UTC.")
    ] = None
    last_heartbeat: Annotated[
        Instant | None, doc("When the newest window was written. RFC 3339, UTC.")
    ] = None
    newest_window_end: Annotated[Instant | None, doc("The newest `window_end`. RFC 3339, UTC.")] = (
        None
    )
    policy: Annotated[
        AppliedPolicy | None, doc("What the deployment was held to; a reader judges again by it.")
    ] = None
