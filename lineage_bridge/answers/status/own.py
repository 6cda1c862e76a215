"""What is wrong by itself, and where: the facts of a snapshot, given to the rules of own status."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lineage_bridge.answers.clocks import history_of, newest_version
from lineage_bridge.answers.drift import DeploymentDrift
from lineage_bridge.answers.freshness import DatasetFreshness
from lineage_bridge.answers.health import DeploymentHealth
from lineage_bridge.answers.status.sources import (
    faults_of_newest_build,
    faults_of_old_builds,
    old_builds,
)
from lineage_bridge.answers.status.trainings import faults_of_trainings
from lineage_bridge.assess.assertions import ASSERTIONS, assertions_in
from lineage_bridge.assess.freshness import EFFECTIVE
from lineage_bridge.assess.status.age import Aged, fault_of_age, fault_of_overdue
from lineage_bridge.assess.status.content import faults_of_assertions, faults_of_checks
from lineage_bridge.assess.status.faults import Fault, worst_first
from lineage_bridge.assess.status.runs import RunFacts, faults_of_runs
from lineage_bridge.assess.status.serving import faults_of_drift, faults_of_health
from lineage_bridge.events import as_object, as_text
from lineage_bridge.facets import REPOSITORY
from lineage_bridge.facets.deployment import DeploymentFacet
from lineage_bridge.facets.validation import ValidationFacet
from lineage_bridge.graph.deployments import is_model
from lineage_bridge.graph.model import End, Graph, Node, Run
from lineage_bridge.graph.node_facets import Facets
from lineage_bridge.graph.writes import recent_writes
from lineage_bridge.naming import is_observer, is_predictions

KEYS: Final = (ValidationFacet.key, ASSERTIONS)  # the facets that it needs besides others' answers


@dataclass(frozen=True)
class Facts:
    """What own status is made of.

    Attributes:
        graph: of the instant.
        at: the instant.
        freshness: of the newest version of each dataset.
        health: of every deployment.
        drift: of every deployment.
    """

    graph: Graph
    at: datetime
    freshness: Sequence[DatasetFreshness]
    health: Sequence[DeploymentHealth]
    drift: Sequence[DeploymentDrift]


def own_faults(facts: Facts) -> dict[End, tuple[Fault, ...]]:
    """Return what is wrong, by where it is: a version, a run, or a node as it is now.

    What nothing is wrong with is left out. Faults are sorted, the worst first.
    """
    found: dict[End, list[Fault]] = defaultdict(list)
    for parts in (
        _of_nodes(facts),
        _of_ages(facts),
        _of_deployments(facts),
        faults_of_trainings(facts.graph, facts.freshness),
        faults_of_newest_build(facts.graph, found),
    ):
        for end, fault in list(parts):
            if fault not in found[end]:
                found[end].append(fault)
    return {end: worst_first(own) for end, own in found.items() if own}


def _of_nodes(facts: Facts) -> Iterator[tuple[End, Fault]]:
    for node in facts.graph.nodes.values():
        if node.kind == "dataset":
            yield from _content_of(node)
        elif node.runs and not is_observer(node.name):
            for fault in _of_job(node, facts.at):
                yield End(node.id), fault


def _content_of(node: Node) -> Sequence[tuple[End, Fault]]:
    return node.remembered("content faults", lambda: list(_content(node)))


def _content(node: Node) -> Iterator[tuple[End, Fault]]:
    """Yield what is wrong in the versions of a dataset, or in what has no version."""
    for version in node.versions:
        for fault in _in_facets(node, version.facets, version.time):
            yield End(node.id, version.version), fault
    if not node.versions:
        for fault in _in_facets(node, node.facets, None):
            yield End(node.id), fault


def _in_facets(node: Node, facets: Facets, since: datetime | None) -> Iterator[Fault]:
    checked = facets.of(ValidationFacet)
    if checked is not None:
        yield from faults_of_checks(checked, "model" if is_model(node) else "content")
    if ASSERTIONS in facets:
        said = as_object(facets[ASSERTIONS])
        producer = as_text(said.get("_producer")) or ""
        if not producer.startswith(REPOSITORY):  # ours say again what the facets above say
            yield from faults_of_assertions(assertions_in(facets), producer or None, since)


def _of_job(job: Node, at: datetime) -> Sequence[Fault]:
    known: list[Sequence[Fault]] = job.remembered("run faults", list)
    if not known:
        found = list(_run_faults(job, at))
        if any(run.state == "RUNNING" for run in job.runs):
            return found  # they change with time
        known.append(found)
    return known[0]


def _run_faults(job: Node, at: datetime) -> Iterator[Fault]:
    if job.runs_with(DeploymentFacet.key):  # how a deployment is, its predictions say
        return
    runs = (_run_facts(run) for run in job.runs)
    yield from faults_of_runs(runs, at, streaming=job.runs[-1].streaming)


def _run_facts(run: Run) -> RunFacts:
    return RunFacts(run.state, run.started or run.first, run.ended)


def _of_ages(facts: Facts) -> Iterator[tuple[End, Fault]]:
    aged: set[str] = set()
    for one in facts.freshness:
        fault = fault_of_age(one.finding)
        if fault is None or one.finding.basis == EFFECTIVE or is_predictions(one.node.name):
            continue
        for end, found in (End(one.node.id), fault), *_behind_age(facts, one, fault):
            aged.add(end.node)
            yield end, found
    for one in facts.freshness:
        if one.finding.basis == EFFECTIVE and one.live_source is not None:
            fault = fault_of_age(one.finding)
            if fault is not None and one.live_source.id not in aged:
                yield End(one.live_source.id), fault  # whoever reads it live inherits it


def _behind_age(facts: Facts, one: DatasetFreshness, fault: Fault) -> Iterator[tuple[End, Fault]]:
    """Yield why a dataset is late: its source stands still, or a build of its job is missing."""
    if fault.level == "unknown" or one.expectation.source == "default":
        return  # nobody expects another build
    graph, node = facts.graph, one.node
    history = history_of(graph, node)
    aged = Aged(one.finding, history.builds, history.rhythm(facts.at), one.next_build)
    old = old_builds(graph, node, history, aged)
    newest = aged.builds[-1].data if aged.builds else None
    seen = [build.data for build in aged.builds if build.data is not None]
    if newest is not None and newest < max(seen):
        return  # an older range was built again: there is newer data, and the job has run
    stands = bool(old) and old[-1].write.version == newest_version(node)
    yield from faults_of_old_builds(node, old, fault, one.finding.policy.warn_seconds)
    if stands and old[-1].write.read is not None:
        yield End(old[-1].write.read), fault
        return
    job = _writer(graph, node)
    if job is not None:
        yield End(job), fault_of_overdue(aged)


def _writer(graph: Graph, node: Node) -> str | None:
    """Return the job that wrote a dataset last; None where no job is known."""
    return next((w.job for w in reversed(recent_writes(graph, node, 1)) if w.job), None)


def _of_deployments(facts: Facts) -> Iterator[tuple[End, Fault]]:
    for one in facts.health:
        end = End(_known(facts.graph, one.deployment.predictions))
        for fault in faults_of_health(one.health):
            yield end, fault
    for drifting in facts.drift:
        log = drifting.deployment.log
        if log is not None and drifting.why is None and drifting.facet is not None:
            for fault in faults_of_drift(drifting.facet):
                yield End(_known(facts.graph, log)), fault


def _known(graph: Graph, node_id: str) -> str:
    node = graph.called(node_id)
    return node_id if node is None else node.id
