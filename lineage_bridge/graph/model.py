"""The graph in memory: nodes with their versions, runs and newest facets, and version-exact edges.

Everything is frozen and sorted: two graphs of the same events are equal and print the same bytes.
A run holds what it read and wrote as bindings; edges are those bindings written as arrows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from itertools import chain
from typing import Any, Literal, NamedTuple, TypeVar

from lineage_bridge.events import Name
from lineage_bridge.graph.node_facets import Facets

Value = TypeVar("Value")
Reader = TypeVar("Reader", "Run", "Design")

EdgeKind = Literal["snapshot", "live", "observe", "feedback"]
RunState = Literal["RUNNING", "COMPLETED", "FAILED", "ABORTED"]


class End(NamedTuple):
    """An end of an edge: a dataset at a version, or a job in a run.

    Attributes:
        node: the node id.
        mark: the version or run id, None for a dataset without versions.
    """

    node: str
    mark: str | None = None

    def __str__(self) -> str:
        return self.node if self.mark is None else f"{self.node}@{self.mark}"


class Binding(NamedTuple):
    """One dataset that a run reads or writes.

    Attributes:
        dataset: its node id.
        version: None where the dataset has none, or nobody said which one.
        kind: `snapshot` is bound for good (every output is), `live` reads the current state,
            `observe` only looks, `feedback` was declared to close a loop.
        method: how the dataset was identified, None where the producer named it itself.
        confidence: of that, from 0 to 1.
    """

    dataset: str
    version: str | None
    kind: EdgeKind
    method: str | None = None
    confidence: float | None = None

    @property
    def end(self) -> End:
        """The dataset's end of the edge."""
        return End(self.dataset, self.version)


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a job.

    Attributes:
        id: the run id.
        job: the job's node id.
        state: RUNNING until an event ends it.
        first: the time of its earliest event.
        started: the time of its earliest START, None if there is none.
        ended: the time of the event that ended it.
        streaming: its job reads live.
        inputs: what it reads, sorted.
        outputs: what it has written, sorted; without a version while a batch run goes on, and
            nothing once it failed.
        version: the one that it wrote, None if there is none or more than one.
        facets: the newest of each key, without `lineageBridge_event`.
    """

    id: str
    job: str
    state: RunState
    first: datetime
    started: datetime | None = None
    ended: datetime | None = None
    streaming: bool = False
    inputs: tuple[Binding, ...] = ()
    outputs: tuple[Binding, ...] = ()
    version: str | None = None
    facets: Facets = field(default_factory=Facets)

    @property
    def end(self) -> End:
        """The job's end of the edge."""
        return End(self.job, self.id)


