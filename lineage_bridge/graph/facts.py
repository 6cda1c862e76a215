"""What one event says, as facts that merge in any order: the pure half of the fold.

Every fact belongs to the event that says it, under an identity that does not depend on arrival: the
id of an event of ours, a hash of the canonical body of anybody else's. `place` orders events by
event time, writers before readers, state, run id, identity; it compares as bytes, so SQLite can
take the newest.

Events of other producers are read with no trust in their shape: a part that is not as the spec says
is as if it were not there, and an event without a job or run says nothing.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import orjson

from lineage_bridge import events, facets
from lineage_bridge.errors import EventError
from lineage_bridge.journal import Stored

# A state that ends a run wins a tie in time. OTHER says something of a run without changing it.
STATE_RANKS = {"OTHER": 0, "START": 1, "RUNNING": 2, "COMPLETE": 3, "ABORT": 4, "FAIL": 5}
_RANKS = 8  # a power of two, so that a turn of the year 9999 is an integer of SQLite
OBSERVER = "observe."  # how the name of a job begins that only looks at datasets
# Some producers put whole query plans into a run facet: those stay in the journal alone.
MAX_RUN_FACET_BYTES = 32_768

_STATES = {rank: state for state, rank in STATE_RANKS.items()}
_SIGN = 1 << 63  # makes times before 1970 sort first as unsigned integers
_PLACE = struct.Struct(">QBB")

Role = Literal["input", "output", "stated", "named"]


class NodeName(NamedTuple):
    """The three parts of a node's identity."""

    kind: str
    namespace: str
    name: str

    @property
    def id(self) -> str:
        """The node id, as Marquez writes it."""
        return f"{self.kind}:{self.namespace}:{self.name}"


class Mention(NamedTuple):
    """A dataset in an event.

    Attributes:
        role: `input` or `output` of a run; `stated` by a dataset event; `named` by a job event.
        version: of the standard `version` facet, empty where there is none.
        method: how the identity was found, None where the producer named it itself.
        feedback: the edge was declared to close a loop.
    """

    role: Role
    node: NodeName
    version: str
    method: str | None
    confidence: float | None
    feedback: bool


