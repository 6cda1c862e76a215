"""The neighbourhood of a node: everything that is at most a number of steps away from it."""

from __future__ import annotations

from typing import Literal

from lineage_bridge.graph.model import End, Graph
from lineage_bridge.graph.steps import Steps

Direction = Literal["up", "down", "both"]


def walk(graph: Graph, start: End, depth: int, direction: Direction = "both") -> Graph:
    """Return the part of the graph around a node, a version or a run.

    Args:
        graph: as loaded.
        start: a node of the graph; without a mark, all of its versions and runs.
        depth: in steps; from a dataset to a job that reads it is one.
        direction: `up` against the data, `down` with it; `both` may turn around on its way, so it
            also finds datasets that are made of the same inputs.
    """
    steps = Steps(graph)
    reached = set(steps.ends(start))
    border = set(reached)
    for _ in range(depth):
        border = _next(steps, border, direction) - reached
        if not border:
            break
        reached |= border
    return graph.part(reached)


def _next(steps: Steps, border: set[End], direction: Direction) -> set[End]:
    found: set[End] = set()
    for end in border:
        if direction != "down":
            found.update(step.source for step in steps.up(end))
        if direction != "up":
            found.update(step.target for step in steps.down(end))
    return found
