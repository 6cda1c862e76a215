"""Health of every deployment: its newest finding, judged again for silence and stops."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, takewhile

from lineage_bridge.answers.fairness import fairness_of
from lineage_bridge.assess.liveness import Health, Start, health_at
from lineage_bridge.assess.policies import Policies
from lineage_bridge.facets.deployment import DeploymentFacet
from lineage_bridge.facets.fairness import FairnessFacet
from lineage_bridge.facets.serving_health import ServingHealthFacet
from lineage_bridge.graph.deployments import Activation, Deployment, trained_on
from lineage_bridge.graph.model import Binding, Graph, Run
from lineage_bridge.naming import Slot


@dataclass(frozen=True, slots=True)
class Versioned:
    """A dataset or model by its name, with the version that is meant, if any."""

    name: str
    version: str | None


@dataclass(frozen=True, slots=True)
class DeploymentHealth:
    """The health of one deployment.

    Attributes:
        deployment: the deployment, with its activations.
        health: the judgement.
        facet: the facet that was judged; None where no window of the deployment was read.
        model: the model version that serves now, if known.
        dataset: the dataset version that this model was trained on, if known.
        namespace: of the deployment, where another namespace has one of the same slot; else None.
        fairness: what is known of groups for the version that answered last; its warning is no
            part of the status, which is of how the deployment runs.
    """

    deployment: Deployment
    health: Health
    facet: ServingHealthFacet | None
    model: Versioned | None
    dataset: Versioned | None
    namespace: str | None = None
    fairness: FairnessFacet | None = None

    @property
    def slot(self) -> Slot:
        """Service, environment and deployment."""
        return self.deployment.slot

    @property
    def requests(self) -> int:
        """How many requests the deployment ever had, by its windows."""
        totals = None if self.facet is None else self.facet.totals
        return 0 if totals is None else totals.requests or 0

    @property
    def activation(self) -> Activation | None:
        """The activation that serves now."""
        return self.deployment.current


def judge_health(
    graph: Graph, found: Iterable[Deployment], at: datetime, policies: Policies
) -> tuple[DeploymentHealth, ...]:
    """Judge these deployments of a graph.

    `graph` must be that of the same instant: facts with an event time after `at` are not in it.
    Statuses that come with time alone (stopped, silent, no requests yet) are judged by the policy
    that the settings give for a deployment; where they give none, by the one in its facet.
    """
    listed = list(found)
    uses = Counter(one.slot for one in listed)
    return tuple(_judge(graph, one, at, policies, is_unique=uses[one.slot] == 1) for one in listed)


def _judge(
    graph: Graph, found: Deployment, at: datetime, policies: Policies, *, is_unique: bool
) -> DeploymentHealth:
    facet = serving_health(graph, found)
    health = health_by(facet, found, at, policies)
    model = None if found.current is None else found.current.model
    dataset = trained_on(graph, model)
    return DeploymentHealth(
        found,
        health,
        facet,
        _versioned(graph, model),
        _versioned(graph, dataset),
        None if is_unique else found.namespace,
        fairness_of(graph, found, policies),
    )


def health_by(
    facet: ServingHealthFacet | None, found: Deployment, at: datetime, policies: Policies
) -> Health:
    """Judge a deployment by a finding, and by its starts since then."""
    return health_at(
        facet,
        at,
        starts=_starts_since(found, facet),
        policy=policies.said_of_serving(found.slot),
    )


def _starts_since(found: Deployment, facet: ServingHealthFacet | None) -> list[Start]:
    """Return the starts that can change a finding: those after it, or the newest without one."""
    if facet is None:
        return [_start(run) for run in islice(found.latest_starts(), 1)]
    return list(
        takewhile(lambda start: start.at > facet.evaluated_at, map(_start, found.latest_starts()))
    )


def _versioned(graph: Graph, binding: Binding | None) -> Versioned | None:
    if binding is None:
        return None
    return Versioned(graph.nodes[binding.dataset].name, binding.version)


def serving_health(graph: Graph, deployment: Deployment) -> ServingHealthFacet | None:
    """Return the newest finding for a deployment, None where no window of it was read."""
    node = graph.called(deployment.predictions)
    return None if node is None else node.facets.of(ServingHealthFacet)


def _start(run: Run) -> Start:
    facet = run.facets.of(DeploymentFacet)
    assert facet is not None, "a run without this facet is no start of a deployment"
    return Start(run.started or run.first, facet.model, facet.model_version)
