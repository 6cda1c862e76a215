"""Jobs: how many of their runs are in which state, and when one succeeded last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from lineage_bridge.exporter.metric import Reading
from lineage_bridge.exporter.platform_metrics import JOB_LAST_SUCCESS, JOB_RUNS
from lineage_bridge.exporter.view import View
from lineage_bridge.graph.facts import OBSERVER
from lineage_bridge.graph.model import Node


def job_readings(view: View) -> Iterator[Reading]:
    """Every job but observers: of those the graph keeps the newest run alone."""
    for node in view.graph.nodes.values():
        if node.kind == "job" and not node.name.startswith(OBSERVER):
            yield from _job(node, view.name(node.id), view.environment)


def _job(node: Node, *labels: str) -> Iterator[Reading]:
    states = Counter(run.state for run in node.runs)
    for state, count in sorted(states.items()):
        yield JOB_RUNS.read(*labels, state, value=count)
    completed = [run.ended for run in node.runs if run.state == "COMPLETED" and run.ended]
    if completed:
        yield JOB_LAST_SUCCESS.read(*labels, value=max(completed).timestamp())
