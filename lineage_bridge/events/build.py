"""Build events of ours.

Every event of ours carries the run facet `lineageBridge_event`, whose `id` is a hash over the
event's content: type, time, job, run, datasets with their versions, and our facets. Paths, lines,
evidence, producers and schema URLs are not hashed, so a resend, a second backfill (even from
another folder) and a second bridge make the same id, and the journal keeps one event.

Source of the shape: OpenLineage spec, core schema 2-0-2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import orjson

from lineage_bridge.events.envelope import Event
from lineage_bridge.events.views import own_facet
from lineage_bridge.facets import PRODUCER, standard_facet
from lineage_bridge.facets.event import Artifact, EventFacet, Link
from lineage_bridge.times import format_time, to_micros

RUN_EVENT_URL = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
ID_DIGITS = 32

EventType = Literal["START", "RUNNING", "COMPLETE", "FAIL", "ABORT", "OTHER"]

# Members that say where something was found, not what it is: no part of an event's identity.
_UNHASHED = frozenset({"_producer", "_schemaURL", "location"})


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
    """Where an event comes from; this does not influence its id.

    Attributes:
        path: the artifact, relative to the folder that was named.
        sha256: of the artifact's bytes, or None where the file was not read whole.
        line: in the artifact, counted from 1.
        links: how each dataset was identified.
        second_hand: whether the artifact repeats facts of others, which outrank it.
    """

    path: str | None = None
    sha256: str | None = None
    line: int | None = None
    links: Sequence[Link] = ()
    second_hand: bool = False

    @property
    def artifact(self) -> Artifact | None:
        """The artifact as the event's facet names it, None without a path."""
        if self.path is None:
            return None
        return Artifact(
            path=self.path,
            sha256=self.sha256,
            line=self.line,
            second_hand=self.second_hand or None,
        )


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
    withdraws: Sequence[str] = (),
) -> Event:
    """Build a RunEvent of ours; every event of a run must have all inputs and outputs of the run.

    Args:
        event_type: as in the spec.
        time: aware; written in UTC.
        job: the job with its facets.
        run_id: a dashed lower-case UUID.
        inputs: all datasets that the run reads.
        outputs: all datasets that the run writes.
        run_facets: besides `lineageBridge_event`, which is added.
        evidence: where it comes from.
        supersedes: the id of the event that this one replaces.
        withdraws: the ids of events that nothing calls for any more.
    """
    body: dict[str, Any] = {
        "eventType": event_type,
        "eventTime": format_time(time),
        "run": {"runId": run_id, "facets": dict(run_facets or {})},
        "job": {"namespace": job.namespace, "name": job.name, "facets": dict(job.facets)},
        "inputs": [_dataset(d, "inputFacets") for d in inputs],
        "outputs": [_dataset(d, "outputFacets") for d in outputs],
        "producer": PRODUCER,
        "schemaURL": RUN_EVENT_URL,
    }
    event_id = compute_id(body, supersedes, withdraws)
    where = evidence or Evidence()
    own = EventFacet(
        id=event_id,
        artifact=where.artifact,
        links=tuple(where.links) or None,
        supersedes=supersedes,
        withdraws=tuple(withdraws) or None,
    )
    body["run"]["facets"][EventFacet.key] = own.as_json()
    return Event(orjson.dumps(body), "run", to_micros(time), event_id)


def _dataset(dataset: Dataset, io_key: str) -> dict[str, Any]:
    body: dict[str, Any] = {"namespace": dataset.namespace, "name": dataset.name}
    own = dict(dataset.facets)
    if dataset.version is not None:
        own["version"] = standard_facet("version", {"datasetVersion": dataset.version})
    if own:
        body["facets"] = own
    if dataset.io_facets:
        body[io_key] = dict(dataset.io_facets)
    return body


def compute_id(
    body: Mapping[str, Any], supersedes: str | None, withdraws: Sequence[str] = ()
) -> str:
    """Compute the id of an event of ours from its content, without `lineageBridge_event` itself."""
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
    if withdraws:  # no member where there are none: the ids of the first release stay
        said.append(list(withdraws))
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()[:ID_DIGITS]


def is_as_hashed(document: Mapping[str, Any]) -> bool:
    """Return whether an event is what its id says: else whoever sent it only took over an id.

    Anybody may compute an id, so an event must be spelt as ours are, too: with texts for its time
    and all names.
    """
    own = own_facet(document)
    if own is None:
        return False
    try:
        is_said = compute_id(document, own.supersedes, own.withdraws or ()) == own.id
        return is_said and all(isinstance(text, str) for text in _texts(document))
    except (KeyError, TypeError, AttributeError):
        return False


def _texts(document: Mapping[str, Any]) -> Iterator[Any]:
    yield from (document["eventType"], document["eventTime"], document["run"]["runId"])
    for named in (document["job"], *document["inputs"], *document["outputs"]):
        yield from (named["namespace"], named["name"])


def _said_of(dataset: Mapping[str, Any]) -> list[Any]:
    own = dataset.get("facets", {})
    version = own.get("version", {}).get("datasetVersion")
    return [dataset["namespace"], dataset["name"], version, _facts(own)]


def _facts(own: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: {k: v for k, v in value.items() if k not in _UNHASHED}
        for key, value in own.items()
        if key.startswith("lineageBridge_") and key != EventFacet.key
    }