@dataclass(frozen=True, slots=True)
class Design:
    """What a job reads and writes by its newest job event that names datasets; it is in no run.

    Attributes:
        job: the job's node id.
        time: of the event.
        inputs: what it reads, sorted; never bound to a version.
        outputs: what it writes, likewise.
    """

    job: str
    time: datetime
    inputs: tuple[Binding, ...] = ()
    outputs: tuple[Binding, ...] = ()

    @property
    def end(self) -> End:
        """The job's end of the edge."""
        return End(self.job)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a dataset.

    Attributes:
        version: as the events spell it.
        run: the id of the newest run that wrote it, None where no known run did.
        job: the node id of that run's job.
        time: when that run wrote it: a batch run at its end, a streaming run at its first event.
        facets: the newest of each key that were said of this version.
    """

    version: str
    run: str | None = None
    job: str | None = None
    time: datetime | None = None
    facets: Facets = field(default_factory=Facets)


class Remembering:
    """What never changes, and remembers what was computed of it."""

    def remembered(self, what: str, compute: Callable[[], Value]) -> Value:
        """Return what was computed of it under that name, computed at the first time."""
        if what not in self._memory:
            self._memory[what] = compute()
        found: Value = self._memory[what]
        return found

    @cached_property
    def _memory(self) -> dict[str, Any]:
        return {}


@dataclass(frozen=True)
class Node(Remembering):
    """A dataset or a job.

    What is found by searching it is remembered with it: a node never changes, and one that events
    leave alone is the same object from one graph to the next.

    Attributes:
        id: `dataset:<namespace>:<name>` or `job:<namespace>:<name>`.
        symlinks: other names of the same dataset, sorted by their ids.
        versions: of a dataset, oldest first; those that were only read come before all others.
        runs: of a job, oldest first; of an observer only the newest.
        facets: the newest of each key.
        design: of a job, what job events say of its datasets; None if they name none.
    """

    id: str
    kind: Literal["dataset", "job"]
    namespace: str
    name: str
    symlinks: tuple[Name, ...] = ()
    versions: tuple[Version, ...] = ()
    runs: tuple[Run, ...] = ()
    facets: Facets = field(default_factory=Facets)
    design: Design | None = None

    @property
    def names(self) -> list[Name]:
        """All names, the node's own first."""
        return [Name(self.namespace, self.name), *self.symlinks]

    def version_named(self, version: str) -> Version | None:
        """The version of this name, None if there is none."""
        return self.versions_by_name.get(version)

    def run_of_id(self, run_id: str) -> Run | None:
        """The run with this id, None if there is none."""
        return self.runs_by_id.get(run_id)

    @cached_property
    def versions_by_name(self) -> Mapping[str, Version]:
        """All versions by their names."""
        return {version.version: version for version in self.versions}

    @cached_property
    def runs_by_id(self) -> Mapping[str, Run]:
        """All runs by their ids; of two with one id, the older."""
        return {run.id: run for run in reversed(self.runs)}

    @cached_property
    def edge_counts(self) -> Mapping[EdgeKind, int]:
        """How many edges of each kind end or begin at a run of this job."""
        return count_edges(self.runs)

    def versions_with(self, key: str) -> tuple[Version, ...]:
        """The versions that have a facet of this key, oldest first."""
        found = self.versions_by_facet.get(key)
        if found is None:
            found = tuple(version for version in self.versions if key in version.facets)
            self.versions_by_facet[key] = found
        return found

    def runs_with(self, key: str) -> tuple[Run, ...]:
        """The runs that have a facet of this key, oldest first."""
        found = self.runs_by_facet.get(key)
        if found is None:
            found = tuple(run for run in self.runs if key in run.facets)
            self.runs_by_facet[key] = found
        return found

    @cached_property
    def versions_by_facet(self) -> dict[str, tuple[Version, ...]]:
        """What `versions_with` has found so far."""
        return {}

    @cached_property
    def runs_by_facet(self) -> dict[str, tuple[Run, ...]]:
        """What `runs_with` has found so far."""
        return {}


@dataclass(frozen=True, slots=True)
class Edge:
    """An arrow in the direction in which data flows.

    Attributes:
        source: what is read, or the run that writes.
        target: the run that reads, or what is written.
        binding: what is read or written, and how it was identified.
        run: the run at the one or the other end, or the design of a job.
    """

    source: End
    target: End
    binding: Binding
    run: Run | Design

    @property
    def kind(self) -> EdgeKind:
        """`snapshot`, `live`, `observe` or `feedback`."""
        return self.binding.kind


