"""What causes and impact are asked of: a graph at an instant, with everything judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from lineage_bridge.answers.cause.earlier import Earlier
from lineage_bridge.answers.cause.impact import active_runs
from lineage_bridge.answers.cause.upstream import downstream
from lineage_bridge.answers.drift import DeploymentDrift
from lineage_bridge.answers.health import DeploymentHealth
from lineage_bridge.answers.status import Statuses
from lineage_bridge.assess.cause.symptoms import Class, Reason, class_of
from lineage_bridge.assess.liveness import is_retired
from lineage_bridge.assess.status.faults import OK, Way
from lineage_bridge.assess.status.serving import LEVELS, faults_of_drift
from lineage_bridge.graph.model import End, Graph


@dataclass(frozen=True)
class Situation:
    """A graph at an instant, judged.

    Attributes:
        graph: of the instant.
        at: the instant.
        statuses: of every node.
        health: of every deployment.
        drift: of every deployment.
        earlier: reads how a deployment was before.
    """

    graph: Graph
    at: datetime
    statuses: Statuses
    health: Sequence[DeploymentHealth]
    drift: Sequence[DeploymentDrift]
    earlier: Earlier

    def drift_of(self, one: DeploymentHealth) -> DeploymentDrift | None:
        """Return the drift of what serves there now; None where nobody knows."""
        return self._drift.get(one.deployment.predictions)

    @cached_property
    def _drift(self) -> Mapping[str, DeploymentDrift]:
        return {one.deployment.predictions: one for one in self.drift if one.why is None}

    @cached_property
    def active(self) -> Mapping[str, DeploymentHealth]:
        """The deployments that somebody waits for, by their predictions."""
        return {
            one.deployment.predictions: one for one in self.health if not is_retired(one.health)
        }

    @cached_property
    def showing(self) -> Mapping[Class, frozenset[str]]:
        """The active deployments that show something of a class, by their predictions."""
        found: dict[Class, set[str]] = {}
        for predictions, one in self.active.items():
            for reason in own_reasons(one, self.drift_of(one)):
                found.setdefault(reason.of, set()).add(predictions)
        return {of: frozenset(predictions) for of, predictions in found.items()}

    def having(self, end: End, way: Way, of: Class) -> frozenset[str]:
        """Return the active deployments below an end; for drift, those that have a log."""
        key = end, way
        if key not in self._having:
            self._having[key] = frozenset(self._below(end, way))
        found = self._having[key]
        return found if of != "drift" else found & self._drift.keys()

    @cached_property
    def _having(self) -> dict[tuple[End, Way], frozenset[str]]:
        return {}

    def _below(self, end: End, way: Way) -> set[str]:
        reached = downstream(self.statuses.travel, [end], (way,)).keys()
        return {self._runs[run] for run in reached & self._runs.keys()}

    @cached_property
    def _runs(self) -> Mapping[End, str]:
        """The runs that serve now, and whose predictions they write."""
        return {
            run.end: predictions
            for predictions, one in self.active.items()
            for run in active_runs(one.deployment)
        }


def own_reasons(one: DeploymentHealth, drift: DeploymentDrift | None) -> list[Reason]:
    """List what a deployment shows itself: why it is not well, and critical drift of its log."""
    found = [
        Reason(r.code, class_of(r.code), r.since, level, r.value, r.threshold)
        for r in one.health.reasons
        if (level := LEVELS[r.level]) != OK
    ]
    level = LEVELS[one.health.status]
    if level != OK and not found:
        found.append(Reason(one.health.status, "errors", None, level))
    if drift is not None and drift.facet is not None:
        found += [
            Reason(f.code, "drift", f.since, f.level, f.value, f.threshold, f.columns)
            for f in faults_of_drift(drift.facet)
            if f.code == "drift_critical"
        ]
    return found
