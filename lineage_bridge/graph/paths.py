"""Paths: how data got from one node to another, version by version and run by run.

A path is a shortest one, and of several the newest: it goes to the newest version or run of the
target that can be reached at all, through the newest runs. An edge that only observes a dataset is
no part of a path, nor is a declared feedback.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from lineage_bridge.graph.model import Design, EdgeKind, End, Graph, Run
from lineage_bridge.graph.steps import Step, Steps

_NO_CAUSE: frozenset[EdgeKind] = frozenset({"observe", "feedback"})
_NOT_BOUND: frozenset[EdgeKind] = _NO_CAUSE | {"live"}


@dataclass(frozen=True, slots=True)
class Path:
    """A way through the graph, in the direction of the data.

    Attributes:
        source: where it begins.
        target: where it ends.
        hops: none where source and target are one.
        names: the names of the nodes of all `ends`.
    """

    source: End
    target: End
    hops: tuple[Step, ...]
    names: tuple[str, ...]

    @property
    def ends(self) -> list[End]:
        """All ends on the way, the first and the last too."""
        return [self.source, *(hop.target for hop in self.hops)]


def find_path(graph: Graph, source: End, target: End) -> Path | None:
    """Find a shortest version-exact path, None if there is none.

    A path over bound versions is preferred to a shorter one through a live read: a service that
    reads a table while it serves was still trained on a version of it.

    Args:
        graph: as loaded.
        source: a node of the graph; without a mark, any of its versions or runs.
        target: likewise; without a mark, the newest one that can be reached.
    """
    ways = []
    for without in (_NOT_BOUND, _NO_CAUSE):
        steps = Steps(graph, without=without)
        ways.append((steps, _distances(steps, steps.ends(source))))
    for end in ways[0][0].ends(target):
        for steps, distances in ways:
            if end in distances:
                return _path(graph, end, _trace_back(steps, end, distances))
    return None


def reach_upstream(graph: Graph, target: End) -> Path:
    """Find the longest of the shortest paths up from the target: at its source the lineage ends.

    No run is known that wrote that source, or no dataset that it read. So where `find_path` finds
    nothing, this path shows which edge is the first one missing.
    """
    steps = Steps(graph, without=_NO_CAUSE)
    newest = steps.ends(target)
    start = next((end for end in newest if steps.up(end)), newest[0])
    came_from: dict[End, Step | None] = {start: None}
    border = [start]
    while border:
        farthest = border[0]
        border = _climb(steps, border, came_from)
    return _path(graph, start, _trace_down(farthest, came_from))


def hop_time(step: Step) -> datetime:
    """Return when data took this step: when a run began to read, or when it had written.

    What a job event says has no time but the event's own.
    """
    if isinstance(step.run, Design):
        return step.run.time
    return _written(step.run) if step.source == step.run.end else step.run.started or step.run.first


def _path(graph: Graph, target: End, hops: tuple[Step, ...]) -> Path:
    source = hops[0].source if hops else target
    ends = [source, *(hop.target for hop in hops)]
    return Path(source, target, hops, tuple(graph.nodes[end.node].name for end in ends))


def _written(run: Run) -> datetime:
    return run.ended if run.ended is not None and not run.streaming else run.started or run.first


def _distances(steps: Steps, sources: Iterable[End]) -> dict[End, int]:
    distances = dict.fromkeys(sources, 0)
    border = list(distances)
    while border:
        reached: list[End] = []
        for end in border:
            for step in steps.down(end):
                if step.target not in distances:
                    distances[step.target] = distances[end] + 1
                    reached.append(step.target)
        border = reached
    return distances


def _trace_back(steps: Steps, end: End, distances: dict[End, int]) -> tuple[Step, ...]:
    hops: list[Step] = []
    while distances[end] > 0:
        nearer = distances[end] - 1
        hop = next(s for s in steps.up(end) if distances.get(s.source) == nearer)
        hops.append(hop)
        end = hop.source
    return tuple(reversed(hops))


def _climb(steps: Steps, border: list[End], came_from: dict[End, Step | None]) -> list[End]:
    reached: list[End] = []
    for end in border:
        for step in steps.up(end):
            if step.source not in came_from:
                came_from[step.source] = step
                reached.append(step.source)
    return reached


def _trace_down(end: End, came_from: dict[End, Step | None]) -> tuple[Step, ...]:
    hops: list[Step] = []
    while (step := came_from[end]) is not None:
        hops.append(step)
        end = step.target
    return tuple(hops)
