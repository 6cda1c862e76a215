"""OpenLineage events: build ours, decode anybody's.

Every event of ours carries the run facet `lineageBridge_event` whose `id` is a hash over what the
event says: type, time, job, run, datasets with their versions, and our facts. Paths, lines,
evidence, producers and schema URLs are no part of it, so a resend, a second backfill (from another
folder too) and a second bridge make the same id, and the journal keeps one.

Source of the shape: OpenLineage spec, core schema 2-0-2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import orjson

from lineage_bridge import facets
from lineage_bridge.errors import EventError
from lineage_bridge.times import format_time, parse_time, to_micros

RUN_EVENT_URL = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
ID_DIGITS = 32

EventType = Literal["START", "RUNNING", "COMPLETE", "FAIL", "ABORT", "OTHER"]

# Members that say where something was found, not what it is: no part of an event's identity.
_UNHASHED = frozenset({"_producer", "_schemaURL", "location"})


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it goes into the journal.

    Attributes:
        body: the event as JSON, as it is or came on the wire.
        kind: `run`, `dataset` or `job`.
        time_us: eventTime in microseconds since the epoch.
        id: `lineageBridge_event.id`, None for an event of another producer.
    """

    body: bytes
    kind: str
    time_us: int
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset of an event. `version` becomes the standard `version` facet.

    `facets` go under `facets`, `io_facets` under `inputFacets` or `outputFacets`.
    """

    namespace: str
    name: str
    version: str | None = None
    facets: Mapping[str, Any] = field(default_factory=dict)
    io_facets: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Job:
    """A job of an event, with its facets."""

    namespace: str
    name: str
    facets: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where an event comes from: of no influence on its id.

    Attributes:
        path: the artifact, relative to the folder that was named.
        sha256: of the artifact's bytes, or None where the file was not read whole.
        line: in the artifact, counted from 1.
        links: how each identity was found: `{"dataset", "method", "confidence", "evidence"}`.
    """

    path: str | None = None
    sha256: str | None = None
    line: int | None = None
    links: Sequence[Mapping[str, Any]] = ()


def run_event(
    event_type: EventType,
    time: datetime,
    job: Job,
    run_id: str,
    *,
    inputs: Sequence[Dataset] = (),
    outputs: Sequence[Dataset] = (),
    run_facets: Mapping[str, Any] | None = None,
    evidence: Evidence | None = None,
    supersedes: str | None = None,
) -> Event:
    """Build a RunEvent of ours; inputs and outputs must be complete on every event of a run.

    Args:
        event_type: as in the spec.
        time: aware; written in UTC.
        job: the job with its facets.
        run_id: a dashed lower-case UUID.
        inputs: all datasets that the run reads.
        outputs: all datasets that the run writes.
        run_facets: besides `lineageBridge_event`, which is added.
        evidence: where it comes from.
        supersedes: the id of an event whose place this one takes.
    """
    body: dict[str, Any] = {
        "eventType": event_type,
        "eventTime": format_time(time),
        "run": {"runId": run_id, "facets": dict(run_facets or {})},
        "job": {"namespace": job.namespace, "name": job.name, "facets": dict(job.facets)},
        "inputs": [_dataset(d, "inputFacets") for d in inputs],
        "outputs": [_dataset(d, "outputFacets") for d in outputs],
        "producer": facets.PRODUCER,
        "schemaURL": RUN_EVENT_URL,
    }
    event_id = compute_id(body, supersedes)
    where = evidence or Evidence()
    body["run"]["facets"][facets.EVENT] = facets.facet(
        facets.EVENT,
        {
            "id": event_id,
            "artifact": {"path": where.path, "sha256": where.sha256, "line": where.line}
            if where.path is not None
            else None,
            "links": list(where.links) or None,
            "supersedes": supersedes,
        },
    )
    return Event(orjson.dumps(body), "run", to_micros(time), event_id)


def _dataset(dataset: Dataset, io_key: str) -> dict[str, Any]:
    body: dict[str, Any] = {"namespace": dataset.namespace, "name": dataset.name}
    own = dict(dataset.facets)
    if dataset.version is not None:
        own["version"] = facets.facet("version", {"datasetVersion": dataset.version})
    if own:
        body["facets"] = own
    if dataset.io_facets:
        body[io_key] = dict(dataset.io_facets)
    return body


def compute_id(body: Mapping[str, Any], supersedes: str | None) -> str:
    """The id of an event of ours, from what it says; `lineageBridge_event` itself is left out."""
    said = [
        body["eventType"],
        body["eventTime"],
        body["job"]["namespace"],
        body["job"]["name"],
        body["run"]["runId"],
        [_said_of(d) for d in body["inputs"]],
        [_said_of(d) for d in body["outputs"]],
        _facts(body["run"]["facets"]),
        supersedes,
    ]
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()[:ID_DIGITS]


def _said_of(dataset: Mapping[str, Any]) -> list[Any]:
    own = dataset.get("facets", {})
    version = own.get("version", {}).get("datasetVersion")
    return [dataset["namespace"], dataset["name"], version, _facts(own)]


def _facts(own: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: {k: v for k, v in value.items() if k not in _UNHASHED}
        for key, value in own.items()
        if key.startswith("lineageBridge_") and key != facets.EVENT
    }


def event_of(document: Mapping[str, Any], body: bytes) -> Event:
    """Wrap a decoded event of anybody: what the journal must know of it.

    Raises:
        EventError: it has no usable `eventTime`.
    """
    return Event(body, kind_of(document), to_micros(_event_time(document)), event_id_of(document))


def decode(body: bytes) -> dict[str, Any]:
    """Decode an event.

    Raises:
        EventError: it is no JSON object.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        raise EventError(f"the event is not JSON: {exc}") from exc
    if not isinstance(document, dict):
        raise EventError("the event must be a JSON object")
    return document


def kind_of(document: Mapping[str, Any]) -> str:
    """`run`, `dataset` or `job`, by the last part of `schemaURL` as Marquez does."""
    url = document.get("schemaURL")
    last = url.rsplit("/", 1)[-1] if isinstance(url, str) and "/" in url else ""
    return {"DatasetEvent": "dataset", "JobEvent": "job"}.get(last, "run")


def event_id_of(document: Mapping[str, Any]) -> str | None:
    """The id of an event of ours, else None."""
    event_id = ours(document).get("id")
    return event_id if isinstance(event_id, str) and event_id else None


def ours(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The `lineageBridge_event` facet of an event, empty if it is not one of ours."""
    run = document.get("run")
    run_facets = run.get("facets") if isinstance(run, dict) else None
    own = run_facets.get(facets.EVENT) if isinstance(run_facets, dict) else None
    return own if isinstance(own, dict) else {}


def _event_time(document: Mapping[str, Any]) -> datetime:
    text = document.get("eventTime")
    if not isinstance(text, str):
        raise EventError("expected an RFC 3339 time", path="eventTime")
    try:
        return parse_time(text)[0]
    except ValueError as exc:
        raise EventError(f"{exc}, got `{text}`", path="eventTime") from exc
