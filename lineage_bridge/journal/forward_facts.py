"""What forwarding must know of an event: pure, read once when the event is taken in.

Source: `lineageBridge_event` and `lineageBridge_servingHealth`, as their schemas say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lineage_bridge import facets
from lineage_bridge.events import decode, ours
from lineage_bridge.journal.forward_order import Item
from lineage_bridge.journal.store import Stored

HEARTBEAT = "heartbeat"
_OBSERVERS = "observe.predictions."
_ENDS = frozenset({"COMPLETE", "FAIL", "ABORT"})


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of one event.

    Attributes:
        item: the facts that decide when it may be sent.
        is_bare: one of ours that names no inputs: it would cut its job's edges.
        cause: why an observer spoke (`change`, `heartbeat`, `end`), None if it does not say.
        finding: model, status and reason codes of the serving health that it carries, or None.
        supersedes: the id of the event that it replaces.
    """

    item: Item
    is_bare: bool = False
    cause: str | None = None
    finding: str | None = None
    supersedes: str | None = None


def facts_of(stored: Stored) -> Facts:
    """Read the facts of an event.

    Raises:
        EventError: the event is no JSON object.
    """
    document = decode(stored.body)
    own = ours(document)
    health = _serving_health(document)
    supersedes = own.get("supersedes")
    return Facts(
        item=_item(stored, document),
        is_bare=stored.id is not None and not datasets_of(document, "inputs"),
        cause=_text(own.get("cause")) or _text(health.get("cause")),
        finding=_finding(health) if health else None,
        supersedes=_text(supersedes),
    )


def item_of(stored: Stored) -> Item:
    """Read the facts that decide when an event may be sent.

    Raises:
        EventError: the event is no JSON object.
    """
    return _item(stored, decode(stored.body))


def datasets_of(document: Mapping[str, Any], side: str) -> frozenset[str]:
    """The datasets of `inputs` or `outputs`, each as `<namespace> <name>`."""
    listed = document.get(side)
    return frozenset(_names(listed if isinstance(listed, list) else []))


def job_of(document: Mapping[str, Any]) -> str:
    """The job as `<namespace> <name>`; a dataset event has none, its dataset stands for it."""
    job = document.get("job")
    if isinstance(job, dict):
        return f"{job.get('namespace')} {job.get('name')}"
    return " ".join(_names([document.get("dataset")]))


def _item(stored: Stored, document: Mapping[str, Any]) -> Item:
    run = document.get("run")
    # A dataset event describes its dataset: it goes as if it wrote it.
    described = frozenset(_names([document.get("dataset")]))
    return Item(
        seq=stored.seq,
        time_us=stored.time_us,
        job=job_of(document),
        run=_text(run.get("runId")) or "" if isinstance(run, dict) else "",
        rank=_rank(document.get("eventType")),
        reads=datasets_of(document, "inputs"),
        writes=datasets_of(document, "outputs") | described,
    )


def _rank(event_type: Any) -> int:
    state = (_text(event_type) or "").upper()  # as Marquez reads it
    if state == "START":
        return 0
    return 2 if state in _ENDS else 1


def _names(listed: list[Any]) -> Iterator[str]:
    for dataset in listed:
        if isinstance(dataset, dict):
            yield f"{dataset.get('namespace')} {dataset.get('name')}"


def _serving_health(document: Mapping[str, Any]) -> Mapping[str, Any]:
    job, inputs = document.get("job"), document.get("inputs")
    name = job.get("name") if isinstance(job, dict) else None
    if not isinstance(name, str) or not name.startswith(_OBSERVERS):
        return {}
    for dataset in inputs if isinstance(inputs, list) else []:
        own = dataset.get("facets") if isinstance(dataset, dict) else None
        health = own.get(facets.SERVING_HEALTH) if isinstance(own, dict) else None
        if isinstance(health, dict):
            return health
    return {}


def _finding(health: Mapping[str, Any]) -> str:
    """What was found of which model, whole and by endpoint, as one text to compare."""
    endpoints = health.get("endpoints")
    listed = [e for e in endpoints if isinstance(e, dict)] if isinstance(endpoints, list) else []
    serving = [str(health.get("model")), str(health.get("modelVersion"))]
    return repr([serving, _words(health), sorted(_words(e) for e in listed)])


def _words(finding: Mapping[str, Any]) -> list[str]:
    reasons = finding.get("reasons")
    listed = reasons if isinstance(reasons, list) else []
    codes = [reason.get("code") for reason in listed if isinstance(reason, dict)]
    return [str(finding.get("endpoint")), str(finding.get("status")), *map(str, codes)]


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
