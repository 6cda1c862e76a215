"""The published JSON shapes of the graph and of paths (docs/json.md, docs/schemas/graph.json).

Lists are sorted, absent facts are absent keys, times are RFC 3339 in UTC.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from lineage_bridge.graph.model import Binding, Edge, Graph, Node, Run, Version
from lineage_bridge.graph.paths import Path, hop_time
from lineage_bridge.graph.steps import Step
from lineage_bridge.times import format_time


def graph_json(graph: Graph) -> dict[str, Any]:
    """`graph --json`."""
    return _present(
        at=_time(graph.at),
        nodes=[_node(node) for node in graph.nodes.values()],
        edges=[_edge(edge) for edge in graph.edges],
    )


def path_json(path: Path) -> dict[str, Any]:
    """`path --json`."""
    return {
        "from": str(path.source),
        "to": str(path.target),
        "hops": [_hop(step) for step in path.hops],
    }


def _edge(edge: Edge) -> dict[str, Any]:
    """One edge, in the direction in which data flows."""
    return {
        "from": str(edge.source),
        "to": str(edge.target),
        "kind": edge.kind,
        **_link(edge.binding),
    }


def _hop(step: Step) -> dict[str, Any]:
    return {
        "from": str(step.source),
        "to": str(step.target),
        "kind": step.binding.kind,
        "time": format_time(hop_time(step)),
        **_link(step.binding),
    }


def _link(binding: Binding) -> dict[str, Any]:
    """`link`: how the dataset was identified; nothing where its producer named it itself."""
    link = _present(method=binding.method, confidence=binding.confidence)
    return {"link": link} if link else {}


def _node(node: Node) -> dict[str, Any]:
    return {
        "id": node.id,
        "kind": node.kind,
        "namespace": node.namespace,
        "name": node.name,
        "versions": [_version(version) for version in node.versions],
        "runs": [_run(run) for run in node.runs],
        "facets": dict(node.facets),
    }


def _version(version: Version) -> dict[str, Any]:
    return _present(version=version.version, run=version.run, time=_time(version.time))


def _run(run: Run) -> dict[str, Any]:
    return _present(
        id=run.id,
        state=run.state,
        started=_time(run.started),
        ended=_time(run.ended),
        version=run.version,
    )


def _time(instant: datetime | None) -> str | None:
    return None if instant is None else format_time(instant)


def _present(**fields: Any) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value is not None}
