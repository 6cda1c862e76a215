"""What pruning must leave as it was: a graph, less the runs and versions that are gone."""

from __future__ import annotations

from typing import Any


def without_the_gone(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """The graph `before` without the runs and versions that `after` lacks, and their edges."""
    kept = {end for node in after["nodes"] for end in ends(node)}
    return {
        **before,
        "nodes": [only(node, kept) for node in before["nodes"]],
        "edges": [e for e in before["edges"] if gone_free(e, before, kept)],
    }


def ends(node: dict[str, Any]) -> set[str]:
    marks = [run["id"] for run in node["runs"]] + [v["version"] for v in node["versions"]]
    return {node["id"], *(f"{node['id']}@{mark}" for mark in marks)}


def only(node: dict[str, Any], kept: set[str]) -> dict[str, Any]:
    return {
        **node,
        "runs": [r for r in node["runs"] if f"{node['id']}@{r['id']}" in kept],
        "versions": [v for v in node["versions"] if f"{node['id']}@{v['version']}" in kept],
    }


def gone_free(edge: dict[str, Any], before: dict[str, Any], kept: set[str]) -> bool:
    # An end that no node lists (the output of a run that still goes on) is not gone.
    listed = {end for node in before["nodes"] for end in ends(node)}
    return all(edge[side] in kept or edge[side] not in listed for side in ("from", "to"))
