"""The envelope of any producer's event: the facts that the journal stores beside its body.

Source of the shape: OpenLineage spec, core schema 2-0-2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson

from lineage_bridge.errors import EventError
from lineage_bridge.events.event_time import parse_micros
from lineage_bridge.events.loose import as_object, as_text, text_of
from lineage_bridge.facets.event import EventFacet
from lineage_bridge.times import within_range

_HUGE = 2**63  # a larger integer cannot be encoded again

_JOB = {"job": ("namespace", "name")}
_NAMES: Mapping[str, Mapping[str, tuple[str, ...]]] = {  # by kind: member -> its keys
    "run": {"run": ("runId",), **_JOB},
    "job": _JOB,
    "dataset": {"dataset": ("namespace", "name")},
}


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it goes into the journal.

    Attributes:
        body: the event as JSON, as it was built or received.
        kind: `run`, `dataset` or `job`.
        time_us: eventTime in microseconds since the epoch, within the range of `times`.
        id: `lineageBridge_event.id`, None for an event of another producer.
    """

    body: bytes
    kind: str
    time_us: int
    id: str | None = None


def event_of(document: Mapping[str, Any], body: bytes) -> Event:
    """Make the envelope of any producer's event from its decoded document and its body.

    Raises:
        EventError: it has no usable `eventTime`.
    """
    return Event(body, kind_of(document), _time_us(document), event_id_of(document))


def check_names(document: Mapping[str, Any]) -> None:
    """Check that an event names what it tells of; without that nobody could use it.

    A dataset event may go without its dataset, since a Marquez takes that one.

    Raises:
        EventError: a name is missing, or is an object or an array.
    """
    kind = kind_of(document)
    if kind == "dataset" and document.get("dataset") is None:
        return
    for member, keys in _NAMES[kind].items():
        value = document.get(member)
        for key in keys:
            if not isinstance(value, dict) or text_of(value.get(key)) is None:
                raise EventError(f"{kind} events must have it, as a text", path=f"{member}.{key}")


def decode(body: bytes) -> dict[str, Any]:
    """Decode an event.

    Raises:
        EventError: it is no JSON object.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        document = _decode_widely(body, exc)
    if not isinstance(document, dict):
        raise EventError("the event must be a JSON object")
    return document


def _decode_widely(body: bytes, error: orjson.JSONDecodeError) -> Any:
    """Decode what has integers that no double holds, which a Marquez takes: as texts."""
    try:
        return _with_texts(msgspec.json.decode(body))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        reason = f"{error.msg}, at character {error.pos + 1}"
        raise EventError(f"the event is not JSON: {reason}") from error


def _with_texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_texts(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_with_texts(item) for item in value]
    return str(value) if isinstance(value, int) and abs(value) >= _HUGE else value


def kind_of(document: Mapping[str, Any]) -> str:
    """Return `run`, `dataset` or `job`, by the last part of `schemaURL`, as Marquez does."""
    url = document.get("schemaURL")
    last = url.rsplit("/", 1)[-1] if isinstance(url, str) and "/" in url else ""
    return {"DatasetEvent": "dataset", "JobEvent": "job"}.get(last, "run")


def event_id_of(document: Mapping[str, Any]) -> str | None:
    """Return the id of an event of ours, None for any other event."""
    run_facets = as_object(as_object(document.get("run")).get("facets"))
    return as_text(as_object(run_facets.get(EventFacet.key)).get("id"))


def _time_us(document: Mapping[str, Any]) -> int:
    try:
        return within_range(parse_micros(document.get("eventTime")))
    except ValueError as exc:
        raise EventError(str(exc), path="eventTime") from exc
