"""What was written when: every write of a dataset that the journal knows, whoever tells of it.

A batch run has written when it completed, and nothing if it failed. A streaming run writes as it
goes: a version when it first names it, and anything else by its end at the latest. What a
deployment answers is no dataset that is built, so its runs count for nothing here. A dataset event
that names a version states that it was there by then.

What is found in a job is remembered with it, and exchanged with its runs (`exchanged`): after one
more event nothing is searched anew.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Final, NamedTuple

from lineage_bridge.facets.deployment import DeploymentFacet
from lineage_bridge.graph.model import Graph, Node, Run, Version

MEMORY: Final = "written"  # what a job and a graph remember it by


class Write(NamedTuple):
    """One write of a dataset.

    Attributes:
        time: when it had been written.
        dataset: its node id.
        version: what was written, None where the run names no version.
        job: the node id of the job whose run wrote it; None if a dataset event states it.
        run: the id of that run.
        read: the node id of the only dataset that a batch run read, None if it read others.
    """

    time: datetime
    dataset: str
    version: str | None
    job: str | None = None
    run: str | None = None
    read: str | None = None


class Written(NamedTuple):
    """The writes of one job, each list oldest first.

    Attributes:
        of: by the dataset that was written.
        copies: by the only dataset that was read.
    """

    of: Mapping[str, Sequence[Write]]
    copies: Mapping[str, Sequence[Write]]


_NOTHING: Final = Written({}, {})


def written_by(job: Node) -> Written:
    """Return what the runs of a job wrote when they ended."""
    return job.remembered(MEMORY, lambda: exchanged(_NOTHING, ((None, run) for run in job.runs)))


def exchanged(written: Written, pairs: Iterable[tuple[Run | None, Run | None]]) -> Written:
    """Return what the runs of a job wrote after some were exchanged for others."""
    of, copies = _Lists(written.of), _Lists(written.copies)
    for old, new in pairs:
        for write in _writes_of(old):
            of.drop(write.dataset, write)
            copies.drop(write.read, write)
        for write in _writes_of(new):
            of.put(write.dataset, write)
            copies.put(write.read, write)
    return Written(of.finished(), copies.finished())


class Writers(NamedTuple):
    """Who writes what.

    Attributes:
        of: what the jobs wrote that wrote a dataset, or read it alone, by dataset.
        answering: the node ids of the jobs of deployments.
    """

    of: Mapping[str, Sequence[Written]]
    answering: AbstractSet[str]


def writers(graph: Graph) -> Writers:
    """Return who writes what in a graph."""
    return graph.remembered(MEMORY, lambda: _index(graph.nodes.values()))


def recent_writes(graph: Graph, node: Node, most: int) -> list[Write]:
    """Return the newest writes of a dataset, oldest first: those of so many instants."""
    of_jobs = (job.of.get(node.id, ()) for job in writers(graph).of.get(node.id, ()))
    return _recent(most, _of_versions(graph, node), *map(reversed, of_jobs))


def recent_copies(graph: Graph, node: Node, most: int) -> list[Write]:
    """Return the newest writes of batch runs that read this dataset alone, likewise."""
    of_jobs = (job.copies.get(node.id, ()) for job in writers(graph).of.get(node.id, ()))
    return _recent(most, *map(reversed, of_jobs))


def newest_unnamed(graph: Graph, node: Node) -> datetime | None:
    """Return when the dataset was last written by a run that names no version; None if never."""
    of_jobs = (job.of.get(node.id, ()) for job in writers(graph).of.get(node.id, ()))
    newest = (_last_unnamed(of_job) for of_job in of_jobs)
    return max((time for time in newest if time is not None), default=None)


def written_at(graph: Graph, version: Version) -> datetime | None:
    """Return when a version was written; None where nobody says it, or a deployment answers it."""
    return None if version.job in writers(graph).answering else version.time


def _index(nodes: Iterable[Node]) -> Writers:
    index: dict[str, list[Written]] = defaultdict(list)
    answering = set()
    for job in nodes:
        if job.runs:
            written = written_by(job)
            for dataset in written.of:
                index[dataset].append(written)
            for dataset in written.copies.keys() - written.of.keys():
                index[dataset].append(written)
            if job.runs_with(DeploymentFacet.key):
                answering.add(job.id)
    return Writers(index, answering)


class _Lists:
    """Sorted lists of writes by dataset, of which only those that change are copied."""

    def __init__(self, lists: Mapping[str, Sequence[Write]]) -> None:
        self._lists = lists
        self._changed: dict[str, list[Write]] = {}

    def drop(self, dataset: str | None, write: Write) -> None:
        """Take a write out."""
        if dataset is not None:
            changed = self._of(dataset)
            del changed[bisect_left(changed, _order(write), key=_order)]

    def put(self, dataset: str | None, write: Write) -> None:
        """Put a write in."""
        if dataset is not None:
            insort(self._of(dataset), write, key=_order)

    def finished(self) -> Mapping[str, Sequence[Write]]:
        """Return all lists that are not empty."""
        merged = {**self._lists, **self._changed}
        return {dataset: writes for dataset, writes in merged.items() if writes}

    def _of(self, dataset: str) -> list[Write]:
        if dataset not in self._changed:
            self._changed[dataset] = list(self._lists.get(dataset, ()))
        return self._changed[dataset]


def _writes_of(run: Run | None) -> Iterator[Write]:
    """Yield what a run wrote when it ended, but for the versions that a stream names before."""
    if run is None or run.ended is None or DeploymentFacet.key in run.facets:
        return
    if run.streaming or run.state == "COMPLETED":
        read = _only_read(run)
        for dataset, version, *_ in run.outputs:
            if not run.streaming or version is None:
                yield Write(run.ended, dataset, version, run.job, run.id, read)


def _only_read(run: Run) -> str | None:
    read = {binding.dataset for binding in run.inputs if binding.kind == "snapshot"}
    return read.pop() if len(read) == 1 and not run.streaming else None


def _of_versions(graph: Graph, dataset: Node) -> Iterator[Write]:
    """Yield the writes that made versions, newest first; those of jobs are among them again."""
    for version in reversed(dataset.versions):
        time = written_at(graph, version)
        if time is not None:
            yield Write(time, dataset.id, version.version, version.job, version.run)


def _recent(most: int, *newest_first: Iterable[Write]) -> list[Write]:
    found = sorted((w for one in newest_first for w in _newest(one, most)), key=_order)
    return list(_newest(reversed(found), most))[::-1]


def _newest(newest_first: Iterable[Write], most: int) -> Iterator[Write]:
    """Yield the writes of the newest instants."""
    instants: set[datetime] = set()
    for write in newest_first:
        instants.add(write.time)
        if len(instants) > most:
            return
        yield write


def _last_unnamed(writes: Sequence[Write]) -> datetime | None:
    return next((write.time for write in reversed(writes) if write.version is None), None)


def _order(write: Write) -> tuple[datetime, str, str, str]:
    return write.time, write.version or "", write.job or "", write.run or ""
