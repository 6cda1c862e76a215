"""What the facts of a run mean: its state, what it read and wrote, and which versions that made.

Rules: datasets add up over the events of a run; of one dataset, a mention with a version outweighs
one without. A version exists once a batch run has completed, or a streaming run has named it; a run
that failed has made none. The later event decides, and in a tie the one that ends the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from lineage_bridge.graph.facts import STATE_RANKS, time_of
from lineage_bridge.graph.model import Binding, EdgeKind, Facets, Run, RunState
from lineage_bridge.times import from_micros

ENDED: Mapping[str, RunState] = {"COMPLETE": "COMPLETED", "FAIL": "FAILED", "ABORT": "ABORTED"}


class Group(NamedTuple):
    """Events of one run with the same type, that say the same.

    Attributes:
        state: their event type.
        streaming: their job says that it reads live.
        said: the set of what they say of datasets.
        run_said: the set of their run facets.
        first: the earliest place.
        last: the newest place.
    """

    state: str
    streaming: int
    said: int
    run_said: int
    first: bytes
    last: bytes


class Named(NamedTuple):
    """A dataset in such a set; `version` is empty where there is none."""

    role: str
    dataset: str
    version: str
    method: str | None
    confidence: float | None
    feedback: int


class Made(NamedTuple):
    """A version that a run wrote, or that a dataset event stated (no run)."""

    dataset: str
    version: str
    time_us: int
    run: str | None


_Latest = dict[tuple[str, str, str], tuple[bytes, Named]]


def bind_run(
    job: str,
    run_id: str,
    groups: Sequence[Group],
    named: Mapping[int, Sequence[Named]],
    *,
    observes: bool,
    facets: Facets,
) -> tuple[Run, list[Made]]:
    """The run that these facts are of, and the versions that it made."""
    streaming = any(group.streaming for group in groups)
    state, ended_us = _state(groups)
    latest = _latest(groups, named)
    keeps_version = streaming or state == "COMPLETED"
    inputs = [_input(entry, streaming, observes) for entry in _of_role(latest, "input")]
    outputs = [] if _is_void(state, streaming) else _of_role(latest, "output")
    run = Run(
        run_id,
        job,
        state,
        from_micros(time_of(min(group.first for group in groups))),
        _started(groups),
        None if ended_us is None else from_micros(ended_us),
        streaming,
        tuple(sorted(inputs, key=_binding_order)),
        tuple(sorted({_output(entry, keeps_version) for entry in outputs}, key=_binding_order)),
        facets,
    )
    if not keeps_version:
        return run, []
    made = [
        Made(o.dataset, o.version, _made_us(o, groups, named, ended_us, streaming), run_id)
        for o in outputs
        if o.version
    ]
    return run, made


def newest_first(made: Made) -> tuple[int, str]:
    """The order of those who made one version: the last one counts."""
    return made.time_us, made.run or ""


def _state(groups: Iterable[Group]) -> tuple[RunState, int | None]:
    telling = [group for group in groups if group.state != "OTHER"]
    if not telling:
        return "RUNNING", None
    newest = max(telling, key=lambda group: (group.last[:8], STATE_RANKS[group.state]))
    ended = ENDED.get(newest.state)
    return ("RUNNING", None) if ended is None else (ended, time_of(newest.last))


def _started(groups: Iterable[Group]) -> datetime | None:
    starts = [group.first for group in groups if group.state == "START"]
    return from_micros(time_of(min(starts))) if starts else None


def _latest(groups: Iterable[Group], named: Mapping[int, Sequence[Named]]) -> _Latest:
    # Of several ways in which one dataset was identified, the newest event's holds.
    latest: _Latest = {}
    for group in groups:
        for entry in named.get(group.said, ()):
            key = entry[:3]
            if key not in latest or latest[key][0] < group.last:
                latest[key] = group.last, entry
    return latest


def _of_role(latest: _Latest, role: str) -> list[Named]:
    versioned = {(kind, dataset) for kind, dataset, version in latest if version}
    return [
        entry
        for (kind, dataset, version), (_, entry) in latest.items()
        if kind == role and (version or (kind, dataset) not in versioned)
    ]


def _is_void(state: RunState, streaming: bool) -> bool:
    # What a stream wrote before it failed is there; a failed batch run has written nothing.
    return not streaming and state in {"FAILED", "ABORTED"}


def _input(entry: Named, streaming: bool, observes: bool) -> Binding:
    kind: EdgeKind = "live" if streaming and not entry.version else "snapshot"
    if observes:
        kind = "observe"
    elif entry.feedback:
        kind = "feedback"
    return Binding(entry.dataset, entry.version or None, kind, entry.method, entry.confidence)


def _output(entry: Named, keeps_version: bool) -> Binding:
    version = (entry.version or None) if keeps_version else None
    return Binding(entry.dataset, version, "snapshot", entry.method, entry.confidence)


def _binding_order(binding: Binding) -> tuple[str, str, str, str, float]:
    return (
        binding.dataset,
        binding.version or "",
        binding.kind,
        binding.method or "",
        binding.confidence or 0.0,
    )


def _made_us(
    output: Named,
    groups: Iterable[Group],
    named: Mapping[int, Sequence[Named]],
    ended_us: int | None,
    streaming: bool,
) -> int:
    if ended_us is not None and not streaming:
        return ended_us
    naming = (g.first for g in groups if any(e[:3] == output[:3] for e in named.get(g.said, ())))
    return time_of(min(naming))
