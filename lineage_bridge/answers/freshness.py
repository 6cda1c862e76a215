"""Freshness of every dataset that has a freshness facet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from lineage_bridge.assess.freshness import Freshness, freshness_at
from lineage_bridge.assess.policies import Policies
from lineage_bridge.facets.freshness import FreshnessFacet
from lineage_bridge.graph.model import Graph, Node


@dataclass(frozen=True, slots=True)
class DatasetFreshness:
    """How old one version of a dataset is."""

    node: Node
    version: str
    finding: Freshness


def judge_freshness(
    graph: Graph, at: datetime, policies: Policies, *, every_version: bool
) -> Iterator[DatasetFreshness]:
    """Judge the newest version with a freshness facet of each dataset, or all of them newest first.

    The datasets are sorted. Each is judged by the policy that the settings give for it; where they
    give none, by the one that its facet carries.
    """
    for node in graph.nodes.values():
        found = node.versions_with(FreshnessFacet.key) if node.versions else ()
        for version in found if every_version else found[-1:]:
            facet = version.facets.of(FreshnessFacet)
            assert facet is not None, "a facet that is there was found sound"
            policy = policies.said_of_freshness(node.name)
            yield DatasetFreshness(node, version.version, freshness_at(facet, at, policy))
