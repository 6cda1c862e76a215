"""What the facts of a run mean: its state, what it read and wrote, and which versions that made.

Rules: datasets add up over the events of a run; of one dataset, a mention with a version outweighs
one without. A version exists once a batch run has completed, or a streaming run has named it; a run
that failed has made none. The later event decides, and in a tie the one that ends the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from lineage_bridge.graph.facts import state_of, time_of
from lineage_bridge.graph.model import Binding, EdgeKind, Facets, Run, RunState
from lineage_bridge.times import from_micros

_ENDED: Mapping[str, RunState] = {"COMPLETE": "COMPLETED", "FAIL": "FAILED", "ABORT": "ABORTED"}
_FAILED = frozenset({"FAILED", "ABORTED"})


class Group(NamedTuple):
    """Events of one run that say the same.

    Attributes:
        said: the set of what they say of datasets.
        run_said: the set of their run facets.
        streaming: 1 where their job says that it reads live.
        first_us: the earliest event time.
        started_us: the earliest of a START, None if there is none.
        turn: the newest that tells the state, None if there is none.
        last: the newest place.
    """

    said: int
    run_said: int
    streaming: int
    first_us: int
    started_us: int | None
    turn: int | None
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
    """A version that a run of a job wrote, or that a dataset event stated (neither)."""

    dataset: str
    version: str
    time_us: int
    run: str | None
    job: str | None


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
    total = groups[0] if len(groups) == 1 else _total(groups)
    streaming = bool(total.streaming)
    state, ended_us = _state(total.turn)
    entries = _entries(groups, named)
    inputs = [_input(e, streaming, observes) for e in entries if e.role == "input"]
    # What a stream wrote before it failed is there; a failed batch run has written nothing.
    void = not streaming and state in _FAILED
    written = [] if void else [entry for entry in entries if entry.role == "output"]
    binds = streaming or state == "COMPLETED"
    run = Run(
        run_id,
        job,
        state,
        _instant(total.first_us),
        None if total.started_us is None else _instant(total.started_us),
        None if ended_us is None else _instant(ended_us),
        streaming,
        _sorted(inputs),
        _sorted([_output(entry, binds) for entry in written]),
        _only_version(written) if binds else None,
        facets,
    )
    if not binds:
        return run, []
    return run, [
        Made(e.dataset, e.version, _written_us(e, groups, named, ended_us, streaming), run_id, job)
        for e in written
        if e.version
    ]


def stated(groups: Iterable[Group], named: Mapping[int, Sequence[Named]]) -> Iterator[Made]:
    """The versions that dataset events state."""
    for group in groups:
        for entry in named.get(group.said, ()):
            if entry.version:
                yield Made(entry.dataset, entry.version, time_of(group.last), None, None)


def made_order(made: Made) -> tuple[int, str, str]:
    """The order of those who made one version: the last one counts."""
    return made.time_us, made.run or "", made.job or ""


# The start of a run is its first event, its end the time of a version: most times come again.
_instant = lru_cache(maxsize=65_536)(from_micros)


def _total(groups: Sequence[Group]) -> Group:
    """All events of a run as if they said the same: right for all but what they say."""
    starts = [group.started_us for group in groups if group.started_us is not None]
    turns = [group.turn for group in groups if group.turn is not None]
    return groups[0]._replace(
        streaming=max(group.streaming for group in groups),
        first_us=min(group.first_us for group in groups),
        started_us=min(starts, default=None),
        turn=max(turns, default=None),
        last=max(group.last for group in groups),
    )


def _state(turn: int | None) -> tuple[RunState, int | None]:
    if turn is None:
        return "RUNNING", None
    state, time_us = state_of(turn)
    ended = _ENDED.get(state)
    return ("RUNNING", None) if ended is None else (ended, time_us)


def _entries(groups: Sequence[Group], named: Mapping[int, Sequence[Named]]) -> Sequence[Named]:
    """The datasets of a run, each once per role and version."""
    if len(groups) == 1:
        entries = named.get(groups[0].said, ())
    else:
        # Of several ways in which one dataset was identified, the newest event's holds.
        by_age = sorted(groups, key=_last)
        latest = {entry[:3]: entry for g in by_age for entry in named.get(g.said, ())}
        entries = list(latest.values())
    if all(entry.version for entry in entries):
        return entries
    versioned = {(entry.role, entry.dataset) for entry in entries if entry.version}
    return [e for e in entries if e.version or (e.role, e.dataset) not in versioned]


def _last(group: Group) -> bytes:
    return group.last


def _input(entry: Named, streaming: bool, observes: bool) -> Binding:
    kind: EdgeKind = "live" if streaming and not entry.version else "snapshot"
    if observes:
        kind = "observe"
    elif entry.feedback:
        kind = "feedback"
    return Binding(entry.dataset, entry.version or None, kind, entry.method, entry.confidence)


def _output(entry: Named, binds: bool) -> Binding:
    version = (entry.version or None) if binds else None
    return Binding(entry.dataset, version, "snapshot", entry.method, entry.confidence)


def _only_version(written: Iterable[Named]) -> str | None:
    versions = {entry.version for entry in written if entry.version}
    return versions.pop() if len(versions) == 1 else None


def _sorted(bindings: list[Binding]) -> tuple[Binding, ...]:
    """In order, each end once: of a run that binds no versions, several outputs become one."""
    if len(bindings) < 2:
        return tuple(bindings)
    by_end = {binding.end: binding for binding in sorted(bindings, key=_binding_order)}
    return tuple(by_end.values())


def _binding_order(binding: Binding) -> tuple[str, str, str, float]:
    return (
        binding.dataset,
        binding.version or "",
        binding.method or "",
        binding.confidence or 0.0,
    )


def _written_us(
    output: Named,
    groups: Sequence[Group],
    named: Mapping[int, Sequence[Named]],
    ended_us: int | None,
    streaming: bool,
) -> int:
    """When a version was there: a batch run's at its end, a stream's when it was first named."""
    if ended_us is not None and not streaming:
        return ended_us
    if len(groups) == 1:
        return groups[0].first_us
    return min(
        group.first_us
        for group in groups
        if any(entry[:3] == output[:3] for entry in named.get(group.said, ()))
    )
