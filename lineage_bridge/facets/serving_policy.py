"""The policy for a deployment: the limits and waiting times of the serving-health rules.

Every number of the rules is here and nowhere else. A policy is part of each servingHealth facet, so
that a reader can judge again with the same numbers; a number that a facet leaves out has its
default. All durations are seconds, ratios are 0 to 1.
"""

from __future__ import annotations

from typing import Annotated

from lineage_bridge.facets.definition import Count, NotNegative, Part, doc


class ServingPolicy(Part, frozen=True, kw_only=True, omit_defaults=False, cache_hash=True):
    """Limits and waiting times; a deployment's own come from `lineage-bridge.toml`."""

    lookback_seconds: Annotated[
        NotNegative, doc("What is judged, back from the end of the newest window. Seconds.")
    ] = 900.0
    lookback_max_seconds: Annotated[
        NotNegative, doc("How far it is stretched where there are few requests. Seconds.")
    ] = 21_600.0
    lookback_min_requests: Annotated[Count, doc("It is stretched until it holds so many.")] = 10
    short_seconds: Annotated[
        NotNegative, doc("The shortest part of it in which a fault may show. Seconds.")
    ] = 300.0
    medium_seconds: Annotated[
        NotNegative, doc("The next one; the longest is the whole look-back. Seconds.")
    ] = 600.0
    min_bad: Annotated[Count, doc("A ratio of fewer bad ones is never raised.")] = 3
    confidence_z: Annotated[
        NotNegative, doc("Standard deviations of the Wilson bounds; 1.96 is 95 %.")
    ] = 1.96
    failure_degraded: Annotated[
        NotNegative,
        doc(
            "Share of requests that failed or timed out. Above it the deployment is "
            "degraded. A ratio, 0 to 1."
        ),
    ] = 0.05
    failure_unhealthy: Annotated[
        NotNegative,
        doc(
            "Share of requests that failed or timed out. Above it the deployment is "
            "unhealthy. A ratio, 0 to 1."
        ),
    ] = 0.25
    prediction_degraded: Annotated[
        NotNegative,
        doc(
            "Share of predictions that are unusable. Above it the deployment is degraded. "
            "A ratio, 0 to 1."
        ),
    ] = 0.01
    prediction_unhealthy: Annotated[
        NotNegative,
        doc(
            "Share of predictions that are unusable. Above it the deployment is "
            "unhealthy. A ratio, 0 to 1."
        ),
    ] = 0.25
    refusal_degraded: Annotated[
        NotNegative,
        doc(
            "Share of requests rejected, or answered by a fallback. Above it the "
            "deployment is degraded. A ratio, 0 to 1."
        ),
    ] = 0.05
    refusal_unhealthy: Annotated[
        NotNegative,
        doc(
            "Share of requests rejected, or answered by a fallback. Above it the "
            "deployment is unhealthy. A ratio, 0 to 1."
        ),
    ] = 0.50
    latency_p95_ms: Annotated[
        NotNegative, doc("5 % of the requests may be slower. Milliseconds.")
    ] = 500.0
    latency_p99_ms: Annotated[
        NotNegative, doc("1 % of the requests may be slower. Milliseconds.")
    ] = 1000.0
    clear_seconds: Annotated[NotNegative, doc("How long it must be good again. Seconds.")] = 300.0
    clear_min_requests: Annotated[Count, doc("Requests that this must be seen in.")] = 10
    relapse_seconds: Annotated[
        NotNegative,
        doc("What comes back sooner is cleared with this much patience. Seconds."),
    ] = 900.0
    window_seconds: Annotated[NotNegative, doc("The expected spacing of windows. Seconds.")] = 60.0
    gap_factor: Annotated[NotNegative, doc("Spacing beyond so many of them is a gap.")] = 2.0
    gap_max_missing: Annotated[
        Count, doc("Missing windows that are tolerated in the look-back.")
    ] = 3
    gap_max_seconds: Annotated[NotNegative, doc("Spacing that is tolerated. Seconds.")] = 300.0
    stop_seconds: Annotated[
        NotNegative, doc("After the last flush, how long a restart may take. Seconds.")
    ] = 120.0
    silent_seconds: Annotated[
        NotNegative, doc("Without a sign of life for longer, nothing is known. Seconds.")
    ] = 600.0
    start_seconds: Annotated[
        NotNegative, doc("After a start, how long the first request may take. Seconds.")
    ] = 600.0
    expects_traffic: Annotated[bool, doc("Being stopped or silent is a fault.")] = False


class AppliedPolicy(ServingPolicy, frozen=True, kw_only=True, omit_defaults=False):
    """The policy that a finding was made by, and how long that finding stands."""

    stands_seconds: Annotated[
        NotNegative,
        doc(
            "How long this word stands: while windows come the observer speaks again "
            "within that time, so until then silence is not judged. 0 at the end of a "
            "backfill, when everything was read. Seconds."
        ),
    ] = 0.0
