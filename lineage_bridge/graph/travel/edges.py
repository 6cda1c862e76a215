"""The edges along which trouble travels, version by version and run by run.

*Bound*: a version goes to the runs that read it, and a run to what it wrote. A read without a
version is of the version that was the newest when the run began; a live read, of the newest one
until the run ended. What has no version is what was written last: it goes to the runs that began
after that, and comes from the newest run of each job that wrote it.

*Live*: the present state of a dataset goes to the streaming runs that read it and go on, and a run
to the present state of what it writes. A job as such, which failed or is overdue, goes to the
present state of what it writes. Ends without a mark are present states here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from functools import cached_property
from typing import Final, NamedTuple, TypeAlias

from lineage_bridge.assess.status.faults import Way
from lineage_bridge.graph.model import Binding, Design, End, Graph, Node, Run
from lineage_bridge.graph.steps import newest_version
from lineage_bridge.naming import is_observer

Feedback: TypeAlias = AbstractSet[tuple[str, str]]  # what is fed back, and into what: node ids

SURE: Final = 1.0  # of what its producer named itself
_CARRY_NOTHING: Final = frozenset({"observe", "feedback"})


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


_Hops: TypeAlias = Mapping[End, Sequence[Hop]]


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

    def down(self, end: End, way: Way) -> Sequence[Hop]:
        """List the steps that trouble takes from here, sorted."""
        return self._down[way].get(end, ())

    def up(self, end: End, way: Way) -> Sequence[Hop]:
        """List the steps by which trouble came here, as ways back, sorted."""
        return self._up[way].get(end, ())

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

    @cached_property
    def _down(self) -> dict[Way, _Hops]:
        return {"bound": _sorted(self._bound()), "live": _sorted(self._live())}

    @cached_property
    def _up(self) -> dict[Way, _Hops]:
        return {way: _turned(hops) for way, hops in self._down.items()}

    def _bound(self) -> Iterator[tuple[End, Hop]]:
        overwritten = self._unversioned_writes
        for run in self._carriers:
            for binding in self._inputs(run):
                source = self._read(binding, run)
                if source is not None:
                    yield source, _hop(run.end, binding)
            for binding in run.outputs:
                if not _is_lost(binding, run, overwritten):
                    yield run.end, _hop(binding.end, binding)

    def _live(self) -> Iterator[tuple[End, Hop]]:
        for run in self._carriers:
            if isinstance(run, Design) or (run.streaming and run.state == "RUNNING"):
                for binding in self._inputs(run):
                    if binding.kind == "live":
                        yield End(binding.dataset), _hop(run.end, binding)
                for binding in run.outputs:
                    yield run.end, _hop(End(binding.dataset), binding)
        for job in self._jobs:
            for binding in _written_by(job):
                yield End(job.id), _hop(End(binding.dataset), binding)

    @cached_property
    def _jobs(self) -> list[Node]:
        nodes = self._graph.nodes.values()
        return [node for node in nodes if node.kind == "job" and not is_observer(node.name)]

    @property
    def _carriers(self) -> Iterator[Run | Design]:
        """Yield the runs that may pass something on; of a job without any, its design."""
        for job in self._jobs:
            yield from job.runs
            if job.design is not None and not job.runs:
                yield job.design

    def _inputs(self, run: Run | Design) -> Iterator[Binding]:
        for binding in run.inputs:
            if binding.kind not in _CARRY_NOTHING and not self._is_fed_back(binding, run):
                yield binding

    def _is_fed_back(self, binding: Binding, run: Run | Design) -> bool:
        return bool(self._feedback) and any(
            (binding.dataset, output.dataset) in self._feedback for output in run.outputs
        )

    def _read(self, binding: Binding, run: Run | Design) -> End | None:
        """Return what a run read; None if it was overwritten since."""
        if binding.version is not None:
            return binding.end
        node = self._graph.nodes[binding.dataset]
        if node.versions:
            until = None if isinstance(run, Design) else _until(binding, run)
            newest = newest_version(node, until)
            return End(node.id, newest)
        if isinstance(run, Design) or binding.kind == "live":
            return binding.end
        written = self._last_written.get(binding.dataset)
        return binding.end if written is None or _began(run) >= written else None

    @cached_property
    def _unversioned_writes(self) -> dict[tuple[str, str], Run]:
        """The newest batch run of each job that wrote a dataset without a version."""
        newest: dict[tuple[str, str], Run] = {}
        for job in self._jobs:
            for run in job.runs:
                if run.ended is None or run.streaming:
                    continue
                for binding in run.outputs:
                    if binding.version is None:
                        key = job.id, binding.dataset
                        known = newest.get(key)
                        if known is None or _age(known) < _age(run):
                            newest[key] = run
        return newest

    @cached_property
    def _last_written(self) -> dict[str, datetime]:
        last: dict[str, datetime] = {}
        for (_, dataset), run in self._unversioned_writes.items():
            assert run.ended is not None
            last[dataset] = max(run.ended, last.get(dataset, run.ended))
        return last


def _hop(end: End, binding: Binding) -> Hop:
    confidence = SURE if binding.confidence is None else binding.confidence
    return Hop(end, confidence, binding.method)


def _is_lost(binding: Binding, run: Run | Design, newest: Mapping[tuple[str, str], Run]) -> bool:
    """Return whether what a batch run wrote without a version was written anew since."""
    if binding.version is not None or isinstance(run, Design):
        return False
    last = newest.get((run.job, binding.dataset))
    return last is not None and last is not run and not run.streaming


def _written_by(job: Node) -> Sequence[Binding]:
    """List what a job writes: by its newest run that wrote anything, else by its design."""
    for run in reversed(job.runs):
        if run.outputs:
            return run.outputs
    return () if job.design is None else job.design.outputs


def _until(binding: Binding, run: Run) -> datetime | None:
    return run.ended if binding.kind == "live" else _began(run)


def _began(run: Run) -> datetime:
    return run.started or run.first


def _age(run: Run) -> tuple[datetime, datetime, str]:
    assert run.ended is not None
    return run.ended, run.first, run.id


def _sorted(hops: Iterable[tuple[End, Hop]]) -> _Hops:
    """Group hops by where they begin; of several to one end the surest counts."""
    best: dict[End, dict[End, Hop]] = defaultdict(dict)
    for source, hop in hops:
        known = best[source].get(hop.end)
        if known is None or (known.confidence, known.method or "") < (hop[1], hop[2] or ""):
            best[source][hop.end] = hop
    return {source: sorted(to.values(), key=_by_end) for source, to in best.items()}


def _turned(hops: _Hops) -> _Hops:
    turned: dict[End, list[Hop]] = defaultdict(list)
    for source, to in hops.items():
        for hop in to:
            turned[hop.end].append(hop._replace(end=source))
    return {end: sorted(found, key=_by_end) for end, found in turned.items()}


def _by_end(hop: Hop) -> str:
    return str(hop.end)