class Said(NamedTuple):
    """A facet of a job or dataset; `value` is JSON, None where the producer deleted the facet."""

    node: NodeName
    version: str
    key: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the graph takes from one event.

    Attributes:
        identity: of the event, independent of arrival.
        supersedes: the identity of the event whose facts no longer hold.
        place: the event's position in the order of all events.
        job: None for a dataset event.
        run: the run id, None for a job or dataset event.
        state: the event type, `OTHER` where there is none.
        streaming: the job says that it reads live.
        mentions: the datasets, each once per role and version.
        said: facets of the job and the datasets, each key once for a node and version; of two
            versions of a dataset the later one holds for the dataset.
        run_facets: key and JSON.
    """

    identity: str
    supersedes: str | None
    place: bytes
    job: NodeName | None
    run: str | None
    state: str
    streaming: bool
    mentions: tuple[Mention, ...]
    said: tuple[Said, ...]
    run_facets: tuple[tuple[str, str | None], ...]


def read_facts(stored: Stored) -> Facts | None:
    """The facts of an event, None if it says nothing that the graph can hold."""
    try:
        document = events.decode(stored.body)
        return _facts_of(document, stored)
    except (EventError, orjson.JSONEncodeError):  # the second: nested deeper than can be written
        return None


def time_of(place: bytes) -> int:
    """The event time in a place, in microseconds since the epoch."""
    return int.from_bytes(place[:8], "big") - _SIGN


def turn_of(state: str, time_us: int) -> int | None:
    """An integer that orders the events of a run by what they make of its state: the last counts.

    None where the event says nothing of the state.
    """
    return time_us * _RANKS + STATE_RANKS[state] if state != "OTHER" else None


def state_of(turn: int) -> tuple[str, int]:
    """The event type and time of a turn."""
    time_us, rank = divmod(turn, _RANKS)
    return _STATES[rank], time_us


def own_identity(event_id: str) -> str:
    """The identity of an event of ours, by its id."""
    return f"id:{event_id}"


def _facts_of(document: dict[str, Any], stored: Stored) -> Facts | None:
    own = events.ours(document)
    identity, supersedes = _identity(document, own)
    job, run = _job_of(document), _run_id(document)
    if stored.kind == "run" and job and run:
        datasets = [*_datasets(document, "input"), *_datasets(document, "output")]
    elif stored.kind == "job" and job:
        datasets, run = [*_datasets(document, "input"), *_datasets(document, "output")], None
    elif stored.kind == "dataset":
        datasets, job, run = [("stated", _object(document, "dataset"))], None, None
    else:
        return None
    mentions = tuple(_mentions(datasets, _links(own), is_run=run is not None))
    if job is None and not mentions:
        return None
    state = _state(document) if run else "OTHER"
    job_facets = _object(_object(document, "job"), "facets")
    return Facts(
        identity=identity,
        supersedes=supersedes,
        place=_place(stored.time_us, state, run or "", identity, mentions),
        job=job,
        run=run,
        state=state,
        streaming=_is_streaming(job_facets),
        mentions=mentions,
        said=_last_of_each([*_said_of(job, "", job_facets), *_said_of_datasets(datasets)]),
        run_facets=tuple(_run_facets(document)) if run else (),
    )


def _identity(document: Mapping[str, Any], own: Mapping[str, Any]) -> tuple[str, str | None]:
    event_id = events.event_id_of(document)
    if event_id is None:
        return f"sha256:{hashlib.sha256(_canonical(document)).hexdigest()}", None
    superseded = _text(own, "supersedes")
    if superseded is None or superseded == event_id:
        return own_identity(event_id), None
    return own_identity(event_id), own_identity(superseded)


def _canonical(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _place(time_us: int, state: str, run: str, identity: str, mentions: Iterable[Mention]) -> bytes:
    writes = any(mention.role in {"output", "stated"} for mention in mentions)
    order = _PLACE.pack(time_us + _SIGN, 0 if writes else 1, STATE_RANKS[state])
    return b"%b%b\0%b" % (order, run.encode(), identity.encode())


def _object(parent: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = parent.get(key)
    return value if isinstance(value, dict) else {}


def _text(parent: Mapping[str, Any], key: str) -> str | None:
    value = parent.get(key)
    return value if isinstance(value, str) and value else None


def _named(kind: str, entry: Mapping[str, Any]) -> NodeName | None:
    namespace, name = _text(entry, "namespace"), _text(entry, "name")
    return NodeName(kind, namespace, name) if namespace and name else None


def _job_of(document: Mapping[str, Any]) -> NodeName | None:
    return _named("job", _object(document, "job"))


def _run_id(document: Mapping[str, Any]) -> str | None:
    return _text(_object(document, "run"), "runId")


def _state(document: Mapping[str, Any]) -> str:
    state = (_text(document, "eventType") or "").upper()
    return state if state in STATE_RANKS else "OTHER"


def _is_streaming(job_facets: Mapping[str, Any]) -> bool:
    processing = _text(_object(job_facets, "jobType"), "processingType")
    return processing is not None and processing.upper() == "STREAMING"


def _datasets(document: Mapping[str, Any], role: str) -> list[tuple[str, Mapping[str, Any]]]:
    entries = document.get(f"{role}s")
    if not isinstance(entries, list):
        return []
    return [(role, entry) for entry in entries if isinstance(entry, dict)]


def _version(entry: Mapping[str, Any]) -> str:
    return _text(_object(_object(entry, "facets"), "version"), "datasetVersion") or ""


def _mentions(
    datasets: Iterable[tuple[str, Mapping[str, Any]]],
    links: Mapping[tuple[str, str], Mapping[str, Any]],
    *,
    is_run: bool,
) -> list[Mention]:
    found: dict[tuple[str, NodeName, str], Mention] = {}
    for role, entry in datasets:
        node = _named("dataset", entry)
        if node is None:
            continue
        link = links.get((node.id, role), {})
        kept: Any = role if is_run or role == "stated" else "named"
        version = _version(entry)
        found.setdefault(
            (kept, node, version),
            Mention(
                kept,
                node,
                version,
                _text(link, "method"),
                _confidence(link),
                link.get("kind") == "feedback",
            ),
        )
    return list(found.values())


def _links(own: Mapping[str, Any]) -> dict[tuple[str, str], Mapping[str, Any]]:
    entries = own.get("links")
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict):
            key = (_text(entry, "dataset") or "", _text(entry, "role") or "")
            found.setdefault(key, entry)
    return found


def _confidence(link: Mapping[str, Any]) -> float | None:
    value = link.get("confidence")
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _said_of_datasets(datasets: Iterable[tuple[str, Mapping[str, Any]]]) -> list[Said]:
    said: list[Said] = []
    for role, entry in datasets:
        node, version = _named("dataset", entry), _version(entry)
        said += _said_of(node, version, _object(entry, "facets"))
        said += _said_of(node, version, _object(entry, f"{role}Facets"))
    return said


def _said_of(node: NodeName | None, version: str, own: Mapping[str, Any]) -> list[Said]:
    if node is None:
        return []
    return [
        Said(node, version, key, _json_of(value))
        for key, value in own.items()
        if isinstance(value, dict)
    ]


def _last_of_each(said: Iterable[Said]) -> tuple[Said, ...]:
    last: dict[tuple[NodeName, str, str], Said] = {}
    for entry in said:
        last.pop(entry[:3], None)
        last[entry[:3]] = entry
    return tuple(last.values())


def _run_facets(document: Mapping[str, Any]) -> Iterable[tuple[str, str | None]]:
    for key, value in _object(_object(document, "run"), "facets").items():
        if key != facets.EVENT and isinstance(value, dict):
            text = _json_of(value)
            if text is None or len(text) <= MAX_RUN_FACET_BYTES:
                yield key, text


def _json_of(facet: Mapping[str, Any]) -> str | None:
    # The spec's way to take a facet back.
    return None if facet.get("_deleted") is True else _canonical(facet).decode()
