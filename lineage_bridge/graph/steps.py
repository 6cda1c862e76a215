"""Single steps through the graph, from end to end: what a walk and a path are made of.

Steps are version-exact: no step leads from one version of a dataset to another, nor from one run of
a job to another. A live read has no version of its own; it goes on from the version that was the
newest while its run lasted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from lineage_bridge.graph.model import Binding, EdgeKind, End, Graph, Node, Run


class Step(NamedTuple):
    """One edge as it is walked; `source` and `target` are in the direction of the data."""

    source: End
    target: End
    binding: Binding
    run: Run


class Steps:
    """The steps of a graph by where they lead from and to; built once, on the first use.

    Args:
        graph: to be walked.
        without: edges of these kinds are not there.
    """

    def __init__(self, graph: Graph, *, without: Container[EdgeKind] = ()) -> None:
        self._graph = graph
        self._without = without

    def down(self, end: End) -> Sequence[Step]:
        """The steps to what reads or is written by this end, newest run first."""
        return self._down.get(end, ())

    def up(self, end: End) -> Sequence[Step]:
        """The steps to what wrote or is read by this end, newest run first."""
        return self._up.get(end, ())

    def ends(self, end: End) -> list[End]:
        """This end; where it has no mark all ends of its node, newest first, the bare one last."""
        if end.mark is not None:
            return [end]
        node = self._graph.nodes[end.node]
        marks = [run.id for run in reversed(node.runs)]
        marks += [version.version for version in reversed(node.versions)]
        return [*(End(node.id, mark) for mark in marks), End(node.id)]

    @cached_property
    def _all(self) -> list[Step]:
        runs = sorted(self._graph.runs, key=lambda run: (run.first, run.id), reverse=True)
        return [step for run in runs for step in self._of_run(run)]

    @cached_property
    def _down(self) -> Mapping[End, list[Step]]:
        found: dict[End, list[Step]] = defaultdict(list)
        for step in self._all:
            found[step.source].append(step)
        return found

    @cached_property
    def _up(self) -> Mapping[End, list[Step]]:
        found: dict[End, list[Step]] = defaultdict(list)
        for step in self._all:
            found[step.target].append(step)
        return found

    def _of_run(self, run: Run) -> Iterable[Step]:
        for binding in run.inputs:
            if binding.kind not in self._without:
                yield Step(self._read_end(binding, run), run.end, binding, run)
        for binding in run.outputs:
            yield Step(run.end, binding.end, binding, run)

    def _read_end(self, binding: Binding, run: Run) -> End:
        if binding.kind != "live":
            return binding.end
        node = self._graph.nodes[binding.dataset]
        return End(node.id, _newest_version(node, run.ended))


def _newest_version(node: Node, until: datetime | None) -> str | None:
    written = [v for v in node.versions if v.time is not None and _is_before(v.time, until)]
    return written[-1].version if written else None


def _is_before(time: datetime, until: datetime | None) -> bool:
    return until is None or time <= until
