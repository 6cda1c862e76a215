"""Is an event whole in Marquez's model: pure, over what its API answers.

Marquez writes the raw event and its model in two tasks that do not wait for each other, and in many
statements without a transaction. So an event that stands in its feed may be in the model in part or
not at all, when the process or its database went away in between.

Source: the order of those statements in Marquez 0.51 (run, inputs, outputs, then for an end the
job's version, then for a COMPLETE the current versions of its outputs), tried on a running one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lineage_bridge.events import EventView, Name, as_list, as_object
from lineage_bridge.events.run_ids import run_uuid
from lineage_bridge.times import parse_time, to_micros

ENDS = frozenset({"COMPLETE", "FAIL", "ABORT"})
_ENDED = frozenset({"COMPLETED", "FAILED", "ABORTED"})
_UNFORMATTED = re.compile(r"[^a-zA-Z0-9:/\-_.@+]")  # what Marquez writes `_` for in a namespace


@dataclass(frozen=True, slots=True)
class Expected:
    """What a run event leaves in Marquez's model.

    Attributes:
        run: its id there.
        job: in Marquez the name of the run's parent goes before it, if it has one.
        is_end: whether the run has ended by it.
        links: whether its job has its edges by then: at an end, or of a streaming job at any event.
        has_version: whether its run gets a version of its job; of a streaming job only the first
            run does, at any event.
        completes: the outputs whose current versions it writes.
        inputs: the datasets that it reads.
        outputs: the datasets that it writes.
    """

    run: str
    job: Name
    is_end: bool
    links: bool
    has_version: bool
    completes: frozenset[Name]
    inputs: frozenset[Name]
    outputs: frozenset[Name]


def expected_of(view: EventView) -> Expected | None:
    """Return what an event leaves in the model, None where it tells of no run."""
    if view.run_id is None or view.job is None or view.kind != "run":
        return None
    outputs = frozenset(dataset.name for dataset in view.outputs)
    is_end = view.event_type in ENDS
    is_streaming = bool(view.event_type) and _is_streaming(view)
    return Expected(
        run=run_uuid(view.run_id),
        job=view.job,
        is_end=is_end,
        links=is_end or is_streaming,
        has_version=is_end and not is_streaming,
        completes=outputs if view.event_type == "COMPLETE" or is_streaming else frozenset(),
        inputs=frozenset(dataset.name for dataset in view.inputs),
        outputs=outputs,
    )


def missing_in_run(
    expected: Expected, run: Mapping[str, Any], known_as: Callable[[Name], Name]
) -> Iterator[str]:
    """Yield what of an event is not in its run, in words.

    Args:
        expected: by the event.
        run: as `GET /jobs/runs/{id}` shows it.
        known_as: tells the first name of a dataset that has several (symlinks); asked for those
            that the run does not show.
    """
    for side, wanted in (("input", expected.inputs), ("output", expected.outputs)):
        there = {
            named(as_object(as_object(entry).get("datasetVersionId")))
            for entry in as_list(run.get(f"{side}DatasetVersions"))
        }
        yield from (f"{side} {_text(name)}" for name in _lacking(wanted, there, known_as))
    if expected.is_end and run.get("state") not in _ENDED:
        yield "its end"
    if expected.has_version and run.get("jobVersion") is None:
        yield "its job's version"


def missing_edges(
    expected: Expected, node: Mapping[str, Any], known_as: Callable[[Name], Name]
) -> Iterator[str]:
    """Yield which edges of an event are not those of its job, as `GET /lineage` shows its node."""
    for side, wanted, edges, end in (
        ("input", expected.inputs, "inEdges", "origin"),
        ("output", expected.outputs, "outEdges", "destination"),
    ):
        there = {_formatted(str(as_object(edge).get(end))) for edge in as_list(node.get(edges))}
        for name in sorted(wanted):
            ids = {
                _formatted(f"dataset:{one.namespace}:{one.name}") for one in (name, known_as(name))
            }
            if not ids & there:
                yield f"the edge of {side} {_text(name)}"


def is_current(run: str, time_us: int, version: Mapping[str, Any]) -> bool:
    """Return whether a dataset's current version is the one that a run wrote, or a later one.

    Args:
        run: the run's id.
        time_us: when it ended, in microseconds since 1970, UTC.
        version: as `GET …/versions/{version}` shows it.
    """
    if as_object(version.get("createdByRun")).get("id") == run:
        return True
    try:
        return to_micros(parse_time(str(version.get("createdAt"))).instant) > time_us
    except ValueError:
        return False


def named(entry: Mapping[str, Any]) -> Name:
    """Return namespace and name of a job or dataset as Marquez answers them."""
    return Name(str(entry.get("namespace")), str(entry.get("name")))


def _lacking(
    wanted: Iterable[Name], there: Collection[Name], known_as: Callable[[Name], Name]
) -> list[Name]:
    shown = {_formatted(_text(name)) for name in there}
    return [
        name
        for name in sorted(wanted)
        if _formatted(_text(name)) not in shown and _formatted(_text(known_as(name))) not in shown
    ]


def _is_streaming(view: EventView) -> bool:
    return as_object(view.job_facets.get("jobType")).get("processingType") == "STREAMING"


def _formatted(text: str) -> str:
    """Write a name so that it compares: in versions Marquez formats the namespace of a dataset."""
    return _UNFORMATTED.sub("_", text)


def _text(name: Name) -> str:
    return f"{name.namespace} {name.name}"
