"""The facts of one event, which can be merged in any order: the pure half of the fold.

Every fact belongs to its event, under an identity that does not depend on arrival: the id of an
event of ours, or a hash of the canonical body of any other event. `place` orders events by event
time, writers before readers, state, run id, identity; it compares as bytes, so that SQLite can find
the newest.

Events of other producers are read leniently (`events.views`); a run event without a job or run id
has no facts. Facets of ours are checked here: whoever reads one from the graph may trust that it
follows its definition. One that does not is left out, alone, and recorded as `broken`.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import orjson

from lineage_bridge.errors import EventError
from lineage_bridge.events import (
    DatasetView,
    EventView,
    Name,
    as_object,
    decode,
    symlinks_of,
    text_of,
    view_event,
)
from lineage_bridge.facets import definitions, problem_of
from lineage_bridge.facets.event import EventFacet, Link
from lineage_bridge.journal import Stored

# A state that ends a run wins a tie in time. OTHER adds facts to a run without changing its state.
STATE_RANKS = {"OTHER": 0, "START": 1, "RUNNING": 2, "COMPLETE": 3, "ABORT": 4, "FAIL": 5}
_RANKS = 8  # a power of two, so that a turn of the year 9999 is an integer of SQLite
# Some producers put whole query plans into a run facet: those stay in the journal alone.
MAX_RUN_FACET_CHARACTERS = 32_768

_STATES = {rank: state for state, rank in STATE_RANKS.items()}
_SIGN = 1 << 63  # makes times before 1970 sort first as unsigned integers
_PLACE = struct.Struct(">QBB")

Role = Literal["input", "output", "stated", "reads", "writes"]


MAX_BROKEN = 100  # recorded of one event; whoever sends more finds enough to mend


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
        role: `input` or `output` of a run; `stated` by a dataset event; what a job `reads` or
            `writes` by a job event.
        version: from the standard `version` facet, empty where there is none.
        method: how the identity was found, None where the producer named it itself.
        feedback: whether the edge was declared to close a loop.
    """

    role: Role
    node: NodeName
    version: str
    method: str | None
    confidence: float | None
    feedback: bool


class Symlink(NamedTuple):
    """Two names of one dataset: an event that mentions the first says that the second is it too."""

    node: NodeName
    other: NodeName


class Said(NamedTuple):
    """A facet of a job or dataset; `value` is JSON, None where the producer deleted the facet."""

    node: NodeName
    version: str
    key: str
    value: str | None


