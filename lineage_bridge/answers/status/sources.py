"""What builds say of their source: a table that nobody was seen to write is judged by them.

It stands still if builds from it bring no newer data; then those builds carry its age with them,
as bound content. And what the checks found in its newest build is in the table as well, for those
who read it live: unless it is something that only a build can do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, NamedTuple

from lineage_bridge.answers.clocks import History
from lineage_bridge.assess.rhythm import MOST_BUILDS, Build
from lineage_bridge.assess.status.age import Aged, build_brought_nothing, is_late_at_build
from lineage_bridge.assess.status.faults import WARN, Fault
from lineage_bridge.graph.model import End, Graph, Node
from lineage_bridge.graph.writes import Write, recent_writes, writers

BOUND_AGE: Final = "age_at_build_seconds"
# What a build does with good rows: its source has none of it.
_OF_BUILDS: Final = frozenset(
    {"same_rows", "time_back", "repeated_keys", "repeated_rows", "overfull", "columns",
     "columns_added", "cutoff", "said_rows", "said_positive_rate", "said_entities", "said_range",
     "statistics", "future"}
)  # fmt: skip


class OldBuild(NamedTuple):
    """A build that brought data which was too old already.

    Attributes:
        write: the build.
        behind_seconds: how old its newest data was.
    """

    write: Write
    behind_seconds: float


def old_builds(graph: Graph, node: Node, history: History, aged: Aged) -> list[OldBuild]:
    """List the builds of a dataset whose data was late when they were built, oldest first."""
    found: list[OldBuild] = []
    before: datetime | None = None
    writes = [w for w in recent_writes(graph, node, MOST_BUILDS) if w.run is not None]
    for write, build in _builds(node, writes, history):
        if build.data is None:
            continue
        went_back = before is not None and build.data < before  # its own doing, not its source's
        if not went_back and (
            is_late_at_build(build, aged.finding) or build_brought_nothing(build, before, aged)
        ):
            found.append(OldBuild(write, (build.built - build.data).total_seconds()))
        before = build.data if before is None else max(before, build.data)
    return found


def _builds(node: Node, writes: Sequence[Write], history: History) -> Iterator[tuple[Write, Build]]:
    known = {build.built: build for build in history.builds}
    for write in {w.version: w for w in writes}.values():
        built = _built(node, write)
        if built in known:
            yield write, known[built]


def _built(node: Node, write: Write) -> datetime:
    from lineage_bridge.facets.freshness import FreshnessFacet

    version = None if write.version is None else node.version_named(write.version)
    facet = None if version is None else version.facets.of(FreshnessFacet)
    return write.time if facet is None or facet.build_time is None else facet.build_time


def faults_of_old_builds(
    node: Node, old: Sequence[OldBuild], age: Fault, limit_seconds: float
) -> Iterator[tuple[End, Fault]]:
    """Yield the age that old builds carry, theirs and their source's."""
    sources: dict[str, OldBuild] = {}
    for one in old:
        if one.write.version is not None:
            yield End(node.id, one.write.version), _bound(one, limit_seconds)
        if one.write.read is not None:
            sources.setdefault(one.write.read, one)
    for source, first in sources.items():
        yield End(source), replace(_bound(first, limit_seconds), level=age.level)


def _bound(one: OldBuild, limit_seconds: float) -> Fault:
    fault = Fault.of(BOUND_AGE, WARN, "age", one.write.time, one.behind_seconds, limit_seconds)
    return replace(fault, travels="bound")


def source_of(graph: Graph, node: Node) -> str | None:
    """Return the table that the newest build read alone; None if somebody is seen to write it."""
    newest = next(reversed(recent_writes(graph, node, 1)), None)
    if newest is None or newest.read is None or writers(graph).of.get(newest.read) is None:
        return None
    table = graph.nodes[newest.read]
    is_written = bool(table.versions) or any(
        newest.read in job.of for job in writers(graph).of[newest.read]
    )
    return None if is_written else newest.read


def faults_of_newest_build(
    graph: Graph, content: Mapping[End, Sequence[Fault]]
) -> Iterator[tuple[End, Fault]]:
    """Yield what the newest builds say of tables that are read live.

    Args:
        graph: the graph.
        content: what is wrong with versions.
    """
    jobs = (node for node in graph.nodes.values() if node.runs)
    read_live = {dataset for job in jobs for dataset in _read_live(job)}
    for node in graph.nodes.values() if read_live else ():
        if node.kind != "dataset" or not node.versions:
            continue
        own = content.get(End(node.id, node.versions[-1].version), ())
        table = source_of(graph, node) if own else None
        if table in read_live and table is not None:
            for fault in own:
                if fault.kind == "content" and fault.code not in _OF_BUILDS:
                    yield End(table), replace(fault, travels="live")


def _read_live(job: Node) -> frozenset[str]:
    """Return the datasets that runs of a job read live now."""
    return job.remembered(
        "read live",
        lambda: frozenset(
            binding.dataset
            for run in job.runs
            if run.streaming and run.state == "RUNNING"
            for binding in run.inputs
            if binding.kind == "live"
        ),
    )