@dataclass(frozen=True)
class Graph(Remembering):
    """The lineage at one time.

    Attributes:
        at: the time that was asked for, else that of the newest event; None if there is none.
        nodes: by id, sorted.
    """

    at: datetime | None
    nodes: Mapping[str, Node]

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """All edges, sorted by source and target."""
        return tuple(sorted(_edges(chain(self.runs, self.designs)), key=_edge_order))

    def as_of(self, instant: datetime) -> Graph:
        """The same nodes at another time, between which and this one nothing came to pass."""
        if instant == self.at:
            return self
        graph = Graph(instant, self.nodes)
        found = {key: value for key, value in vars(self).items() if key not in vars(graph)}
        vars(graph).update(found)  # what was found out about the nodes holds for them still
        return graph

    def count_edges(self) -> Mapping[EdgeKind, int]:
        """How many edges there are of each kind; for a node that was counted before it is free."""
        return self._edge_counts

    @cached_property
    def _edge_counts(self) -> Mapping[EdgeKind, int]:
        counts = count_edges(self.designs)
        for node in self.nodes.values():
            if node.runs:
                for kind, count in node.edge_counts.items():
                    counts[kind] = counts.get(kind, 0) + count
        return counts

    def called(self, node_id: str) -> Node | None:
        """The node that has this id, or another name of this id; None if there is none."""
        node = self.nodes.get(node_id)
        return self._by_symlink.get(node_id) if node is None else node

    @cached_property
    def _by_symlink(self) -> Mapping[str, Node]:
        return {
            f"{node.kind}:{name.namespace}:{name.name}": node
            for node in self.nodes.values()
            for name in node.symlinks
        }

    @cached_property
    def designs(self) -> tuple[Design, ...]:
        """What job events say, by job."""
        return tuple(node.design for node in self.nodes.values() if node.design is not None)

    @property
    def runs(self) -> Iterator[Run]:
        """All runs, by job, oldest first."""
        return (run for node in self.nodes.values() for run in node.runs)

    def writer_of(self, dataset: str, version: str | None) -> Run | None:
        """The newest run that wrote a version of a dataset, None where no known run did."""
        written = self._version(dataset, version)
        if written is None or written.job is None or written.run is None:
            return None
        job = self.nodes.get(written.job)
        return None if job is None else job.run_of_id(written.run)

    def facet(self, node_id: str, key: str, version: str | None = None) -> dict[str, Any] | None:
        """The newest facet of a node, or of one version of it; None if it has no such facet."""
        if version is not None:
            found = self._version(node_id, version)
            return None if found is None else found.facets.get(key)
        node = self.nodes.get(node_id)
        return None if node is None else node.facets.get(key)

    def _version(self, dataset: str, version: str | None) -> Version | None:
        node = self.nodes.get(dataset)
        return None if node is None or version is None else node.version_named(version)

    def part(self, ends: Iterable[End]) -> Graph:
        """The part of the graph that has only these versions and runs, and their nodes."""
        kept: dict[str, set[str | None]] = {}
        for end in ends:
            kept.setdefault(end.node, set()).add(end.mark)
        nodes = {id_: _reduced(self.nodes[id_], kept) for id_ in sorted(kept)}
        return Graph(self.at, nodes)


def _reduced(node: Node, kept: Mapping[str, set[str | None]]) -> Node:
    marks = kept[node.id]
    return replace(
        node,
        versions=tuple(v for v in node.versions if v.version in marks),
        runs=tuple(_within(run, kept) for run in node.runs if run.id in marks),
        design=_within(node.design, kept) if node.design is not None and None in marks else None,
    )


def _within(run: Reader, kept: Mapping[str, set[str | None]]) -> Reader:
    return replace(
        run,
        inputs=tuple(b for b in run.inputs if _is_kept(b, kept)),
        outputs=tuple(b for b in run.outputs if _is_kept(b, kept)),
    )


def _is_kept(binding: Binding, kept: Mapping[str, set[str | None]]) -> bool:
    # What is read live is bound to no version, whichever of them was walked over.
    return binding.dataset in kept and (
        binding.version is None or binding.version in kept[binding.dataset]
    )


def count_edges(runs: Iterable[Run | Design]) -> dict[EdgeKind, int]:
    """How many edges of each kind end or begin at these runs."""
    counts: dict[EdgeKind, int] = {}
    for run in runs:
        for bindings in (run.inputs, run.outputs):
            for binding in bindings:
                counts[binding.kind] = counts.get(binding.kind, 0) + 1
    return counts


def _edges(runs: Iterable[Run | Design]) -> Iterator[Edge]:
    for run in runs:
        for binding in run.inputs:
            yield Edge(binding.end, run.end, binding, run)
        for binding in run.outputs:
            yield Edge(run.end, binding.end, binding, run)


def _edge_order(edge: Edge) -> tuple[str, str, EdgeKind]:
    return str(edge.source), str(edge.target), edge.kind
