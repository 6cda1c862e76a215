"""Freshness of every dataset that says its age, judged at an instant by its own policy."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from lineage_bridge import facets
from lineage_bridge.assess.freshness import freshness_at, freshness_facts
from lineage_bridge.graph.model import Graph, Node, Version
from lineage_bridge.times import format_time

# Member of the published shape -> field of the facet.
_MEMBERS = {
    "status": "status",
    "basis": "basis",
    "build_time": "buildTime",
    "data_time": "dataTime",
    "build_age_seconds": "buildAgeSeconds",
    "data_age_seconds": "dataAgeSeconds",
    "clock_skew_seconds": "clockSkewSeconds",
    "warn_seconds": "warnSeconds",
    "error_seconds": "errorSeconds",
}


def freshness_json(graph: Graph, at: datetime, *, every_version: bool = False) -> dict[str, Any]:
    """`{"at", "datasets": [...]}`: the newest version of each dataset, or every version."""
    datasets = []
    for node in graph.nodes.values():
        versions = [v for v in node.versions if facets.FRESHNESS in v.facets]
        judged = [shape for v in versions if (shape := _dataset(node, v, at)) is not None]
        datasets += judged if every_version else judged[-1:]
    return {"at": format_time(at), "datasets": datasets}


def _dataset(node: Node, version: Version, at: datetime) -> dict[str, Any] | None:
    try:
        facts = freshness_facts(freshness_at(version.facets[facets.FRESHNESS], at))
    except (AttributeError, KeyError, TypeError, ValueError):
        return None  # anybody may post a facet under our name; one that breaks its schema is none
    shape = {"namespace": node.namespace, "name": node.name, "version": version.version}
    found = {member: facts.get(key) for member, key in _MEMBERS.items()}
    return {**shape, **{member: value for member, value in found.items() if value is not None}}
