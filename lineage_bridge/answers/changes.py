"""What changed: told by events, and derived from what the graph knows anyway.

No event is needed for what follows from the records: a deployment serves another model, another
image or another share than at its start before; a run reads another version or uses other
parameters than the run of its job before; a dataset version has other columns than the one before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

from lineage_bridge.events import as_list, as_object, as_text
from lineage_bridge.facets.change import ChangedFile, ChangedValue, ChangeFacet, Kind
from lineage_bridge.facets.deployment import DeploymentFacet, Workload
from lineage_bridge.facets.training import TrainingFacet
from lineage_bridge.graph.deployments import Deployment
from lineage_bridge.graph.model import End, Graph, Node, Run, Version
from lineage_bridge.graph.walk import walk
from lineage_bridge.naming import is_observer

PARAMETERS: Final = "executionParameters"
SCHEMA: Final = "schema"
KEYS: Final = (ChangeFacet.key, DeploymentFacet.key, TrainingFacet.key, PARAMETERS, SCHEMA)

_MOST_STEPS: Final = 1_000
_OF_WORKLOAD: Final = ("replicas", "traffic_percent")


@dataclass(frozen=True, slots=True)
class Change:
    """One change.

    Attributes:
        time: since when it is there.
        kind: what sort of thing changed.
        node: what is made of it; None where only its repository is known.
        event: the run whose event tells of it, with its job.
        told: whether somebody told of it; else it follows from what happened.
        first_run: the first run of the job that it is of that began since; None if none is known.
    """

    time: datetime
    kind: Kind
    node: str | None
    event: End
    told: bool = False
    before: str | None = None
    after: str | None = None
    sentence: str | None = None
    values: Sequence[ChangedValue] = ()
    files: Sequence[ChangedFile] = ()
    left_out: int = 0
    difference: str | None = None
    repository: str | None = None
    first_run: Run | None = None


def changes_in(
    graph: Graph,
    deployments: Iterable[Deployment],
    *,
    node: End | None = None,
    since: datetime | None = None,
) -> tuple[Change, ...]:
    """List changes, oldest first.

    Args:
        graph: with the facets of `KEYS`.
        deployments: of the graph.
        node: only changes of it, and of all that it was made of.
        since: only later ones, and of that very instant.
    """
    found = [*_told(graph), *_of_deployments(deployments)]
    for one in graph.nodes.values():
        found += _of_job(one) if one.kind == "job" else _of_dataset(one)
    if node is not None:
        above = _upstream(graph, node)
        found = [change for change in found if change.node in above]
    if since is not None:
        found = [change for change in found if change.time >= since]
    return tuple(sorted(found, key=_order))


def _order(change: Change) -> tuple[Any, ...]:
    return change.time, change.node or "", change.kind, change.event


def _upstream(graph: Graph, node: End) -> set[str]:
    above = set(walk(graph, node, _MOST_STEPS, "up").nodes)
    # What a deployment is asked by stands for it: its job writes them.
    return above | {node.node}


# Told


def _told(graph: Graph) -> Iterator[Change]:
    for job in graph.nodes.values():
        for run in job.runs_with(ChangeFacet.key) if job.kind == "job" else ():
            facet = run.facets.of(ChangeFacet)
            if facet is not None:
                yield _as_told(graph, run, facet)


def _as_told(graph: Graph, run: Run, facet: ChangeFacet) -> Change:
    time = run.ended or run.first
    return Change(
        time,
        facet.kind,
        facet.of,
        run.end,
        told=True,
        before=facet.before,
        after=facet.after,
        sentence=facet.sentence,
        values=facet.values or (),
        files=facet.files or (),
        left_out=facet.left_out or 0,
        difference=facet.difference,
        repository=facet.repository,
        first_run=_first_since(graph.nodes.get(facet.of or ""), time),
    )


def _first_since(job: Node | None, time: datetime) -> Run | None:
    runs = job.runs if job is not None else ()
    return next((run for run in runs if (run.started or run.first) >= time), None)


# Deployments


def _of_deployments(found: Iterable[Deployment]) -> Iterator[Change]:
    for deployment in found:
        before: str | None = None
        for activation in deployment.activations:
            if activation.model is not None:
                after = str(activation.model.end)
                first = activation.runs[0]
                yield Change(
                    activation.started, "model", first.job, first.end, before=before, after=after
                )
                before = after
        starts = [run for activation in deployment.activations for run in activation.runs]
        told = [(run, workload) for run in starts if (workload := _workload(run)) is not None]
        for (_, one), (run, other) in pairwise(told):
            yield from _of_workload(run, one, other)


def _workload(run: Run) -> Workload | None:
    facet = run.facets.of(DeploymentFacet)
    return facet.workload if facet is not None else None


def _of_workload(run: Run, one: Workload, other: Workload) -> Iterator[Change]:
    time = run.started or run.first
    before, after = _image(one), _image(other)
    if before != after:
        yield Change(time, "image", run.job, run.end, before=before, after=after)
    values = [
        _value(name, getattr(one, name), getattr(other, name))
        for name in _OF_WORKLOAD
        if None not in {getattr(one, name), getattr(other, name)}
        and getattr(one, name) != getattr(other, name)
    ]
    if values:
        yield Change(time, "configuration", run.job, run.end, values=values)


def _image(workload: Workload) -> str | None:
    if workload.image_digest is None:
        return workload.image
    return f"{workload.image}@{workload.image_digest}"


# Jobs and datasets


def _of_job(job: Node) -> Iterator[Change]:
    """Yield what each run did otherwise than the run before."""
    newest = job.runs[-1] if job.runs else None
    if newest is None or newest.streaming or is_observer(job.name):
        return
    for one, other in pairwise(job.runs):
        time = other.started or other.first
        read = _between(_read(one), _read(other))
        if read and _read(one) and _read(other):
            yield Change(time, "data", job.id, other.end, values=read)
        yield from _of_code(job, one, other)
        parameters = _between(_parameters(one), _parameters(other))
        if parameters and PARAMETERS in one.facets and PARAMETERS in other.facets:
            yield Change(time, "parameters", job.id, other.end, values=parameters)


def _of_code(job: Node, one: Run, other: Run) -> Iterator[Change]:
    before, after = (run.facets.of(TrainingFacet) for run in (one, other))
    commits = [facet.commit if facet is not None else None for facet in (before, after)]
    if None not in commits and commits[0] != commits[1]:
        time = other.started or other.first
        yield Change(time, "code", job.id, other.end, before=commits[0], after=commits[1])


def _read(run: Run) -> dict[str, str]:
    """Return the versions that a run reads, by dataset; of several of one dataset all of them."""
    found: dict[str, list[str]] = {}
    for binding in run.inputs:
        if binding.version is not None:
            found.setdefault(binding.dataset, []).append(binding.version)
    return {dataset: ", ".join(sorted(versions)) for dataset, versions in found.items()}


def _parameters(run: Run) -> dict[str, str]:
    listed = map(as_object, as_list(as_object(run.facets.get(PARAMETERS)).get("parameters")))
    named = ((as_text(one.get("key")), one.get("value")) for one in listed)
    return {name: str(value) for name, value in named if name is not None}


def _of_dataset(dataset: Node) -> Iterator[Change]:
    """Yield what each version has for columns that the version before had not, or otherwise."""
    written = [one for one in dataset.versions if one.time is not None and SCHEMA in one.facets]
    for one, other in pairwise(written):
        values = _between(_columns(one), _columns(other))
        if values and other.time is not None and other.job is not None:
            event = End(other.job, other.run)
            yield Change(
                other.time,
                "schema",
                dataset.id,
                event,
                before=one.version,
                after=other.version,
                values=values,
            )


def _columns(version: Version) -> dict[str, str]:
    fields = map(as_object, as_list(as_object(version.facets.get(SCHEMA)).get("fields")))
    named = ((as_text(one.get("name")), as_text(one.get("type"))) for one in fields)
    return {name: kind or "" for name, kind in named if name is not None}


def _between(before: Mapping[str, str], after: Mapping[str, str]) -> list[ChangedValue]:
    names = sorted(before.keys() | after.keys())
    differing = (name for name in names if before.get(name) != after.get(name))
    return [_value(name, before.get(name), after.get(name)) for name in differing]


def _value(name: str, before: Any, after: Any) -> ChangedValue:
    texts = [str(one) if one is not None else None for one in (before, after)]
    return ChangedValue(name=name, before=texts[0], after=texts[1])
