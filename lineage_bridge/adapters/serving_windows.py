"""P5's metric windows (JSONL, schema v1): one line -> a window, many windows -> a finding's event.

They are many (25,000 lines a second), so they are decoded by msgspec instead of pydantic, and only
a short tuple of each is kept. Nothing is coerced: a digit string is no number, an epoch is no time,
a time without a zone is no instant.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec

from lineage_bridge import naming
from lineage_bridge.adapters.serving_window_errors import explain
from lineage_bridge.assess.assertions import Assertion, assertions_facet
from lineage_bridge.assess.lookback import NOTHING_BAD, WindowFacts
from lineage_bridge.errors import ArtifactError
from lineage_bridge.events import Dataset, Event, Job, run_event
from lineage_bridge.facets.serving_health import ServingHealthFacet
from lineage_bridge.masking import masked
from lineage_bridge.records.descriptions import described_dataset, described_job, spoken
from lineage_bridge.records.identity import job_type
from lineage_bridge.times import format_time, parse_time, to_micros

if TYPE_CHECKING:
    from lineage_bridge.assess.checks.windows import Numbers

MAX_NAME_CHARACTERS: Final = 10_000
MAX_SKEW_US: Final = 24 * 3600 * 1_000_000
MAX_COUNT: Final = 10**12  # no window holds more; sums of many stay within 64 bits

Count = Annotated[int, msgspec.Meta(ge=0, le=MAX_COUNT)]
Millis = Annotated[float, msgspec.Meta(ge=0)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME_CHARACTERS)]


class Window(msgspec.Struct, gc=False):
    """A line as it is written. Fields that are not named here are accepted and ignored."""

    schema_version: Literal["v1"]
    window_start: str
    window_end: str
    service_name: Text
    service_version: Text
    environment: Text
    deployment_id: Text
    model_name: Text
    model_version: Text
    bundle_id: Text
    input_dataset_name: Text
    input_dataset_version: Text
    endpoint_name: Text
    request_count: Count
    success_count: Count
    failure_count: Count
    rejected_count: Count
    timeout_count: Count
    latency_p50_ms: Millis
    latency_p95_ms: Millis
    latency_p99_ms: Millis
    validation_error_count: Count
    feature_lookup_error_count: Count
    model_load_error_count: Count
    inference_runtime_error_count: Count
    dependency_error_count: Count
    internal_error_count: Count
    input_schema_failure_count: Count
    missing_required_field_count: Count
    invalid_type_count: Count
    domain_violation_count: Count
    prediction_count: Count
    prediction_null_count: Count
    prediction_non_finite_count: Count
    prediction_out_of_range_count: Count
    fallback_prediction_count: Count
    feature_lookup_p95_ms: Millis | None = None
    model_exec_p95_ms: Millis | None = None
    missing_feature_count: Count | None = None
    default_imputed_feature_count: Count | None = None
    stale_feature_count: Count | None = None
    feature_vector_build_failure_count: Count | None = None
    heartbeat_emitted_at: str | None = None


# Counters that a service may never fill: one that was 0 or absent in all windows sees nothing.
COUNTERS: Final = tuple(
    name
    for name in Window.__struct_fields__
    if name.endswith("_count") or name in {"feature_lookup_p95_ms", "model_exec_p95_ms"}
)
_NAMED: Final = (
    "service_name",
    "environment",
    "deployment_id",
    "endpoint_name",
    "model_name",
    "model_version",
)
_NODE_NAMES: Final = frozenset({"service_name", "environment", "deployment_id", "model_name"})
_names: Final = attrgetter(*_NAMED)
_BAD: Final = attrgetter(
    "failure_count",
    "timeout_count",
    "prediction_non_finite_count",
    "prediction_null_count",
    "prediction_out_of_range_count",
    "fallback_prediction_count",
    "rejected_count",
)
_decode = msgspec.json.Decoder(Window).decode

Names = tuple[str, str, str, str, str, str]  # the values of `_NAMED`


def read_window(line: bytes) -> Window:
    """Read one line.

    Raises:
        ArtifactError: the line is no window of schema v1; names the field and its value.
    """
    try:
        return _decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise explain(line, exc) from exc


def names_of(window: Window) -> Names:
    """Return a window's six names; many windows share them, so they are checked only once."""
    names: Names = _names(window)
    return names


def check_names(names: Names) -> None:
    """Refuse names of blanks only, and `unknown` where it would name a node.

    Raises:
        ArtifactError: a name is refused.
    """
    for field, name in zip(_NAMED, names, strict=True):
        if not name.strip():
            raise ArtifactError("expected a name, found only blanks", field=field)
        if field in _NODE_NAMES and naming.known(name) is None:
            raise ArtifactError("expected a name, which `unknown` is not", field=field)


