"""What causes and impact are asked of: a graph at an instant, with everything judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from lineage_bridge.answers.cause.earlier import Earlier
from lineage_bridge.answers.cause.impact import active_runs
from lineage_bridge.answers.cause.upstream import below, downstream
from lineage_bridge.answers.drift import DeploymentDrift
from lineage_bridge.answers.health import DeploymentHealth
from lineage_bridge.answers.status import Statuses
from lineage_bridge.assess.cause.symptoms import Class, Reason, class_of
from lineage_bridge.assess.liveness import is_retired
from lineage_bridge.assess.status.faults import OK, Way
from lineage_bridge.assess.status.serving import LEVELS, faults_of_drift
from lineage_bridge.graph.model import End, Graph

_FEW = 16  # candidates from each of which one walks down; of more, all are found at once


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

    def counts(self, own: str, place: tuple[End, Way] | None, of: Class) -> tuple[int, int, int]:
        """Count the active deployments that have a candidate upstream, and show a class of symptom.

        Args:
            own: the deployment that is asked about, by its predictions: it does both.
            place: where the candidate is, and how it travels; None: it is that deployment's own.
            of: the class. Of drift only those count that have a log.

        Returns:
            How many do both, how many show it, and how many have it.
        """
        itself = self._bits.get(own, 0)
        logged = self._logged if of == "drift" else -1
        showing = self._showing.get(of, 0) | itself
        having = itself
        if place is not None:
            having |= self._below(*place) & logged
        own_alone = int(not itself)  # one that nobody waits for is in none of the sets
        both = (having & showing).bit_count() + own_alone
        return both, showing.bit_count() + own_alone, having.bit_count() + own_alone

    def counts_of_service(self, one: DeploymentHealth, of: Class) -> tuple[int, int, int]:
        """Count as `counts` does, as if all deployments of a service had what one of them has."""
        showing = self._showing.get(of, 0)
        having = self._services.get(one.slot.service, 0)
        return (having & showing).bit_count(), showing.bit_count(), having.bit_count()

    @cached_property
    def _services(self) -> Mapping[str, int]:
        found: dict[str, int] = {}
        for predictions, one in self.active.items():
            service = one.slot.service
            found[service] = found.get(service, 0) | self._bits[predictions]
        return found

    @cached_property
    def _bits(self) -> Mapping[str, int]:
        return {predictions: 1 << n for n, predictions in enumerate(self.active)}

    @cached_property
    def _logged(self) -> int:
        return sum(bit for predictions, bit in self._bits.items() if predictions in self._drift)

    @cached_property
    def _showing(self) -> Mapping[Class, int]:
        found: dict[Class, int] = {}
        for predictions, one in self.active.items():
            for reason in own_reasons(one, self.drift_of(one)):
                found[reason.of] = found.get(reason.of, 0) | self._bits[predictions]
        return found

    def _below(self, end: End, way: Way) -> int:
        """Return the active deployments below an end, a bit for each."""
        if (end, way) not in self._walked:
            if len(self._walked) >= _FEW:
                return self._all_below[way].get(end, 0)
            reached = downstream(self.statuses.travel, [end], (way,)).keys()
            runs = self._runs.keys()
            few, many = (reached, runs) if len(reached) < len(runs) else (runs, reached)
            bits = {self._bits[self._runs[run]] for run in few if run in many}
            self._walked[end, way] = sum(bits)
        return self._walked[end, way]

    @cached_property
    def _walked(self) -> dict[tuple[End, Way], int]:
        return {}

    @cached_property
    def _all_below(self) -> Mapping[Way, Mapping[End, int]]:
        targets: dict[End, int] = {run: self._bits[one] for run, one in self._runs.items()}
        travel = self.statuses.travel
        return {"bound": below(travel, targets, "bound"), "live": below(travel, targets, "live")}

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
