"""What the inference logs of deployments say: how much was answered, and how good that was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lineage_bridge.answers import fairness as groups
from lineage_bridge.assess.policies import Policies
from lineage_bridge.facets.fairness import FairnessFacet
from lineage_bridge.facets.quality import QualityFacet
from lineage_bridge.graph.deployments import Deployment, with_logged
from lineage_bridge.graph.model import Graph
from lineage_bridge.naming import Slot

KEYS: Final = (QualityFacet.key, *groups.KEYS)  # the facets that the answer is made of


@dataclass(frozen=True, slots=True)
class DeploymentQuality:
    """What is known of one deployment's inference log.

    Attributes:
        deployment: the deployment, with its activations.
        versions: what each model version answered, by its newest request; none where there is no
            log, and nobody knows.
        age_seconds: since the newest request; None where there is none.
        namespace: of the deployment, where another namespace has one of the same slot; else None.
        fairness: what is known of groups for the version that answered last; None: nothing.
    """

    deployment: Deployment
    versions: tuple[QualityFacet, ...]
    age_seconds: float | None
    namespace: str | None = None
    fairness: FairnessFacet | None = None

    @property
    def slot(self) -> Slot:
        """Service, environment and deployment."""
        return self.deployment.slot

    @property
    def newest(self) -> QualityFacet | None:
        """That of the version that answered last."""
        return self.versions[-1] if self.versions else None

    @property
    def rows(self) -> int:
        """How many requests there are of all versions."""
        return sum(one.rows for one in self.versions)


def judge_quality(
    graph: Graph, found: Sequence[Deployment], at: datetime, policies: Policies
) -> tuple[DeploymentQuality, ...]:
    """Say what the log of each deployment tells, also of one of which only a log does.

    Args:
        graph: of the same instant.
        found: the deployments that events and windows tell of.
        at: the instant.
        policies: the limits of fairness.
    """
    every = with_logged(graph, found)
    uses = Counter(one.slot for one in every)
    return tuple(_judge(graph, one, at, policies, is_unique=uses[one.slot] == 1) for one in every)


def _judge(
    graph: Graph, one: Deployment, at: datetime, policies: Policies, *, is_unique: bool
) -> DeploymentQuality:
    versions = sorted(_versions(graph, one), key=_newest_last)
    newest = max((v.last_request for v in versions if v.last_request is not None), default=None)
    age_seconds = None if newest is None else max(0.0, (at - newest).total_seconds())
    namespace = None if is_unique else one.namespace
    fairness = groups.fairness_of(graph, one, policies)
    return DeploymentQuality(one, tuple(versions), age_seconds, namespace, fairness)


def _versions(graph: Graph, one: Deployment) -> Iterable[QualityFacet]:
    log = None if one.log is None else graph.called(one.log)
    versions = () if log is None else log.versions
    return _facets(version.facets.of(QualityFacet) for version in versions)


def _facets(found: Iterable[QualityFacet | None]) -> Iterator[QualityFacet]:
    return (facet for facet in found if facet is not None)


def _newest_last(facet: QualityFacet) -> tuple[datetime, str, str]:
    return facet.last_request or facet.evaluated_at, facet.model or "", facet.model_version or ""
