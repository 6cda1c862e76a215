"""Who is hit: the deployments below a node, by how much they are asked at present."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from lineage_bridge.answers.cause.earlier import Earlier
from lineage_bridge.answers.cause.upstream import downstream, way_back
from lineage_bridge.answers.health import DeploymentHealth
from lineage_bridge.facets.serving_health import ServingHealthFacet
from lineage_bridge.graph.deployments import Deployment
from lineage_bridge.graph.model import End, Graph, Run
from lineage_bridge.graph.travel import Travel
from lineage_bridge.naming import is_observer

WINDOW: Final = timedelta(minutes=15)
SHADOW: Final = "shadow"  # what is asked there is asked elsewhere too, and nobody waits for it
_ENDED: Final = frozenset({"silent", "stopped", "finished"})


@dataclass(frozen=True, slots=True)
class Hit:
    """One deployment that is hit.

    Attributes:
        deployment: the deployment.
        requests_per_minute: of the last 15 minutes; 0 for shadow traffic.
        path: how it comes from the node to the deployment.
    """

    deployment: Deployment
    requests_per_minute: float
    path: tuple[End, ...]


@dataclass(frozen=True, slots=True)
class Impact:
    """Who is hit by a node.

    Attributes:
        at: the instant.
        end: the node, version or run.
        hits: the deployments, by service, environment and deployment.
        nodes: the ids of all datasets and jobs below, sorted.
    """

    at: datetime
    end: End
    hits: tuple[Hit, ...]
    nodes: tuple[str, ...]

    @property
    def requests_per_minute(self) -> float:
        """Of all deployments together."""
        return sum(hit.requests_per_minute for hit in self.hits)


def impact(
    graph: Graph,
    travel: Travel,
    health: Sequence[DeploymentHealth],
    end: End,
    at: datetime,
    earlier: Earlier,
) -> Impact:
    """Say who is hit by what is wrong with a node.

    Args:
        graph: of the instant.
        travel: the edges along which trouble travels.
        health: of every deployment.
        end: the node; without a mark, any version or run of it.
        at: the instant.
        earlier: reads how a deployment was before.
    """
    before = downstream(travel, _starts(graph, end), ("bound", "live"))
    hits = []
    for one in health:
        run = next((r.end for r in active_runs(one.deployment) if r.end in before), None)
        if run is not None:
            path = (*way_back(before, run), End(one.deployment.predictions))
        elif one.deployment.predictions == end.node:
            path = (end,)
        else:
            continue
        hits.append(Hit(one.deployment, requests_per_minute(one, at, earlier), path))
    below = {e.node for e in before} - {end.node}
    nodes = sorted(id_ for id_ in below if not is_observer(graph.nodes[id_].name))
    return Impact(at, end, tuple(hits), tuple(nodes))


def _starts(graph: Graph, end: End) -> list[End]:
    if end.mark is not None:
        return [end]
    node = graph.nodes[end.node]
    marks = [run.id for run in node.runs] + [version.version for version in node.versions]
    return [end, *(End(node.id, mark) for mark in marks)]


def active_runs(deployment: Deployment) -> Sequence[Run]:
    """Return the runs that serve now; those of the newest activation where none goes on."""
    current = deployment.current
    if current is None:
        return ()
    return [run for run in current.runs if run.state == "RUNNING"] or current.runs


def requests_per_minute(one: DeploymentHealth, at: datetime, earlier: Earlier) -> float:
    """Return how much a deployment was asked in the last 15 minutes, requests a minute.

    Totals are told every 15 minutes and at changes. So what came between the newest telling and the
    last one before the 15 minutes is taken as spread evenly; a deployment that goes on is taken to
    have been asked as much since the newest.
    """
    facet = one.facet
    if one.slot.environment == SHADOW or facet is None:
        return 0.0
    begin, newest = at - WINDOW, min(_told(facet), at)
    has_ended = any(reason.code in _ENDED for reason in one.health.reasons)
    if has_ended and newest <= begin:
        return 0.0
    before = earlier(one.deployment.predictions, min(begin, newest - timedelta(minutes=1)))
    since, asked = _since(one, facet, before)
    seconds = (newest - since).total_seconds()
    if seconds <= 0:
        return 0.0
    covered = ((newest if has_ended else at) - max(begin, since)).total_seconds()
    rate = (one.requests - asked) / seconds
    return max(0.0, rate * covered) / (WINDOW.total_seconds() / 60)


def _since(
    one: DeploymentHealth, facet: ServingHealthFacet, before: ServingHealthFacet | None
) -> tuple[datetime, int]:
    """Return an earlier instant, and how many requests there had been by then."""
    if before is not None:
        totals = before.totals
        return _told(before), 0 if totals is None else totals.requests or 0
    if one.deployment.activations:
        return one.deployment.activations[0].started, 0
    if facet.activation_started_at is not None:
        return facet.activation_started_at, 0
    return _told(facet) - timedelta(minutes=facet.windows or 1), 0


def _told(facet: ServingHealthFacet) -> datetime:
    """Return until when a facet's totals count."""
    return facet.newest_window_end or facet.evaluated_at
