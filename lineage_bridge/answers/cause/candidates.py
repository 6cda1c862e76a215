"""What may be the cause of a deployment's symptom: faults and changes with a way to what serves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final, Literal

from lineage_bridge.answers.cause.impact import active_runs
from lineage_bridge.answers.cause.situation import Situation
from lineage_bridge.answers.cause.upstream import Reach, Upstream
from lineage_bridge.answers.health import DeploymentHealth
from lineage_bridge.assess.cause.kinds import Sort, sort_of
from lineage_bridge.assess.cause.score import CHANGED, severity_of
from lineage_bridge.assess.cause.symptoms import Reason
from lineage_bridge.assess.status.faults import Fault, Way, worst
from lineage_bridge.facets.deployment import DeploymentFacet
from lineage_bridge.graph.deployments import Activation, is_model
from lineage_bridge.graph.model import End, Graph, Node

_WAYS: Final[tuple[Way, ...]] = ("bound", "live")
_LESS_SURE: Final = 0.9  # what is concluded from builds, and not seen itself
_MOST_ACTIVATIONS: Final = 20  # that a look goes back
ChangeCode = Literal["release", "other_dataset"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One fault or change that may be the cause.

    Attributes:
        end: where it is.
        sort: its row in the table.
        severity: how much it counts, from 0 to 1.
        link: how sure the way from it is, from 0 to 1.
        path: all ends from it to the deployment's predictions.
        since: when it began by itself.
        reached: when it reached the deployment.
        way: how it travels; None if it is the slot's own.
        fault: what is wrong; None for a change.
        columns: that it is about.
        value: of a change: what is there now.
        before: of a change: what was there before.
    """

    end: End
    sort: Sort
    severity: float
    link: float
    path: tuple[End, ...]
    since: datetime | None
    reached: datetime | None
    way: Way | None = None
    fault: Fault | None = None
    columns: tuple[str, ...] = ()
    value: str | None = None
    before: str | None = None


