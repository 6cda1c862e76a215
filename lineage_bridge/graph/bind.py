"""Bind a run: its state, its inputs and outputs, and the versions that it made, from its facts.

Rules: datasets add up over the events of a run; of one dataset, a mention with a version outweighs
one without. A version exists once a batch run has completed, or a streaming run has named it; a
batch run that failed has made none. The latest event decides the state, and in a tie the one that
ends the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from lineage_bridge.graph.facts import state_of, time_of
from lineage_bridge.graph.model import Binding, Design, EdgeKind, Run, RunState
from lineage_bridge.graph.node_facets import Facets
from lineage_bridge.times import from_micros

_ENDED: Mapping[str, RunState] = {"COMPLETE": "COMPLETED", "FAIL": "FAILED", "ABORT": "ABORTED"}
_FAILED = frozenset({"FAILED", "ABORTED"})


class Group(NamedTuple):
    """Events of one run with the same facts.

    Attributes:
        said: the id of the set of their mentions, and of facets of job and datasets.
        run_said: the id of the set of their run facets.
        streaming: 1 where their job is a streaming job, which reads live.
        first_us: the earliest event time.
        started_us: the earliest time of a START, None if there is none.
        turn: the newest turn (`facts.turn_of`), None if none of them changes the state.
        last: the newest place of an event.
    """

    said: int
    run_said: int
    streaming: int
    first_us: int
    started_us: int | None
    turn: int | None
    last: bytes


class Named(NamedTuple):
    """A mention of a dataset in such a set; `version` is empty where there is none."""

    role: str
    dataset: str
    version: str
    method: str | None
    confidence: float | None
    feedback: int


class Made(NamedTuple):
    """A version that a run of a job wrote, or a dataset event stated (then both are None)."""

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
    """Make the run that has these facts, and the versions that it made."""
    total = groups[0] if len(groups) == 1 else _total(groups)
    streaming = bool(total.streaming)
    state, ended_us = _state(total.turn)
    entries = _entries(groups, named)
    inputs = [_input(e, streaming, observes) for e in entries if e.role == "input"]
    # The outputs of a stream from before it failed exist; a failed batch run has written nothing.
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
        _sorted([_output(entry, binds=binds) for entry in written]),
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


def names_datasets(named: Iterable[Named]) -> bool:
    """Whether a job event of this set says that its job reads or writes anything."""
    return any(entry.role in {"reads", "writes"} for entry in named)


def bind_design(job: str, newest: Group, named: Iterable[Named], *, observes: bool) -> Design:
    """Make the design of a job, of its newest job event that names datasets."""
    streaming = bool(newest.streaming)
    unbound = [entry._replace(version="") for entry in named]
    inputs = [_input(e, streaming, observes) for e in unbound if e.role == "reads"]
    outputs = [_output(entry, binds=False) for entry in unbound if entry.role == "writes"]
    return Design(job, _instant(time_of(newest.last)), _sorted(inputs), _sorted(outputs))


def stated(groups: Iterable[Group], named: Mapping[int, Sequence[Named]]) -> Iterator[Made]:
    """Yield the versions that dataset events state."""
    for group in groups:
        for entry in named.get(group.said, ()):
            if entry.version:
                yield Made(entry.dataset, entry.version, time_of(group.last), None, None)


def made_order(made: Made) -> tuple[int, str, str]:
    """Return the key that sorts those who made one version: the last one counts."""
    return made.time_us, made.run or "", made.job or ""


# Most times are converted repeatedly: a run's start is its first event, its end a version's time.
_instant = lru_cache(maxsize=65_536)(from_micros)


def _total(groups: Sequence[Group]) -> Group:
    """Merge the groups of a run into one; its `said` and `run_said` are those of the first only."""
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
    """List the datasets of a run, each once per role and version."""
    if len(groups) == 1:
        entries = named.get(groups[0].said, ())
    else:
        # If a dataset was identified in several ways, the newest event's way counts.
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


def _output(entry: Named, *, binds: bool) -> Binding:
    version = (entry.version or None) if binds else None
    return Binding(entry.dataset, version, "snapshot", entry.method, entry.confidence)


def _only_version(written: Iterable[Named]) -> str | None:
    versions = {entry.version for entry in written if entry.version}
    return versions.pop() if len(versions) == 1 else None


def _sorted(bindings: list[Binding]) -> tuple[Binding, ...]:
    """Sort bindings, each end once: without versions, several outputs of a dataset become one."""
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
    """Return when a version was written: a batch run's at its end, a stream's when first named."""
    if ended_us is not None and not streaming:
        return ended_us
    if len(groups) == 1:
        return groups[0].first_us
    return min(
        group.first_us
        for group in groups
        if any(entry[:3] == output[:3] for entry in named.get(group.said, ()))
    )
