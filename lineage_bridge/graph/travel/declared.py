"""Declared feedback as edges: what closes a loop, as the settings say."""

from __future__ import annotations

from dataclasses import replace

from lineage_bridge.graph.model import Graph, Node, Run
from lineage_bridge.graph.travel.edges import Feedback


def with_feedback(graph: Graph, feedback: Feedback) -> Graph:
    """Return the graph in which reads that close a declared loop are of the kind `feedback`.

    Such a read is one of what is fed back, by a job that writes what it is fed back into.
    """
    if not feedback:
        return graph
    fed = {source for source, _ in feedback}
    nodes = {id_: _marked(node, feedback, fed) for id_, node in graph.nodes.items()}
    return Graph(graph.at, nodes)


def undrawn(graph: Graph, feedback: Feedback) -> list[tuple[str, str]]:
    """List the declared pairs of known datasets that no job of the graph joins, sorted."""
    joined = {
        (read.dataset, written.dataset)
        for run in graph.runs
        for read in run.inputs
        if read.kind == "feedback"
        for written in run.outputs
    }
    known = {pair for pair in feedback if graph.nodes.keys() >= set(pair)}
    return sorted(known - joined)


def _marked(node: Node, feedback: Feedback, fed: set[str]) -> Node:
    if not any(binding.dataset in fed for run in node.runs for binding in run.inputs):
        return node
    return replace(node, runs=tuple(_of_run(run, feedback) for run in node.runs))


def _of_run(run: Run, feedback: Feedback) -> Run:
    written = {binding.dataset for binding in run.outputs}
    inputs = tuple(
        binding._replace(kind="feedback")
        if any((binding.dataset, target) in feedback for target in written)
        else binding
        for binding in run.inputs
    )
    return run if inputs == run.inputs else replace(run, inputs=inputs)