def judged_facts(window: Window) -> tuple[WindowFacts, int]:
    """Return a window's facts to judge, and the instant (microseconds) at which it became known.

    The instant is when it was written (`heartbeat_emitted_at`), or its end if that time is absent
    or impossible (before the window began). A window written before its end is one of a shutdown.

    Raises:
        ArtifactError: a time is no instant, or the times contradict each other.
    """
    start_us = _instant_us(window.window_start, "window_start")
    end_us = _instant_us(window.window_end, "window_end")
    if end_us <= start_us:
        raise ArtifactError(
            f"expected a time after window_start ({window.window_start}), "
            f"found `{window.window_end}`",
            field="window_end",
        )
    written = window.heartbeat_emitted_at
    written_us = end_us if written is None else _instant_us(written, "heartbeat_emitted_at")
    if written_us < start_us - MAX_SKEW_US:
        raise ArtifactError(
            f"expected a time after window_start ({window.window_start}), found `{written}`; "
            "one of the two clocks is wrong by over a day",
            field="heartbeat_emitted_at",
        )
    if written_us < start_us:
        written_us = end_us
    return (
        WindowFacts(
            start_us,
            end_us,
            window.request_count,
            window.prediction_count,
            _bad_of(window),
            window.latency_p50_ms,
            window.latency_p95_ms,
            window.latency_p99_ms,
            written_us < end_us,
        ),
        written_us,
    )


def numbers_of(window: Window) -> Numbers:
    """Return the numbers of a window as they are, also where they contradict each other.

    Raises:
        ArtifactError: a time is no instant.
    """
    from lineage_bridge.assess.checks.windows import Numbers  # with all of checks comes numpy

    written = window.heartbeat_emitted_at
    return Numbers(
        _instant_us(window.window_start, "window_start"),
        _instant_us(window.window_end, "window_end"),
        None if written is None else _instant_us(written, "heartbeat_emitted_at"),
        window.request_count,
        window.success_count,
        window.failure_count,
        window.rejected_count,
        window.timeout_count,
        window.prediction_count,
        window.latency_p50_ms,
        window.latency_p95_ms,
        window.latency_p99_ms,
    )


def _bad_of(window: Window) -> tuple[int, ...]:
    bad = _BAD(window)
    if not any(bad):
        return NOTHING_BAD
    failures, timeouts, non_finite, nulls, *others = bad
    # A timeout is counted as a failure too, a NaN both as null and as non-finite: once is enough.
    return (max(0, failures - timeouts), timeouts, non_finite, max(0, nulls - non_finite), *others)


@lru_cache(maxsize=8192)
def _zoned_us(text: str) -> int:
    instant, zoned = parse_time(text)
    if not zoned:
        raise ValueError("expected a time with its zone, such as 2026-04-07T10:30:00Z")
    return to_micros(instant)


def _instant_us(text: str, field: str) -> int:
    try:
        return _zoned_us(text)  # most windows of a minute spell the same times
    except ValueError as exc:
        raise ArtifactError(f"{exc}, found `{masked(text)[:80]}`", field=field) from exc


def is_inconsistent(window: Window) -> bool:
    """Return whether a window's numbers contradict each other; it is read all the same."""
    answered = window.success_count + window.failure_count + window.rejected_count
    return (
        answered > window.request_count
        or window.prediction_count > window.request_count
        or not window.latency_p50_ms <= window.latency_p95_ms <= window.latency_p99_ms
    )


@lru_cache(maxsize=8192)
def _predictions(slot: naming.Slot) -> str:
    return slot.predictions


def observer_job(namespace: str, slot: naming.Slot) -> Job:
    """Return the job that reads a deployment's predictions and reports its health."""
    sentence = f"Judges {spoken(slot)} by what its windows say; a run is one finding."
    own = {**job_type("OBSERVER"), **described_job(sentence)}
    return Job(namespace, naming.observe_job(_predictions(slot)), own)


def window_event(
    facet: ServingHealthFacet,
    assertions: Iterable[Assertion],
    at: datetime,
    *,
    job: Job,
    slot: naming.Slot,
    supersedes: str | None = None,
) -> Event:
    """Make the event of a finding: a short observer run that only reads the predictions."""
    name = _predictions(slot)
    predictions = Dataset(
        job.namespace,
        name,
        f"{facet.model}/{facet.model_version}",
        {**described_dataset(job.namespace, name), ServingHealthFacet.key: facet.as_json()},
        assertions_facet(assertions),
    )
    run_id = naming.run_uuid(job.namespace, job.name, format_time(at))
    return run_event("COMPLETE", at, job, run_id, inputs=[predictions], supersedes=supersedes)
