"""What the runs of one job read and wrote, by dataset and version: remembered with the job."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from lineage_bridge.graph.model import Binding, Design, Node, Run

_CARRY_NOTHING: Final = frozenset({"observe", "feedback"})

# By dataset and by version (None: without one), with who used it.
_Uses = Mapping[str, Mapping[str | None, Sequence[tuple[Binding, Run | Design]]]]


class JobEdges(NamedTuple):
    """The edges of one job along which trouble may travel.

    Attributes:
        job: the node id of the job.
        reads: what read each dataset.
        writes: what wrote it.
        live: what is read live now, with who reads it.
        last_unversioned: by dataset, the newest batch run that wrote it without a version.
        output: what the job writes: by its newest run that wrote anything, else by its design.
    """

    job: str
    reads: _Uses
    writes: _Uses
    live: Sequence[tuple[Binding, Run | Design]]
    last_unversioned: Mapping[str, Run]
    output: Sequence[Binding]


def edges_of(job: Node) -> JobEdges:
    """Return the edges of a job; of one without runs, those of its design."""
    return job.remembered("travel", lambda: _edges_of(job))


def _edges_of(job: Node) -> JobEdges:
    reads: _Filled = defaultdict(lambda: defaultdict(list))
    writes: _Filled = defaultdict(lambda: defaultdict(list))
    carriers: Sequence[Run | Design] = job.runs
    if not job.runs and job.design is not None:
        carriers = (job.design,)
    for run in carriers:
        for binding in run.inputs:
            if binding.kind not in _CARRY_NOTHING:
                reads[binding.dataset][binding.version].append((binding, run))
        for binding in run.outputs:
            writes[binding.dataset][binding.version].append((binding, run))
    live = [
        (binding, run)
        for run in carriers
        if goes_on(run)
        for binding in run.inputs
        if binding.kind == "live"
    ]
    return JobEdges(job.id, reads, writes, live, _last_unversioned(job), _output_of(job))


def goes_on(run: Run | Design) -> bool:
    """Return whether a run reads the present state of things now."""
    return isinstance(run, Design) or (run.streaming and run.state == "RUNNING")


_Filled = dict[str, dict[str | None, list[tuple[Binding, Run | Design]]]]


def _last_unversioned(job: Node) -> Mapping[str, Run]:
    newest: dict[str, Run] = {}
    for run in job.runs:
        if run.ended is None or run.streaming:
            continue
        for binding in run.outputs:
            if binding.version is None:
                known = newest.get(binding.dataset)
                if known is None or _age(known) < _age(run):
                    newest[binding.dataset] = run
    return newest


def _output_of(job: Node) -> Sequence[Binding]:
    for run in reversed(job.runs):
        if run.outputs:
            return run.outputs
    return () if job.design is None else job.design.outputs


def _age(run: Run) -> tuple[object, object, str]:
    return run.ended, run.first, run.id
