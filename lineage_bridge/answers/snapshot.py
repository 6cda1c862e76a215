"""The graph at one instant with the policies that it is judged by: every surface asks it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final, Self, TypeVar

from lineage_bridge.answers import checks, drift, quality, status
from lineage_bridge.answers.cause import Blame, Impact, Situation, Trouble, blame, impact, trouble
from lineage_bridge.answers.cause.earlier import Earlier, earlier_in, nothing_earlier
from lineage_bridge.answers.changes import Change, changes_in
from lineage_bridge.answers.checks import DatasetChecks, checks_of, judge_checks
from lineage_bridge.answers.drift import DeploymentDrift, judge_drift
from lineage_bridge.answers.freshness import DatasetFreshness, judge_freshness
from lineage_bridge.answers.health import DeploymentHealth, judge_health
from lineage_bridge.answers.quality import DeploymentQuality, judge_quality
from lineage_bridge.answers.status import Facts, Statuses, own_faults
from lineage_bridge.assess.policies import Policies
from lineage_bridge.errors import JournalError, JudgingError
from lineage_bridge.facets.deployment import DeploymentFacet
from lineage_bridge.facets.fairness import FairnessFacet
from lineage_bridge.facets.feature_set import FeatureSetFacet
from lineage_bridge.facets.freshness import FreshnessFacet
from lineage_bridge.facets.serving_health import ServingHealthFacet
from lineage_bridge.facets.training import TrainingFacet
from lineage_bridge.graph.deployments import Deployment, deployments
from lineage_bridge.graph.find import Parents, find, find_datasets, meant_by
from lineage_bridge.graph.load import load, no_collection
from lineage_bridge.graph.model import End, Graph
from lineage_bridge.graph.travel import Travel
from lineage_bridge.journal import Journal

_Answer = TypeVar("_Answer")
_OfDeployment = TypeVar("_OfDeployment", DeploymentHealth, DeploymentDrift, DeploymentQuality)

# The facets that health and freshness are made of; the others are not even loaded.
STATUS_KEYS: Final = (
    FreshnessFacet.key,
    FeatureSetFacet.key,
    TrainingFacet.key,
    DeploymentFacet.key,
    ServingHealthFacet.key,
    FairnessFacet.key,
    "dataQualityMetrics",
    "outputStatistics",
    "datasetType",
)
# Those that own and inherited status are made of.
NODE_KEYS: Final = tuple(dict.fromkeys((*STATUS_KEYS, *drift.KEYS, *status.KEYS)))
# Those that any answer or metric is made of.
JUDGED_KEYS: Final = tuple(
    dict.fromkeys((*STATUS_KEYS, *checks.KEYS, *drift.KEYS, *quality.KEYS, *status.KEYS))
)


@dataclass(frozen=True)
class Snapshot:
    """The graph at one instant, judged.

    Each judgement is made once, when it is first asked for.

    Attributes:
        graph: the graph of the events that had happened by then.
        policies: the limits that the settings give for datasets and deployments.
        at: the instant.
        earlier: reads how a deployment was before; only while the journal can be read.
    """

    graph: Graph
    policies: Policies
    at: datetime
    earlier: Earlier = nothing_earlier

    @classmethod
    def load(
        cls,
        connection: sqlite3.Connection,
        policies: Policies,
        at: datetime,
        *,
        known_at: datetime | None = None,
        keys: Collection[str] = JUDGED_KEYS,
    ) -> Self:
        """Load a snapshot for one question; the graph's model must have caught up.

        Args:
            connection: on the journal's database.
            policies: see the class.
            at: see the class.
            known_at: use only events that had arrived by then.
            keys: of the facets that the question needs.
        """
        graph = load(connection, at=at, known_at=known_at, keys=keys)
        return cls(graph, policies, at, earlier_in(connection, known_at))

    @cached_property
    def deployments(self) -> list[Deployment]:
        """Every deployment that an event or a window tells of, sorted by slot."""
        return deployments(self.graph)

    @cached_property
    def health(self) -> tuple[DeploymentHealth, ...]:
        """The health of every deployment, sorted by service, environment and deployment.

        Raises:
            JudgingError: a bug of ours.
        """
        return _judged(
            "Health", lambda: judge_health(self.graph, self.deployments, self.at, self.policies)
        )

    def health_of(
        self, text: str, parents: Callable[[], Parents] | None = None
    ) -> tuple[DeploymentHealth, ...]:
        """Return the health of the deployments that somebody means by a text.

        Args:
            text: a deployment, or its predictions, its inference log, its job or a run of it; see
                `graph.find`.
            parents: as for `graph.find.find`.

        Raises:
            JudgingError: a bug of ours.
            NodeNotFoundError: no deployment has that name.
            AmbiguousNodeError: a part of a run id fits several.
        """
        return self._meant(self.health, text, parents)

    @cached_property
    def drift(self) -> tuple[DeploymentDrift, ...]:
        """The drift of every deployment, sorted by service, environment and deployment.

        Raises:
            JudgingError: a bug of ours.
        """
        return _judged("Drift", lambda: judge_drift(self.graph, self.deployments, self.at))

    def drift_of(
        self, text: str, parents: Callable[[], Parents] | None = None
    ) -> tuple[DeploymentDrift, ...]:
        """Return the drift of the deployments that somebody means; see `health_of`."""
        return self._meant(self.drift, text, parents)

    @cached_property
    def quality(self) -> tuple[DeploymentQuality, ...]:
        """What the inference log of every deployment says, sorted as `health` is.

        Raises:
            JudgingError: a bug of ours.
        """
        return _judged("Quality", self._quality)

    def _quality(self) -> tuple[DeploymentQuality, ...]:
        return judge_quality(self.graph, self.deployments, self.at, self.policies)

    def quality_of(
        self, text: str, parents: Callable[[], Parents] | None = None
    ) -> tuple[DeploymentQuality, ...]:
        """Return what the logs of the deployments say that somebody means; see `health_of`."""
        return self._meant(self.quality, text, parents)

    def _meant(
        self, answers: Sequence[_OfDeployment], text: str, parents: Callable[[], Parents] | None
    ) -> tuple[_OfDeployment, ...]:
        known = [one.deployment for one in answers]
        logged = (d for d in known if d.log is not None and text in {d.log, d.slot.inference_log})
        log = next(logged, None)
        meant = (
            set(meant_by(self.graph, known, text, parents)) if log is None else {log.predictions}
        )
        return tuple(one for one in answers if one.deployment.predictions in meant)

    def changes(
        self,
        text: str | None = None,
        parents: Callable[[], Parents] | None = None,
        *,
        since: datetime | None = None,
    ) -> tuple[Change, ...]:
        """List what changed, oldest first; the graph must have the facets of `changes.KEYS`.

        Args:
            text: only changes of this node, and of all that it was made of; see `graph.find`.
            parents: as for `graph.find.find`.
            since: only later ones.

        Raises:
            JudgingError: a bug of ours.
            NodeNotFoundError: nothing has that name.
            AmbiguousNodeError: several things have.
        """
        node = find(self.graph, text, parents) if text is not None else None
        return _judged(
            "Changes", lambda: changes_in(self.graph, self.deployments, node=node, since=since)
        )

    @cached_property
    def freshness(self) -> tuple[DatasetFreshness, ...]:
        """The freshness of the newest version of each dataset that is judged, sorted by dataset.

        Raises:
            JudgingError: a bug of ours.
        """
        return self._freshness(every_version=False)

    def freshness_of_all(self) -> tuple[DatasetFreshness, ...]:
        """Return the freshness of every version that is known; the newest comes last."""
        return self._freshness(every_version=True)

    @cached_property
    def checks(self) -> tuple[DatasetChecks, ...]:
        """What was found in the newest version of each dataset that is checked, sorted by dataset.

        Raises:
            JudgingError: a bug of ours.
        """
        return _judged("Checks", lambda: tuple(judge_checks(self.graph, every_version=False)))

    def checks_of(
        self, text: str, parents: Callable[[], Parents] | None = None
    ) -> tuple[DatasetChecks, ...]:
        """Return what was found in what somebody means by a text.

        Args:
            text: a dataset, of which the newest version counts; a version of it; or a job, which
                means what it writes. See `graph.find`.
            parents: as for `graph.find.find`.

        Raises:
            JudgingError: a bug of ours.
            NodeNotFoundError: nothing has that name.
            AmbiguousNodeError: several things have.
        """
        end = find(self.graph, text, parents)
        node = self.graph.nodes[end.node]
        if node.kind == "job":
            meant = sorted(find_datasets(self.graph, text, parents))
            return tuple(checks_of(self.graph.nodes[id_]) for id_ in meant)
        return (_judged("Checks", lambda: checks_of(node, end.mark)),)

    def checks_of_all(self) -> tuple[DatasetChecks, ...]:
        """Return what was found in every version of the same datasets; the newest comes last."""
        return _judged("Checks", lambda: tuple(judge_checks(self.graph, every_version=True)))

    @cached_property
    def statuses(self) -> Statuses:
        """How every node, version and run is, by itself and by what it inherits.

        Raises:
            JudgingError: a bug of ours.
        """
        facts = Facts(self.graph, self.at, self.freshness, self.health, self.drift)
        travel = Travel(self.graph, self.policies.feedback)
        return _judged("Status", lambda: Statuses(self.graph, own_faults(facts), travel))

    @cached_property
    def _situation(self) -> Situation:
        return Situation(self.graph, self.at, self.statuses, self.health, self.drift, self.earlier)

    def blame(self, end: End) -> Blame:
        """Say why a node, version or run is as it is; of a deployment any of its nodes will do.

        Raises:
            JudgingError: a bug of ours.
        """
        return _judged("Cause", lambda: blame(self._situation, end))

    def impact(self, end: End) -> Impact:
        """Say who is hit by what is wrong with a node, a version or a run.

        Raises:
            JudgingError: a bug of ours.
        """
        found = self._situation
        return _judged(
            "Impact",
            lambda: impact(
                self.graph, found.statuses.travel, self.health, end, self.at, self.earlier
            ),
        )

    @cached_property
    def trouble(self) -> Trouble:
        """Everything that is wrong, by its origin.

        Raises:
            JudgingError: a bug of ours.
        """
        return _judged("Trouble", lambda: trouble(self._situation))

    def _freshness(self, *, every_version: bool) -> tuple[DatasetFreshness, ...]:
        return _judged(
            "Freshness",
            lambda: tuple(
                judge_freshness(self.graph, self.at, self.policies, every_version=every_version)
            ),
        )


def _judged(what: str, judge: Callable[[], _Answer]) -> _Answer:
    """Return the answer. A failure is a bug of ours: an error for all, never an `unknown`."""
    try:
        with no_collection():  # many are made and few are dropped
            return judge()
    except JournalError:
        raise
    except Exception as exc:
        raise JudgingError(what, exc) from exc


class Snapshots:
    """Snapshots of one home, from a graph that is kept in memory; several threads may share them.

    Args:
        journal: writable, because asking brings the graph's tables up to date.
        policies: see `Snapshot`.
        keys: the facets that are kept: those that the answers are made of which are asked for.
    """

    def __init__(
        self, journal: Journal, policies: Policies, keys: Collection[str] = JUDGED_KEYS
    ) -> None:
        from lineage_bridge.graph.kept import KeptGraph  # who asks once needs none of it

        self._kept = KeptGraph(journal, keys=keys)
        self._policies = policies
        self._journal = journal

    def at(self, instant: datetime) -> Snapshot:
        """Return the snapshot of an instant.

        Raises:
            JournalError: the journal cannot be read.
        """
        graph, _ = self._kept.at(instant)
        return Snapshot(graph, self._policies, instant, self._earlier)

    def _earlier(self, predictions: str, instant: datetime) -> ServingHealthFacet | None:
        with self._journal.reading() as connection:
            return earlier_in(connection)(predictions, instant)
