"""The edges along which trouble travels, version by version and run by run.

*Bound*: a version goes to the runs that read it, and a run to what it wrote. A read without a
version is of the version that was the newest when the run began; a live read, of the newest one
until the run ended. What has no version is what was written last: it goes to the runs that began
after that, and comes from the newest run of each job that wrote it.

*Live*: the present state of a dataset goes to the streaming runs that read it and go on, and a run
to the present state of what it writes. A job as such, which failed or is overdue, goes to the
present state of what it writes. Ends without a mark are present states here.

Steps are found where somebody walks, and kept: most of a graph is never walked over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from functools import cached_property
from typing import Final, NamedTuple, TypeAlias

from lineage_bridge.assess.status.faults import Way
from lineage_bridge.graph.model import Binding, Design, End, Graph, Node, Run
from lineage_bridge.graph.steps import newest_version
from lineage_bridge.graph.travel.job_edges import JobEdges, edges_of, goes_on
from lineage_bridge.naming import is_observer

Feedback: TypeAlias = AbstractSet[tuple[str, str]]  # what is fed back, and into what: node ids

SURE: Final = 1.0  # of what its producer named itself


class Hop(NamedTuple):
    """A step that trouble takes.

    Attributes:
        end: where it leads to.
        confidence: of the link, from 0 to 1.
        method: how the dataset was identified; None where its producer named it.
    """

    end: End
    confidence: float = SURE
    method: str | None = None


_Known = dict[End, Sequence[Hop]]


class Travel:
    """Where trouble goes to and comes from in a graph.

    Args:
        graph: of one instant.
        feedback: pairs of datasets that were declared to close a loop. A read of the first by a job
            that writes the second carries nothing.
    """

    def __init__(self, graph: Graph, feedback: Feedback = frozenset()) -> None:
        self._graph = graph
        self._feedback = feedback
        self._down: dict[Way, _Known] = {"bound": {}, "live": {}}
        self._up: dict[Way, _Known] = {"bound": {}, "live": {}}

    def down(self, end: End, way: Way) -> Sequence[Hop]:
        """List the steps that trouble takes from here, sorted."""
        known = self._down[way]
        if end not in known:
            known[end] = _sorted(self._bound_down(end) if way == "bound" else self._live_down(end))
        return known[end]

    def up(self, end: End, way: Way) -> Sequence[Hop]:
        """List the steps by which trouble came here, as ways back, sorted."""
        known = self._up[way]
        if end not in known:
            known[end] = _sorted(self._bound_up(end) if way == "bound" else self._live_up(end))
        return known[end]

    def now(self, node: Node) -> list[End]:
        """List the ends that make up the present state of a node.

        Of a dataset its newest version, and what has no version; of a job its runs that go on, else
        its newest run, and the job as such.
        """
        if node.kind == "dataset":
            newest = [End(node.id, node.versions[-1].version)] if node.versions else []
            return [*newest, End(node.id)]
        going = [run.end for run in node.runs if run.state == "RUNNING"]
        return [*(going or [run.end for run in node.runs[-1:]]), End(node.id)]

    def is_before(self, reader: End, read: End, instant: datetime) -> bool:
        """Return whether a batch run read what has no version before an instant."""
        if read.mark is not None or reader.mark is None:
            return False
        run = self._graph.nodes[reader.node].run_of_id(reader.mark)
        return run is not None and not run.streaming and _began(run) < instant

    def _bound_down(self, end: End) -> Iterator[Hop]:
        run = self._run(end)
        if run is not None:
            for binding in run.outputs:
                if not self._is_lost(binding, run):
                    yield _hop(binding.end, binding)
            return
        for edges in self._readers.get(end.node, ()):
            by_version = edges.reads[end.node]
            for version in {end.mark, None}:
                for binding, reader in by_version.get(version, ()):
                    if self._reads(binding, reader, end):
                        yield _hop(reader.end, binding)

    def _bound_up(self, end: End) -> Iterator[Hop]:
        run = self._run(end)
        if run is not None:
            for binding in self._inputs(run):
                source = self._read(binding, run)
                if source is not None:
                    yield _hop(source, binding)
            return
        for edges in self._writers.get(end.node, ()):
            for binding, writer in edges.writes[end.node].get(end.mark, ()):
                if not self._is_lost(binding, writer):
                    yield _hop(writer.end, binding)

    def _live_down(self, end: End) -> Iterator[Hop]:
        if end.node in self._jobs:
            run = self._run(end)
            if run is not None and goes_on(run):
                yield from (_hop(End(b.dataset), b) for b in run.outputs)
            if end.mark is None:
                yield from (_hop(End(b.dataset), b) for b in self._jobs[end.node].output)
        elif end.mark is None:
            for binding, reader in self._live_readers.get(end.node, ()):
                if not self._is_fed_back(binding, reader):
                    yield _hop(reader.end, binding)

    def _live_up(self, end: End) -> Iterator[Hop]:
        run = self._run(end)
        if run is not None:
            for binding in run.inputs:
                if self._reads_live(binding, run):
                    yield _hop(End(binding.dataset), binding)
        elif end.mark is None and end.node not in self._jobs:
            for edges in self._writers.get(end.node, ()):
                for written in edges.writes[end.node].values():
                    yield from (_hop(run.end, b) for b, run in written if goes_on(run))
                for binding in edges.output:
                    if binding.dataset == end.node:
                        yield _hop(End(edges.job), binding)

    def _run(self, end: End) -> Run | Design | None:
        """Return the run that an end is; of a job without any, its design."""
        if end.node not in self._jobs:
            return None
        node = self._graph.nodes[end.node]
        if end.mark is not None:
            return node.run_of_id(end.mark)
        return None if node.runs else node.design

    @cached_property
    def _jobs(self) -> dict[str, JobEdges]:
        nodes = self._graph.nodes.values()
        return {
            node.id: edges_of(node)
            for node in nodes
            if node.kind == "job" and not is_observer(node.name)
        }

    @cached_property
    def _readers(self) -> dict[str, list[JobEdges]]:
        found: dict[str, list[JobEdges]] = defaultdict(list)
        for edges in self._jobs.values():
            for dataset in edges.reads:
                found[dataset].append(edges)
        return found

    @cached_property
    def _live_readers(self) -> dict[str, list[tuple[Binding, Run | Design]]]:
        found: dict[str, list[tuple[Binding, Run | Design]]] = defaultdict(list)
        for edges in self._jobs.values():
            for binding, reader in edges.live:
                found[binding.dataset].append((binding, reader))
        return found

    @cached_property
    def _writers(self) -> dict[str, list[JobEdges]]:
        found: dict[str, list[JobEdges]] = defaultdict(list)
        for edges in self._jobs.values():
            for dataset in edges.writes:
                found[dataset].append(edges)
        return found

    def _inputs(self, run: Run | Design) -> Iterator[Binding]:
        return (b for b in run.inputs if not _is_silent(b) and not self._is_fed_back(b, run))

    def _is_fed_back(self, binding: Binding, run: Run | Design) -> bool:
        return bool(self._feedback) and any(
            (binding.dataset, output.dataset) in self._feedback for output in run.outputs
        )

    def _reads(self, binding: Binding, run: Run | Design, end: End) -> bool:
        return not self._is_fed_back(binding, run) and self._read(binding, run) == end

    def _reads_live(self, binding: Binding, run: Run | Design) -> bool:
        return binding.kind == "live" and goes_on(run) and not self._is_fed_back(binding, run)

    def _read(self, binding: Binding, run: Run | Design) -> End | None:
        """Return what a run read; None if it was overwritten since."""
        if binding.version is not None:
            return binding.end
        node = self._graph.nodes[binding.dataset]
        if node.versions:
            until = None if isinstance(run, Design) else _until(binding, run)
            return End(node.id, newest_version(node, until))
        if isinstance(run, Design) or binding.kind == "live":
            return binding.end
        written = self._last_written(binding.dataset)
        return binding.end if written is None or _began(run) >= written else None

    def _is_lost(self, binding: Binding, run: Run | Design) -> bool:
        """Return whether what a batch run wrote without a version was written anew since."""
        if binding.version is not None or isinstance(run, Design) or run.streaming:
            return False
        last = self._jobs[run.job].last_unversioned.get(binding.dataset)
        return last is not None and last is not run

    def _last_written(self, dataset: str) -> datetime | None:
        """Return when a dataset was last written without a version by a batch run."""
        ended = (
            edges.last_unversioned[dataset].ended
            for edges in self._writers.get(dataset, ())
            if dataset in edges.last_unversioned
        )
        return max((time for time in ended if time is not None), default=None)


def _is_silent(binding: Binding) -> bool:
    return binding.kind in {"observe", "feedback"}


def _hop(end: End, binding: Binding) -> Hop:
    confidence = SURE if binding.confidence is None else binding.confidence
    return Hop(end, confidence, binding.method)


def _until(binding: Binding, run: Run) -> datetime | None:
    return run.ended if binding.kind == "live" else _began(run)


def _began(run: Run) -> datetime:
    return run.started or run.first


def _sorted(hops: Iterable[Hop]) -> Sequence[Hop]:
    """Sort hops by where they lead to; of several to one end the surest counts."""
    listed = list(hops)
    if len(listed) < 2:
        return listed
    best: dict[End, Hop] = {}
    for hop in listed:
        known = best.get(hop.end)
        if known is None or (known.confidence, known.method or "") < (hop[1], hop[2] or ""):
            best[hop.end] = hop
    return sorted(best.values(), key=_by_end)


def _by_end(hop: Hop) -> str:
    return str(hop.end)
