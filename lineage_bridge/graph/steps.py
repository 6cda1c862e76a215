"""Single steps through the graph, from end to end: walks and paths are made of them.

Steps are version-exact: no step leads from one version of a dataset to another, nor from one run of
a job to another. A live read has no version of its own; its step comes from the version that was
the newest when its run ended, or is the newest now.

What a job event says of a job is bound to no version: it reads the newest one, and what nobody has
given a version; it writes the latter, and every version of which no run is known that wrote it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable
from datetime import datetime
from typing import NamedTuple

from lineage_bridge.graph.model import Binding, Design, EdgeKind, End, Graph, Node, Run


class Step(NamedTuple):
    """One edge as it is walked; `source` and `target` are in the direction of the data."""

    source: End
    target: End
    binding: Binding
    run: Run | Design


_Edges = dict[End, list[tuple[Binding, Run | Design]]]


class Steps:
    """The steps of a graph, by where they lead from and to.

    Args:
        graph: the graph to walk through.
        without: leave out edges of these kinds.
    """

    def __init__(self, graph: Graph, *, without: Container[EdgeKind] = ()) -> None:
        self._graph = graph
        self._without = without
        self._runs: dict[End, Run | Design] = {}
        self._readers: _Edges = defaultdict(list)
        self._writers: _Edges = defaultdict(list)
        for run in sorted(graph.runs, key=_age, reverse=True):
            self._runs[run.end] = run
            for binding in self._inputs(run):
                self._readers[self._read_end(binding, run)].append((binding, run))
            for binding in run.outputs:
                self._writers[binding.end].append((binding, run))
        for design in graph.designs:
            self._runs[design.end] = design
            for binding in self._inputs(design):
                for end in self._design_reads(binding):
                    self._readers[end].append((binding, design))
            for binding in design.outputs:
                for end in self._design_writes(binding):
                    self._writers[end].append((binding, design))

    def down(self, end: End) -> list[Step]:
        """List the steps to the readers of this end, or to what it writes, newest run first."""
        run = self._runs.get(end)
        if isinstance(run, Design):
            return [
                Step(end, written, binding, run)
                for binding in run.outputs
                for written in self._design_writes(binding)
            ]
        if run is not None:
            return [Step(end, binding.end, binding, run) for binding in run.outputs]
        return [Step(end, run.end, binding, run) for binding, run in self._readers.get(end, ())]

    def up(self, end: End) -> list[Step]:
        """List the steps to the writers of this end, or to what it reads, newest run first."""
        run = self._runs.get(end)
        if isinstance(run, Design):
            return [
                Step(read, end, binding, run)
                for binding in self._inputs(run)
                for read in self._design_reads(binding)
            ]
        if run is not None:
            return [Step(self._read_end(b, run), end, b, run) for b in self._inputs(run)]
        return [Step(run.end, end, binding, run) for binding, run in self._writers.get(end, ())]

    def ends(self, end: End) -> list[End]:
        """List all versions or runs of the node, newest first; just this one if it names one.

        The node without a mark is the last of them.
        """
        if end.mark is not None:
            return [end]
        node = self._graph.nodes[end.node]
        marks = [run.id for run in reversed(node.runs)]
        marks += [version.version for version in reversed(node.versions)]
        return [*(End(node.id, mark) for mark in marks), End(node.id)]

    def _inputs(self, run: Run | Design) -> Iterable[Binding]:
        return (binding for binding in run.inputs if binding.kind not in self._without)

    def _read_end(self, binding: Binding, run: Run) -> End:
        if binding.kind != "live":
            return binding.end
        node = self._graph.nodes[binding.dataset]
        return End(node.id, newest_version(node, run.ended))

    def _design_reads(self, binding: Binding) -> list[End]:
        newest = newest_version(self._graph.nodes[binding.dataset], None)
        return [binding.end] if newest is None else [End(binding.dataset, newest), binding.end]

    def _design_writes(self, binding: Binding) -> list[End]:
        versions = reversed(self._graph.nodes[binding.dataset].versions)
        unwritten = [End(binding.dataset, v.version) for v in versions if v.run is None]
        return [*unwritten, binding.end]


def _age(run: Run) -> tuple[datetime, str]:
    return run.first, run.id


def newest_version(node: Node, until: datetime | None) -> str | None:
    """Return the newest version that was written by then, None if there was none."""
    written = [v for v in node.versions if v.time is not None and _is_before(v.time, until)]
    return written[-1].version if written else None


def _is_before(time: datetime, until: datetime | None) -> bool:
    return until is None or time <= until
