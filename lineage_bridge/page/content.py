"""What the page shows: the facts of one home at one instant, in the shapes of `graph`.

The tables are brought up to date first, so the page is never behind the journal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lineage_bridge import facets
from lineage_bridge.assess.freshness import FRESH, LATE, STALE, UNKNOWN
from lineage_bridge.assess.reasons import rank
from lineage_bridge.graph.deployments import deployments
from lineage_bridge.graph.freshness import freshness_json
from lineage_bridge.graph.health import health_json
from lineage_bridge.graph.load import load
from lineage_bridge.graph.model import Graph
from lineage_bridge.graph.reduce import reduce
from lineage_bridge.journal import Journal

_FACETS = (facets.FRESHNESS, facets.DEPLOYMENT, facets.SERVING_HEALTH)
_WORST_FIRST = (STALE, LATE, UNKNOWN, FRESH)


@dataclass(frozen=True, slots=True)
class Content:
    """All that the page shows.

    Attributes:
        at: the instant that everything was judged at.
        events: how many events the journal has had.
        namespaces: those that have jobs, sorted.
        datasets: as `freshness --json` lists them, worst first.
        deployments: as `health --json` lists them, worst first, each with the node id of its
            predictions.
    """

    at: datetime
    events: int
    namespaces: tuple[str, ...]
    datasets: tuple[Mapping[str, Any], ...]
    deployments: tuple[tuple[str, Mapping[str, Any]], ...]


def read_content(journal: Journal, at: datetime) -> Content:
    """The facts at that instant.

    Raises:
        JournalError: the journal cannot be read.
    """
    graph, events = _load(journal, at)
    judged = health_json(graph, at)["deployments"]
    nodes = [deployment.predictions for deployment in deployments(graph)]
    return Content(
        at=at,
        events=events,
        namespaces=_namespaces_of_jobs(graph),
        datasets=tuple(sorted(freshness_json(graph, at)["datasets"], key=_dataset_order)),
        deployments=tuple(sorted(zip(nodes, judged, strict=True), key=_deployment_order)),
    )


def read_health(journal: Journal, at: datetime) -> dict[str, Any]:
    """As `health --json`.

    Raises:
        JournalError: the journal cannot be read.
    """
    return health_json(_load(journal, at)[0], at)


def _load(journal: Journal, at: datetime) -> tuple[Graph, int]:
    events = reduce(journal)
    with journal.reading() as connection:
        return load(connection, at=at, keys=_FACETS), events


def _namespaces_of_jobs(graph: Graph) -> tuple[str, ...]:
    found = {node.namespace for node in graph.nodes.values() if node.kind == "job"}
    return tuple(sorted(found))


def _dataset_order(dataset: Mapping[str, Any]) -> tuple[int, str, str]:
    return _WORST_FIRST.index(dataset["status"]), dataset["name"], dataset["namespace"]


def _deployment_order(entry: tuple[str, Mapping[str, Any]]) -> tuple[Any, ...]:
    found = entry[1]
    return (-rank(found["status"]), found["service"], found["environment"], found["deployment"])