class Broken(NamedTuple):
    """A facet under a key of ours that breaks its definition; nothing else of its event is lost.

    Attributes:
        node: the id of the job or dataset that has the facet; empty for a run facet.
        problem: where in the facet, what was expected and what was found.
    """

    node: str
    key: str
    problem: str


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the graph takes from one event.

    Attributes:
        identity: of the event, independent of arrival.
        takes_back: the identities of events whose facts no longer count.
        withdraws: whether the event says nothing else.
        place: the event's position in the order of all events.
        job: None for a dataset event.
        run: the run id, None for a job or dataset event.
        state: the event type, `OTHER` where there is none.
        streaming: whether the job is a streaming job, which reads live.
        mentions: the datasets, each once per role and version.
        symlinks: other names of the datasets, each pair once.
        said: facets of the job and the datasets, each key once for a node and version; if two
            versions of a dataset have a facet, the later one in the event counts for the dataset.
        run_facets: key and JSON.
        broken: facets of ours that break their definition.
        producer: who sent the event, empty where it names nobody.
    """

    identity: str
    takes_back: tuple[str, ...]
    withdraws: bool
    place: bytes
    job: NodeName | None
    run: str | None
    state: str
    streaming: bool
    mentions: tuple[Mention, ...]
    said: tuple[Said, ...]
    run_facets: tuple[tuple[str, str | None], ...]
    symlinks: tuple[Symlink, ...] = ()
    broken: tuple[Broken, ...] = ()
    producer: str = ""


def read_facts(stored: Stored) -> Facts | None:
    """Read the facts of an event, None if it has none that the graph can store."""
    try:
        document = decode(stored.body)
        return _facts_of(document, stored)
    except (EventError, orjson.JSONEncodeError):  # the second: nested too deeply to be encoded
        return None


def time_of(place: bytes) -> int:
    """Return the event time in a place, in microseconds since the epoch."""
    return int.from_bytes(place[:8], "big") - _SIGN


def turn_of(state: str, time_us: int) -> int | None:
    """Return an integer that orders a run's events by time and type: the greatest one decides.

    None where the event does not change the state.
    """
    return time_us * _RANKS + STATE_RANKS[state] if state != "OTHER" else None


def state_of(turn: int) -> tuple[str, int]:
    """Return the event type and time of a turn."""
    time_us, rank = divmod(turn, _RANKS)
    return _STATES[rank], time_us


def own_identity(event_id: str) -> str:
    """Return the identity of an event of ours, by its id."""
    return f"id:{event_id}"


def _facts_of(document: dict[str, Any], stored: Stored) -> Facts | None:
    view = view_event(document)
    job, run = view.job, view.run_id
    if stored.kind == "run" and job and run:
        datasets = [*_roles(view.inputs, "input"), *_roles(view.outputs, "output")]
    elif stored.kind == "job" and job:
        datasets, run = [*_roles(view.inputs, "reads"), *_roles(view.outputs, "writes")], None
    elif stored.kind == "dataset" and view.dataset:
        datasets, job, run = [("stated", view.dataset)], None, None
    else:
        return None
    identity = _identity(document, view)
    mentions = tuple(_mentions(datasets, view.own))
    state = _state(view) if run else "OTHER"
    border = _Border()
    return Facts(
        identity=identity,
        takes_back=tuple(own_identity(event_id) for event_id in view.takes_back),
        withdraws=view.withdraws,
        place=_place(stored.time_us, state, run or "", identity, mentions),
        job=None if job is None else NodeName("job", *job),
        run=run,
        state=state,
        streaming=_is_streaming(view.job_facets),
        mentions=mentions,
        said=_last_of_each(border.said(view.job_facets if job else {}, job, datasets)),
        run_facets=tuple(border.run_facets(view.run_facets)) if run else (),
        symlinks=tuple(_symlinks(datasets)),
        broken=tuple(border.broken[:MAX_BROKEN]),
        producer=text_of(document.get("producer")) or "",
    )


def _roles(datasets: Iterable[DatasetView], role: Role) -> list[tuple[Role, DatasetView]]:
    return [(role, dataset) for dataset in datasets]


def _identity(document: Mapping[str, Any], view: EventView) -> str:
    if view.id is not None:
        return own_identity(view.id)
    return f"sha256:{hashlib.sha256(_canonical(document)).hexdigest()}"


def _canonical(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _place(time_us: int, state: str, run: str, identity: str, mentions: Iterable[Mention]) -> bytes:
    writes = any(mention.role in {"output", "stated"} for mention in mentions)
    order = _PLACE.pack(time_us + _SIGN, 0 if writes else 1, STATE_RANKS[state])
    return b"%b%b\0%b" % (order, run.encode(), identity.encode())


def _state(view: EventView) -> str:
    return view.event_type if view.event_type in STATE_RANKS else "OTHER"


def _is_streaming(job_facets: Mapping[str, Any]) -> bool:
    processing = text_of(as_object(job_facets.get("jobType")).get("processingType"))
    return processing is not None and processing.upper() == "STREAMING"


def _mentions(
    datasets: Iterable[tuple[Role, DatasetView]], own: EventFacet | None
) -> Iterable[Mention]:
    links: dict[tuple[str, str], Link] = {}
    for link in (own.links if own is not None else None) or ():
        links.setdefault((link.dataset, link.role), link)
    found: dict[tuple[str, NodeName, str], Mention] = {}
    for role, dataset in datasets:
        node = NodeName("dataset", *dataset.name)
        version = dataset.version or ""
        found.setdefault((role, node, version), _mention(role, node, version, links))
    return found.values()


def _symlinks(datasets: Iterable[tuple[Role, DatasetView]]) -> Iterable[Symlink]:
    found: dict[Symlink, None] = {}
    for _, dataset in datasets:
        if "symlinks" in dataset.facets:
            node = NodeName("dataset", *dataset.name)
            for other in symlinks_of(dataset.facets):
                if other != dataset.name:
                    found[Symlink(node, NodeName("dataset", *other))] = None
    return found


def _mention(
    role: Role, node: NodeName, version: str, links: Mapping[tuple[str, str], Link]
) -> Mention:
    link = links.get((node.id, role)) if links else None
    if link is None:
        return Mention(role, node, version, None, None, feedback=False)
    return Mention(
        role, node, version, link.method or None, link.confidence, link.kind == "feedback"
    )


class _Border:
    """Takes the facets of one event; of ours only those that follow their definition."""

    def __init__(self) -> None:
        self.broken: list[Broken] = []
        self._ours = definitions()

    def said(
        self,
        job_facets: Mapping[str, Any],
        job: Name | None,
        datasets: Iterable[tuple[Role, DatasetView]],
    ) -> Iterator[Said]:
        """Yield the facets of the job and the datasets."""
        if job is not None:
            node = NodeName("job", *job)
            for key, text in self._taken(job_facets, node):
                yield Said(node, "", key, text)
        for _, dataset in datasets:
            node, version = NodeName("dataset", *dataset.name), dataset.version or ""
            for own in (dataset.facets, dataset.io_facets):
                for key, text in self._taken(own, node) if own else ():
                    yield Said(node, version, key, text)

    def run_facets(self, own: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
        """Yield the facets of the run, but not the largest."""
        for key, text in self._taken(own, None):
            if key != EventFacet.key and (text is None or len(text) <= MAX_RUN_FACET_CHARACTERS):
                yield key, text

    def _taken(
        self, own: Mapping[str, Any], node: NodeName | None
    ) -> Iterator[tuple[str, str | None]]:
        for key, value in own.items():
            is_object = isinstance(value, dict)
            text = _json_of(value) if is_object else None
            if key not in self._ours:
                if is_object:
                    yield key, text
                continue
            problem = None if text is None else problem_of(key, text)
            if not is_object and value is not None:
                problem = "it is no JSON object"
            elif is_object and self._ours[key].is_of_run() != (node is None):
                problem = f"it is a facet of {'a dataset' if node is None else 'runs'} alone"
            elif is_object and node is not None and node.kind != "dataset":
                problem = "it is a facet of datasets alone"
            if problem is not None:
                self.broken.append(Broken("" if node is None else node.id, key, problem))
            elif is_object:
                yield key, text


def _last_of_each(said: Iterable[Said]) -> tuple[Said, ...]:
    last: dict[tuple[NodeName, str, str], Said] = {}
    for entry in said:
        last.pop(entry[:3], None)
        last[entry[:3]] = entry
    return tuple(last.values())


def _json_of(facet: Mapping[str, Any]) -> str | None:
    # The spec's way to delete a facet.
    return None if facet.get("_deleted") is True else _canonical(facet).decode()
