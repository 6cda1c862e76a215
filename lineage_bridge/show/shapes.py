"""The JSON shapes that docs/json.md publishes, made here and only here.

Lists are sorted, absent facts are absent keys, times are RFC 3339 in UTC.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from lineage_bridge.facets.serving_health import Endpoint, Reason, Totals
from lineage_bridge.show.data.fairness import fairness_json
from lineage_bridge.show.formats import present
from lineage_bridge.show.trouble.nodes import node_json
from lineage_bridge.times import format_time

if TYPE_CHECKING:
    from lineage_bridge.answers import DatasetFreshness, DeploymentHealth, Versioned
    from lineage_bridge.answers.status import NodeStatus
    from lineage_bridge.graph.deployments import Activation
    from lineage_bridge.graph.model import Binding, Edge, Graph, Node, Run, Version
    from lineage_bridge.graph.paths import Path
    from lineage_bridge.graph.steps import Step
    from lineage_bridge.ingest.backfill import Backfill
    from lineage_bridge.ingest.doctor import Diagnosis
    from lineage_bridge.ingest.observing import Observed
    from lineage_bridge.link.gaps import Gap
    from lineage_bridge.observe.quarantine import Rejected, Rejections

_NO_TOTALS: Final = Totals()


def graph_json(graph: Graph, loops: Iterable[tuple[str, str]] = ()) -> dict[str, Any]:
    """Make the document of `graph --json`.

    Args:
        graph: the graph.
        loops: what is fed back, and into what, where no job is known in between.
    """
    edges = [_edge(edge) for edge in graph.edges]
    edges += [{"from": source, "to": target, "kind": "feedback"} for source, target in loops]
    return present(
        at=_time(graph.at),
        nodes=[_node(node) for node in graph.nodes.values()],
        edges=sorted(edges, key=lambda edge: (edge["from"], edge["to"], edge["kind"])),
    )


def path_json(path: Path) -> dict[str, Any]:
    """Make the document of `path --json`."""
    return {
        "from": str(path.source),
        "to": str(path.target),
        "hops": [_hop(step) for step in path.hops],
    }


def _edge(edge: Edge) -> dict[str, Any]:
    """Make one edge, in the direction in which data flows."""
    return {
        "from": str(edge.source),
        "to": str(edge.target),
        "kind": edge.kind,
        **_link(edge.binding),
    }


def _hop(step: Step) -> dict[str, Any]:
    from lineage_bridge.graph.paths import hop_time

    return {
        "from": str(step.source),
        "to": str(step.target),
        "kind": step.binding.kind,
        "time": format_time(hop_time(step)),
        **_link(step.binding),
    }


def _link(binding: Binding) -> dict[str, Any]:
    """Make `link`: how the dataset was identified; empty where its producer named it itself."""
    link = present(method=binding.method, confidence=binding.confidence)
    return {"link": link} if link else {}


def _node(node: Node) -> dict[str, Any]:
    return present(
        id=node.id,
        kind=node.kind,
        namespace=node.namespace,
        name=node.name,
        symlinks=[f"{node.kind}:{n.namespace}:{n.name}" for n in node.symlinks] or None,
        versions=[_version(version) for version in node.versions],
        runs=[_run(run) for run in node.runs],
        facets=dict(node.facets),
    )


def _version(version: Version) -> dict[str, Any]:
    return present(version=version.version, run=version.run, time=_time(version.time))


def _run(run: Run) -> dict[str, Any]:
    return present(
        id=run.id,
        state=run.state,
        started=_time(run.started),
        ended=_time(run.ended),
        version=run.version,
    )


def health_json(
    found: Iterable[DeploymentHealth], at: datetime, nodes: Iterable[NodeStatus] | None = None
) -> dict[str, Any]:
    """Make the document of `health --json`: `{"at", "deployments": [...], "nodes": [...]}`.

    Args:
        found: the deployments.
        at: the instant.
        nodes: those that are not ok; None where some deployments alone were asked for.
    """
    return present(
        at=format_time(at),
        deployments=[deployment_json(one) for one in found],
        nodes=None if nodes is None else [node_json(one) for one in nodes],
    )


def deployment_json(one: DeploymentHealth) -> dict[str, Any]:
    """Make one deployment of `health --json`."""
    slot, facet = one.slot, one.facet
    notes = () if facet is None else facet.notes or ()
    return present(
        namespace=one.namespace,
        service=slot.service,
        environment=slot.environment,
        deployment=slot.deployment,
        status=one.health.status,
        reasons=[reason_json(reason) for reason in one.health.reasons],
        activation=_activation(one.activation),
        model=_versioned(one.model),
        dataset=_versioned(one.dataset),
        lookback_seconds=(0.0 if facet is None else facet.lookback_seconds or 0.0),
        windows=(0 if facet is None else facet.windows or 0),
        totals=_totals(_NO_TOTALS if facet is None else facet.totals or _NO_TOTALS),
        endpoints=[_endpoint(endpoint) for endpoint in one.health.endpoints],
        notes=[present(code=n.code, endpoint=n.endpoint, value=n.value) for n in notes] or None,
        fairness=fairness_json(one.fairness),
    )


def reason_json(reason: Reason) -> dict[str, Any]:
    """Make one reason; value and threshold are in the unit that its code names."""
    return present(
        code=reason.code,
        level=reason.level,
        endpoint=reason.endpoint,
        value=reason.value,
        threshold=reason.threshold,
        lower=reason.lower,
        since=format_time(reason.since),
    )


def freshness_json(found: Iterable[DatasetFreshness], at: datetime) -> dict[str, Any]:
    """Make the document of `freshness --json`: `{"at", "datasets": [...]}`."""
    return {"at": format_time(at), "datasets": [dataset_json(one) for one in found]}


def dataset_json(one: DatasetFreshness) -> dict[str, Any]:
    """Make one dataset of `freshness --json`."""
    finding = one.finding
    return present(
        namespace=one.node.namespace,
        name=one.node.name,
        version=one.version,
        status=finding.status,
        basis=finding.basis,
        build_time=_time(finding.build_time),
        data_time=_time(finding.data_time),
        effective_time=_time(finding.effective_time),
        build_age_seconds=finding.build_age_seconds,
        data_age_seconds=finding.data_age_seconds,
        effective_age_seconds=finding.effective_age_seconds,
        live_source=None if one.live_source is None else one.live_source.id,
        clock_skew_seconds=finding.clock_skew_seconds,
        warn_seconds=_finite(finding.policy.warn_seconds),
        error_seconds=_finite(finding.policy.error_seconds),
        next_build=_time(one.next_build),
        policy=_policy(one),
    )


def _policy(one: DatasetFreshness) -> dict[str, Any]:
    expected = one.expectation
    stated, rhythm, schedule = expected.stated, expected.rhythm, expected.schedule
    return present(
        source=expected.source,
        key=None if stated is None else stated.key,
        of=None if one.expected_of is one.node else one.expected_of.id,
        expects=None if schedule is None else schedule.text,
        builds=None if rhythm is None else rhythm.builds,
        gap_seconds=None if rhythm is None else rhythm.gap_seconds,
        delay_seconds=None if rhythm is None else rhythm.delay_seconds,
    )


def _finite(seconds: float) -> float | None:
    return seconds if isfinite(seconds) else None


def _activation(activation: Activation | None) -> dict[str, Any] | None:
    if activation is None:
        return None
    return {
        "started": format_time(activation.started),
        "runs": [run.id for run in activation.runs],
    }


def _versioned(found: Versioned | None) -> dict[str, Any] | None:
    return None if found is None else present(name=found.name, version=found.version)


def _totals(totals: Totals) -> dict[str, int]:
    order = ("requests", "successes", "failures", "rejected", "timeouts", "predictions", "windows")
    return {name: getattr(totals, name) or 0 for name in order}


def _endpoint(endpoint: Endpoint) -> dict[str, Any]:
    return present(
        endpoint=endpoint.endpoint,
        status=endpoint.status,
        reasons=[reason_json(reason) for reason in endpoint.reasons],
        windows=endpoint.windows,
        requests=endpoint.requests,
        latency_p50_ms=endpoint.latency_p50_ms,
        latency_p95_ms=endpoint.latency_p95_ms,
        latency_p99_ms=endpoint.latency_p99_ms,
        newest_window_end=_time(endpoint.newest_window_end),
    )


def backfill_json(done: Backfill, observed: Observed | None) -> dict[str, Any]:
    """Make the document of `backfill --json`; without `observed` where nothing was looked into."""
    looks = {} if observed is None else {"observed": _observed(observed)}
    return {
        "read": dict(sorted(done.read.items())),
        "unchanged": done.unchanged,
        "ignored": dict(sorted(done.ignored.items())),
        "events": done.events,
        "windows": {"read": done.windows, "duplicates": done.duplicates},
        **_rejections(done.rejected),
        "gaps": [_gap(gap) for gap in done.gaps if not gap.is_note],
        **looks,
    }


def _observed(done: Observed) -> dict[str, Any]:
    return {"read": dict(sorted(done.read.items())), "events": dict(sorted(done.events.items()))}


def diagnosis_json(found: Diagnosis) -> dict[str, Any]:
    """Make the document of `doctor --json`."""
    return {
        "gaps": [_gap(gap) for gap in found.gaps],
        "notes": [_gap(note) for note in found.notes],
        **_rejections(found.rejected),
    }


def _gap(gap: Gap) -> dict[str, Any]:
    members = asdict(gap)
    del members["group"]  # a heading of the table
    return present(**members)


def _rejections(found: Rejections) -> dict[str, Any]:
    """Make the first rejections, and the number of all."""
    listed = [_rejected(item) for item in found.listed]
    return {"rejected": listed, "rejected_count": found.count}


def _rejected(item: Rejected) -> dict[str, Any]:
    """Make one rejection; that of a whole file has neither line nor field."""
    return present(
        path=item.path,
        family=item.family,
        reason=item.reason,
        line=item.line if item.line > 0 else None,
        field=item.field,
        count=item.count if item.count > 1 else None,
    )


def _time(instant: datetime | None) -> str | None:
    return None if instant is None else format_time(instant)
