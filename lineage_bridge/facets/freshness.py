"""`lineageBridge_freshness`: how old a dataset is, by its build and by its data."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from lineage_bridge.facets.definition import (
    Facet,
    Instant,
    NotNegative,
    doc,
)

FreshnessStatus: TypeAlias = Literal["FRESH", "LATE", "STALE", "UNKNOWN"]
Clock: TypeAlias = Literal["build", "mtime", "data"]


class FreshnessFacet(Facet, frozen=True, kw_only=True):
    """How old a dataset is by the time it was built and by the newest event in it.

    It carries the limits that were applied, so that any reader can judge again at a later time.
    """

    key = "lineageBridge_freshness"
    schema = "LineageBridgeFreshnessDatasetFacet"

    status: Annotated[
        FreshnessStatus,
        doc("The worse of the two clocks; UNKNOWN without a time, or with one in the future."),
    ]
    basis: Annotated[
        Clock | None,
        doc(
            "The clock that decided: `build`, `mtime` (the file's own time in place of a "
            "missing build time), or `data`; absent where there is no time."
        ),
    ] = None
    build_time: Annotated[
        Instant | None,
        doc(
            "When the dataset was written. Source: the artifact's own stamp, else the "
            "file's time. RFC 3339, UTC."
        ),
    ] = None
    build_time_is_mtime: Annotated[
        bool | None,
        doc("The build time is the file's own, because the artifact has none; absent otherwise."),
    ] = None
    data_time: Annotated[
        Instant | None,
        doc("The newest event in the dataset. Source: the artifact's metadata. RFC 3339, UTC."),
    ] = None
    build_age_seconds: Annotated[
        NotNegative | None,
        doc("From the build time to `evaluatedAt`; absent if that lies in the future. Seconds."),
    ] = None
    data_age_seconds: Annotated[
        NotNegative | None,
        doc("From the data time to `evaluatedAt`; absent if that lies in the future. Seconds."),
    ] = None
    clock_skew_seconds: Annotated[
        NotNegative | None,
        doc("How far the later of the two times lies in the future; absent if none does. Seconds."),
    ] = None
    warn_seconds: Annotated[
        NotNegative | None, doc("From this age on it is LATE. Source: the policy. Seconds.")
    ] = None
    error_seconds: Annotated[
        NotNegative | None, doc("From this age on it is STALE. Source: the policy. Seconds.")
    ] = None
    evaluated_at: Annotated[
        Instant,
        doc("The instant that was judged: on a build's event the build itself. RFC 3339, UTC."),
    ]
