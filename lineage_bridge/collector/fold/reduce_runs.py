"""Runs: their state, times, arguments and facets, taken from events.

Better than in Marquez: the state, and the times of start and end, follow event time (see `course`).
Everything else (creation, last update, arguments, names) is that of the first or last arrival, as
in Marquez.

Source: `RunDao.upsert`, `RunArgsDao`, `RunFacetsDao`, `JobFacetsDao`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from lineage_bridge.collector.dialect import instants, merging, typed
from lineage_bridge.collector.dialect.java import text
from lineage_bridge.collector.fold.course import Course, run_state
from lineage_bridge.collector.rows import shared
from lineage_bridge.collector.rows.context import Context, refuse
from lineage_bridge.events import event_time
from lineage_bridge.events.run_ids import run_uuid
from lineage_bridge.marquez_limits import MAX_FACET_NAME

_SPARK_PLAN = "spark.logicalPlan"
_DROPPED = "spark_unknown"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_decode_raw = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


@dataclass(slots=True)
class Run:
    """The run of an event that is being applied.

    Attributes:
        id: its row.
        uuid: its id in the API.
        state: the state that this event's type gives; None if the event has no type.
        is_late: newer events of the run, or its end, were applied before this one.
        is_over: the newest event that decides is a terminal one.
        job_facets: the job facets of all its events, as they are stored.
    """

    id: int
    uuid: str
    state: str | None
    is_late: bool
    is_over: bool
    job_facets: bytes | None = None


def take(context: Context, event: Mapping[str, Any], job: int) -> Run:
    """Upsert the run of an event, with its facets and those of its job."""
    run = event["run"]
    return _upsert(
        context,
        uuid=run_uuid(text(run["runId"]) or ""),
        job=job,
        event_type=text(event.get("eventType")),
        args=lambda: _args(run, typed.parent_facet(event)),
        facets=typed.stored_facets(run, typed.RUN_FACETS, context.may_have_nulls),
        job_facets=typed.stored_facets(event["job"], typed.JOB_FACETS, context.may_have_nulls),
    )


def check(event: Mapping[str, Any]) -> None:
    """Refuse parts of an event that Marquez cannot store, after it has stored the run.

    Raises:
        RefusedEventError: facets of a run without an event type, or over-long names of facets.
    """
    run_facets = event["run"].get("facets")
    if event.get("eventType") is None and run_facets is not None:
        raise refuse("eventType must not be null where a run has facets")
    for name in (*(run_facets or ()), *(event["job"].get("facets") or ())):
        if len(name) > MAX_FACET_NAME:
            raise refuse(f"a facet's name must not be longer than {MAX_FACET_NAME} characters")


def take_parent(
    context: Context, uuid: str, job: int, event: Mapping[str, Any], nominal: tuple[Any, Any]
) -> Run:
    """Upsert the run that a child's parent facet names; it gets the state of the child's event."""
    run = _upsert(
        context,
        uuid=uuid,
        job=job,
        event_type=text(event.get("eventType")),
        args=dict,
        facets={},
        job_facets={},
    )
    context.connection.execute(
        "UPDATE mq_runs SET nominal_start_us = coalesce(?, nominal_start_us),"
        " nominal_end_us = coalesce(?, nominal_end_us) WHERE id = ?",
        (*(None if time is None else _micros(time) for time in nominal), run.id),
    )
    return run


def _micros(time: Any) -> int:
    return event_time.parse_micros(time)


def _args(run: Mapping[str, Any], parent: Mapping[str, Any] | None) -> dict[str, str]:
    args = {}
    nominal = (run.get("facets") or {}).get("nominalTime") or {}
    for name, member in (
        ("nominal_start_time", "nominalStartTime"),
        ("nominal_end_time", "nominalEndTime"),
    ):
        if nominal.get(member) is not None:
            args[name] = instants.format_zoned(event_time.parse_nanos(nominal[member]))
    if parent is not None:
        args["run_id"] = text(parent["run"]["runId"]) or ""
        args["name"] = text(parent["job"]["name"]) or ""
        args["namespace"] = text(parent["job"]["namespace"]) or ""
    return args


def _upsert(
    context: Context,
    *,
    uuid: str,
    job: int,
    event_type: str | None,
    args: Any,
    facets: dict[str, Any],
    job_facets: dict[str, Any],
) -> Run:
    row = context.connection.execute(_SELECT, (uuid,)).fetchone()
    run_id, held_job_facets, held_facets, held_large, times, *told = row or _NEW
    held = now = Course(*told)
    if event_type is not None:
        now = held.after(event_type, context.at_us)
    shown, large, times = _merged_apart(
        context, held_facets, held_large, times, facets if event_type is not None else {}
    )
    values = {
        **now._asdict(),
        "latest_us": now.latest_us,
        "started_us": now.started_us,
        "facets": shown,
        "large": large,
        "times": times,
        "job_facets": _merged(context, held_job_facets, job_facets),
        "updated": context.at_us,
    }
    if run_id is None:
        run_id = context.connection.execute(
            _INSERT, {**values, "uuid": uuid, "job": job, "args": _encode(args()).decode()}
        ).lastrowid
    else:
        context.connection.execute(_UPDATE, {**values, "id": run_id})
    return Run(
        int(run_id or 0),
        uuid,
        run_state(event_type),
        is_late=event_type is not None and held.is_past(event_type, context.at_us),
        is_over=now.is_over,
        job_facets=values["job_facets"],
    )


_SELECT = (
    "SELECT id, job_facets, facets, large_facets, facet_times, state, state_us, start_us, heard_us,"
    " ended_us FROM mq_runs WHERE uuid = ?"
)
_NEW = (None, None, "{}", None, "{}")
_INSERT = (
    "INSERT INTO mq_runs (uuid, job, created_us, updated_us, state, state_us, latest_us,"
    " started_us, start_us, heard_us, ended_us, args, facets, large_facets, facet_times,"
    " job_facets) VALUES (:uuid, :job, :updated, :updated, :state, :state_us, :latest_us,"
    " :started_us, :start_us, :heard_us, :ended_us, :args, :facets, :large, :times, :job_facets)"
)
_UPDATE = (
    "UPDATE mq_runs SET updated_us = :updated, state = :state, state_us = :state_us,"
    " latest_us = :latest_us, started_us = :started_us, start_us = :start_us,"
    " heard_us = :heard_us, ended_us = :ended_us, facets = :facets, large_facets = :large,"
    " facet_times = :times, job_facets = :job_facets WHERE id = :id"
)


def _merged_apart(
    context: Context, stored: str, stored_large: str | None, times: str, facets: dict[str, Any]
) -> tuple[str, str | None, str]:
    """Merge the facets of a run: those as they are shown, the numbers of large ones, the times."""
    kept = _kept(facets)
    if not kept:
        return stored, stored_large, times
    values, large, at = _decode_raw(stored), _decode(stored_large or "{}"), _decode(times)
    if _SPARK_PLAN in at:
        kept.pop(_SPARK_PLAN, None)
    for name, value in shared.hold(context.connection, kept).items():
        if at.get(name, context.at_us) <= context.at_us:
            at[name] = context.at_us
            values.pop(name, None)
            large.pop(name, None)
            (large if value.is_shared else values)[name] = value.json
    return (
        _encode(values).decode(),
        _encode(large).decode() if large else None,
        _encode(at).decode(),
    )


def _merged(context: Context, stored: bytes | None, facets: dict[str, Any]) -> bytes | None:
    kept = _kept(facets)
    if not kept:
        return stored
    merged = merging.load(stored)
    merging.put(merged, shared.hold(context.connection, kept), context.at_us)
    return merging.dump(merged)


def _kept(facets: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in facets.items()
        if name != _DROPPED and len(name) <= MAX_FACET_NAME
    }
