"""Drift of every deployment: the newest finding on the log of the model version that serves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from lineage_bridge.answers.health import Versioned
from lineage_bridge.facets.deployment import DeploymentFacet
from lineage_bridge.facets.drift import DriftFacet, DriftWindow
from lineage_bridge.facets.serving_health import ServingHealthFacet
from lineage_bridge.graph.deployments import Deployment, with_logged
from lineage_bridge.graph.model import Graph, Node
from lineage_bridge.naming import Slot

# The facets that the answer is made of: of findings, and of the deployments that have logs.
KEYS: Final = (DriftFacet.key, DeploymentFacet.key, ServingHealthFacet.key)

DriftStatus = Literal["critical", "warning", "none", "unknown"]
# Why nobody knows: there is no log, none of the version that serves, nothing that it could be held
# against (or no look at it yet), too few rows, or no feature in common.
Unknown = Literal["no_log", "not_of_this_version", "not_compared", "insufficient_data",
                  "nothing_to_compare"]  # fmt: skip


@dataclass(frozen=True, slots=True)
class DeploymentDrift:
    """The drift of one deployment.

    Attributes:
        deployment: the deployment, with its activations.
        status: the severity that was found; `unknown` is never an all-clear.
        why: why it is unknown.
        facet: the finding; where the version that serves has none, the newest of any other.
        age_seconds: since the end of the hour that was judged last; None where none was.
        model: the model version that the finding is of, as the log names it.
        log: the name of its inference log; None where none is known.
        namespace: of the deployment, where another namespace has one of the same slot; else None.
    """

    deployment: Deployment
    status: DriftStatus
    why: Unknown | None
    facet: DriftFacet | None
    age_seconds: float | None
    model: Versioned | None
    log: str | None
    namespace: str | None = None

    @property
    def slot(self) -> Slot:
        """Service, environment and deployment."""
        return self.deployment.slot

    @property
    def has_untrained(self) -> bool:
        """Whether the model is asked more than the policy lets pass of what it never saw."""
        found = () if self.facet is None else self.facet.untrained.features or ()
        return any(one.is_fault for one in found)

    @property
    def window(self) -> DriftWindow | None:
        """The longest window that was judged; else the longest."""
        if self.facet is None or not self.facet.windows:
            return None
        judged = [window for window in self.facet.windows if window.status == "judged"]
        return (judged or list(self.facet.windows))[-1]


def judge_drift(
    graph: Graph, found: Sequence[Deployment], at: datetime
) -> tuple[DeploymentDrift, ...]:
    """Say how each deployment drifts, and each of which only a log tells; sorted by slot.

    Args:
        graph: of the same instant.
        found: the deployments that events and windows tell of.
        at: the instant.
    """
    every = with_logged(graph, found)
    uses = Counter(one.slot for one in every)
    return tuple(_judge(graph, one, at, is_unique=uses[one.slot] == 1) for one in every)


def _judge(graph: Graph, one: Deployment, at: datetime, *, is_unique: bool) -> DeploymentDrift:
    log = None if one.log is None else graph.called(one.log)
    findings = dict(_findings(log)) if log is not None else {}
    serving = _serving(one)
    facet = findings.get(serving) if serving else None
    newest = max(findings.values(), key=lambda found: found.evaluated_at, default=None)
    status, why = _status(facet if serving else newest)
    if why is not None and serving and facet is None:
        why = _missing(log, serving)
    shown = facet or newest
    return DeploymentDrift(
        one,
        status,
        why if log is not None else "no_log",
        shown,
        None if shown is None else max(0.0, (at - shown.evaluated_at).total_seconds()),
        None if shown is None else Versioned(shown.model, shown.model_version),
        None if log is None else log.name,
        None if is_unique else one.namespace,
    )


def _findings(log: Node) -> Iterator[tuple[tuple[str, str], DriftFacet]]:
    for version in log.versions:
        facet = version.facets.of(DriftFacet)
        if facet is not None:
            yield (facet.model, facet.model_version), facet


def _serving(one: Deployment) -> tuple[str, str] | None:
    """Return the model and the version that serve now, as the deployment names them."""
    facet = None if one.current is None else one.current.runs[0].facets.of(DeploymentFacet)
    return None if facet is None else (facet.model, facet.model_version)


def _missing(log: Node | None, serving: tuple[str, str]) -> Unknown:
    if log is None:
        return "no_log"
    is_logged = log.version_named("/".join(serving)) is not None
    return "not_compared" if is_logged else "not_of_this_version"


def _status(facet: DriftFacet | None) -> tuple[DriftStatus, Unknown | None]:
    if facet is None:
        return "unknown", "not_compared"
    if facet.status != "judged":
        return "unknown", facet.status
    return facet.severity, None
