"""The content of the page: one snapshot, worst first."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, TypeVar

from lineage_bridge.answers import (
    DatasetChecks,
    DatasetFreshness,
    DeploymentDrift,
    DeploymentHealth,
    Snapshot,
)
from lineage_bridge.answers.status import NodeStatus
from lineage_bridge.assess.status.faults import rank
from lineage_bridge.errors import JudgingError, log_bug
from lineage_bridge.show.freshness import worst_first as stalest_first
from lineage_bridge.show.health import worst_first as sickest_first
from lineage_bridge.show.statuses import counts

_LOG = logging.getLogger(__name__)

MAX_ROWS: Final = 500
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Section(Generic[Row]):
    """A table of the page.

    Attributes:
        rows: the rows that are shown.
        hidden: how many more there are.
        summary: how many there are of each status.
        bug: why the rows could not be judged; then all the others are empty.
    """

    rows: Sequence[Row] = ()
    hidden: int = 0
    summary: str = ""
    bug: str | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """All that the page shows.

    Attributes:
        at: the instant that everything was judged at.
        events: how many events were ever appended to the journal.
        namespaces: those that have jobs, sorted.
        deployments: worst first.
        datasets: worst first.
        nodes: jobs that are not ok, and datasets of which other tools say so, worst first.
        checks: what was found in the newest version of datasets, by their node ids; None if it
            could not be judged.
        drift: of deployments, by the node ids of their predictions; None likewise.
    """

    at: datetime
    events: int
    namespaces: tuple[str, ...]
    deployments: Section[DeploymentHealth]
    datasets: Section[DatasetFreshness]
    nodes: Section[NodeStatus]
    checks: Mapping[str, DatasetChecks] | None
    drift: Mapping[str, DeploymentDrift] | None

    @property
    def has_bug(self) -> bool:
        """Whether something could not be judged."""
        bugs = self.deployments.bug, self.datasets.bug, self.nodes.bug
        is_judged = self.checks is not None and self.drift is not None
        return not is_judged or any(bug is not None for bug in bugs)


def read_content(snapshot: Snapshot, events: int) -> Content:
    """Read the content of the page from a snapshot."""
    return Content(
        at=snapshot.at,
        events=events,
        namespaces=_namespaces_of_jobs(snapshot),
        deployments=_section(lambda: sickest_first(snapshot.health), lambda one: one.health.status),
        datasets=_section(
            lambda: stalest_first(snapshot.freshness), lambda one: one.finding.status
        ),
        nodes=_section(lambda: _broken(snapshot), lambda one: one.own),
        checks=_judged(lambda: {one.node.id: one for one in snapshot.checks}),
        drift=_judged(lambda: {one.deployment.predictions: one for one in snapshot.drift}),
    )


def _broken(snapshot: Snapshot) -> list[NodeStatus]:
    """List what the other tables do not tell: jobs, and what other tools assert of data."""
    found = [
        one
        for one in snapshot.statuses.amiss()
        if (one.faults and snapshot.graph.nodes[one.end.node].kind == "job")
        or any(fault.said_by is not None for fault in one.faults)
    ]
    return sorted(found, key=lambda one: (-rank(one.own), str(one.end)))


def _judged(judge: Callable[[], dict[str, Row]]) -> Mapping[str, Row] | None:
    try:
        return judge()
    except JudgingError as exc:
        log_bug(_LOG, "The page lacks an answer", exc)
        return None


def _section(judge: Callable[[], list[Row]], status: Callable[[Row], str]) -> Section[Row]:
    try:
        found = judge()
    except JudgingError as exc:
        log_bug(_LOG, "The page lacks an answer", exc)
        return Section(bug=str(exc))
    summary = counts(status(one) for one in found)
    return Section(found[:MAX_ROWS], max(0, len(found) - MAX_ROWS), summary)


def _namespaces_of_jobs(snapshot: Snapshot) -> tuple[str, ...]:
    nodes = snapshot.graph.nodes.values()
    return tuple(sorted({node.namespace for node in nodes if node.kind == "job"}))
