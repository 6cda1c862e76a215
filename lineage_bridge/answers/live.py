"""What a dataset is made of live: everything that reaches it through streaming jobs that run now.

Age travels along live edges only. A table that stands still hurts the service that reads it now,
and not the model that was trained on an earlier version of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

from lineage_bridge.graph.model import Design, Graph, Node, Run

_Sources = Mapping[str, Sequence[str]]


def live_sources(graph: Graph, dataset: str) -> list[str]:
    """Return the node ids of all datasets that reach this one along live edges, sorted.

    A path may lead through several streaming jobs; one that leads back to the dataset ends there.
    """
    direct = graph.remembered("live", lambda: _direct(graph.nodes.values()))
    found: set[str] = set()
    waiting = [dataset]
    while waiting:
        new = set(direct.get(waiting.pop(), ())) - found
        found |= new
        waiting += new
    return sorted(found - {dataset})


def _direct(nodes: Iterable[Node]) -> _Sources:
    found: dict[str, set[str]] = defaultdict(set)
    for node in nodes:
        if node.runs or node.design is not None:
            for dataset, read in node.remembered("live", partial(_of_job, node)):
                found[dataset].update(read)
    return {dataset: sorted(read) for dataset, read in found.items()}


def _of_job(job: Node) -> list[tuple[str, list[str]]]:
    """List what a job writes while it reads something live, and what that is."""
    found = []
    for reader in _reading_now(job):
        read = [binding.dataset for binding in reader.inputs if binding.kind == "live"]
        if read:
            found += [(output.dataset, read) for output in reader.outputs]
    return found


def _reading_now(job: Node) -> Iterator[Run | Design]:
    """Yield the runs of a job that go on; its design where no run of it is known."""
    yield from (run for run in job.runs if run.streaming and run.state == "RUNNING")
    if job.design is not None and not job.runs:
        yield job.design