class Gathering:
    """Gathers the candidates of one deployment.

    Args:
        situation: what is known.
        one: the deployment.
    """

    def __init__(self, situation: Situation, one: DeploymentHealth) -> None:
        self._situation = situation
        self._one = one
        self._travel = situation.statuses.travel
        predictions = situation.graph.called(one.deployment.predictions)
        self._target = End(predictions.id if predictions else one.deployment.predictions)

    @cached_property
    def reached(self) -> Mapping[Way, Upstream]:
        """The surest way from each end upstream to what serves now."""
        runs = [run.end for run in active_runs(self._one.deployment)]
        return {way: Upstream(self._travel, runs, way) for way in _WAYS}

    def all(self, reasons: Sequence[Reason]) -> Iterator[Candidate]:
        """Yield all candidates for these reasons of the deployment."""
        for way in _WAYS:
            for end in self._situation.statuses.faults:
                reach = self.reached[way].get(end)
                if reach is not None:
                    yield from self._faults(end, way, reach)
        yield from self._other_datasets()
        if any(reason.of != "inherited" for reason in reasons):
            yield from self._release()
            yield self._slot(reasons)

    def _faults(self, end: End, way: Way, reach: Reach) -> Iterator[Candidate]:
        for fault in self._situation.statuses.faults.get(end, ()):
            if fault.travels != way:
                continue
            found = self._in_time(end, way, reach, fault)
            if found is None:
                continue
            sort = sort_of(fault)
            if sort not in {"age_live", "content_live"} and self._is_read_live(found.path):
                sort = "content_live"
            link = found.confidence * (_LESS_SURE if sort in _CONCLUDED else 1.0)
            yield Candidate(
                end,
                sort,
                severity_of(fault.level),
                link,
                (*found.path, self._target),
                fault.since,
                self._reached_at(end, way, fault.since),
                way,
                fault,
                fault.columns,
            )

    def _in_time(self, end: End, way: Way, reach: Reach, fault: Fault) -> Reach | None:
        """Return a way that does not begin with a read from before the fault; None: there is none.

        Only what has no version changes under its readers.
        """
        if way == "live" or end.mark is not None or fault.since is None:
            return reach
        hops = [
            Reach(hop.confidence * found.confidence, (end, *found.path))
            for hop in self._travel.down(end, way)
            if (found := self.reached[way].get(hop.end)) is not None
            and not self._travel.is_before(hop.end, end, fault.since)
        ]
        return max(hops, key=lambda r: (r.confidence, -len(r.path), str(r.path)), default=None)

    def _is_read_live(self, path: Sequence[End]) -> bool:
        """Return whether what serves reads the last dataset of a way live."""
        if len(path) < 2 or path[-1].mark is None:
            return False
        run = self._situation.graph.nodes[path[-1].node].run_of_id(path[-1].mark)
        bindings = () if run is None else run.inputs
        return any(b.dataset == path[-2].node and b.kind == "live" for b in bindings)

    def _reached_at(self, end: End, way: Way, since: datetime | None) -> datetime | None:
        """Return when a fault reached the slot: when it was activated there, or began later."""
        if way == "live":
            return since
        began = self._upstream_since(end)
        return began if since is None or began is None else max(began, since)

    def _upstream_since(self, end: End) -> datetime | None:
        """Return since when an end has been upstream of what serves, release after release."""
        found: datetime | None = None
        for activation, ends in self._activations():
            if end not in ends:
                break
            found = activation.started
        return found

    def _activations(self) -> Iterator[tuple[Activation, Upstream]]:
        """Yield the activations, newest first, each with all that was upstream of it."""
        for n, activation in enumerate(reversed(self._one.deployment.activations)):
            if n == _MOST_ACTIVATIONS:
                return
            if n not in self._above:
                runs = [run.end for run in activation.runs]
                self._above[n] = Upstream(self._travel, runs, "bound")
            yield activation, self._above[n]

    @cached_property
    def _above(self) -> dict[int, Upstream]:
        return {0: self.reached["bound"]}

    def _other_datasets(self) -> Iterator[Candidate]:
        """Yield the runs upstream that read a dataset which their job had never read before."""
        nodes = self._situation.graph.nodes
        for end in self.reached["bound"]:
            if end.mark is None or nodes[end.node].kind != "job":
                continue
            found = other_datasets(self._situation.graph, nodes[end.node]).get(end.mark)
            run, reach = nodes[end.node].run_of_id(end.mark), self.reached["bound"].get(end)
            if found is not None and run is not None and reach is not None:
                now, before = found
                began = run.started or run.first
                yield Candidate(
                    end,
                    "other_dataset",
                    CHANGED,
                    reach.confidence,
                    (*reach.path, self._target),
                    began,
                    self._reached_at(end, "bound", began),
                    "bound",
                    value=now,
                    before=before,
                )

    def _release(self) -> Iterator[Candidate]:
        """Yield the release of another version than the slot served before."""
        activations = self._one.deployment.activations
        if len(activations) < 2:
            return
        old, new = activations[-2], activations[-1]
        served = [(new.model.end,)] if new.model is not None else [()]
        yield Candidate(
            new.runs[0].end,
            "release",
            CHANGED,
            1.0,
            (*served[0], new.runs[0].end, self._target),
            new.started,
            new.started,
            value=str(new.model.end) if new.model else None,
            before=str(old.model.end) if old.model else None,
        )

    def _slot(self, reasons: Iterable[Reason]) -> Candidate:
        level = worst(reason.level for reason in reasons if reason.of != "drift")
        runs = active_runs(self._one.deployment)
        end = End(runs[0].job) if runs else self._target
        path = (end, self._target) if end != self._target else (end,)
        return Candidate(end, "slot", severity_of(level), 1.0, path, None, None)


_CONCLUDED: Final = frozenset({"age_bound", "content_live"})


def other_datasets(graph: Graph, job: Node) -> Mapping[str, tuple[str, str]]:
    """Return the runs of a job that read a dataset which it had never read, by run id.

    With what is new, and what was read before. A deployment changes by what it serves.
    """
    return job.remembered("other datasets", lambda: dict(_other_datasets(graph, job)))


def _other_datasets(graph: Graph, job: Node) -> Iterator[tuple[str, tuple[str, str]]]:
    before: set[str] = set()
    for run in job.runs:
        if DeploymentFacet.key in run.facets:
            continue
        now = {
            binding.dataset
            for binding in run.inputs
            if binding.kind == "snapshot" and not is_model(graph.nodes[binding.dataset])
        }
        if before and now - before:
            yield run.id, (", ".join(sorted(now - before)), ", ".join(sorted(before)))
        before |= now
