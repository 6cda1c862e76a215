"""Whether deployments answer some groups worse than others: what was counted, judged again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from lineage_bridge.assess.groups.fairness import assess_fairness
from lineage_bridge.assess.policies import Policies
from lineage_bridge.facets.fairness import FairnessFacet
from lineage_bridge.facets.quality import Estimate
from lineage_bridge.graph.deployments import Deployment
from lineage_bridge.graph.model import Graph

KEYS: Final = (FairnessFacet.key,)  # the facets that the answer is made of


@dataclass(frozen=True, slots=True)
class GroupGap:
    """Two groups that are answered differently, by so much."""

    measure: str
    gap: Estimate
    best: str
    worst: str
    most: float


def fairness_of(graph: Graph, one: Deployment, policies: Policies) -> FairnessFacet | None:
    """Return what is known of groups for the model version that answered last, if anything is.

    Where the settings say something of it their limits count, else those in the facet.
    """
    log = None if one.log is None else graph.called(one.log)
    facets = (version.facets.of(FairnessFacet) for version in (log.versions if log else ()))
    known = [facet for facet in facets if facet is not None]
    if not known:
        return None
    return _judged_again(max(known, key=_answered), one, policies)


def _answered(facet: FairnessFacet) -> tuple[datetime, str]:
    return facet.last_request or facet.evaluated_at, facet.model_version or ""


def _judged_again(facet: FairnessFacet, one: Deployment, policies: Policies) -> FairnessFacet:
    policy = policies.said_of_fairness(one.slot.deployment)
    if policy is None:
        return facet
    found = assess_fairness(facet.groups, policy)
    gap = None
    if found.gap is not None:
        gap = Estimate(value=found.gap, low=found.low, high=found.high)
    return replace(
        facet,
        status=found.status,
        measure=policy.measure,
        gap=gap,
        best=found.best,
        worst=found.worst,
        gap_most=policy.gap_most,
        fewest_labels=policy.fewest_labels,
    )


def warned_of(facet: FairnessFacet | None) -> GroupGap | None:
    """Return the gap to warn of, None if there is none."""
    if facet is None or facet.status != "warning" or facet.gap is None:
        return None
    best, worst = facet.best or "", facet.worst or ""
    return GroupGap(facet.measure, facet.gap, best, worst, facet.gap_most)
