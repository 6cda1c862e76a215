"""What the clocks of a dataset show: when it was built, and how new the data in it is.

Of ours, the freshness facet says it. Of anybody's, the journal knows when a run had written it
(`graph.writes`), and the standard `lastUpdated` may say it. What nobody was seen to write is known
by what was built from it: a table has data that is at least as new as that in a build of it alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from operator import is_

from lineage_bridge.assess.rhythm import MOST_BUILDS, Build, Rhythm, rhythm_of
from lineage_bridge.events import as_object, as_text
from lineage_bridge.facets.freshness import FreshnessFacet
from lineage_bridge.graph.model import Graph, Node, Version
from lineage_bridge.graph.writes import (
    Write,
    newest_unnamed,
    recent_copies,
    recent_writes,
    writers,
    written_at,
)
from lineage_bridge.times import parse_time


@dataclass(frozen=True, slots=True)
class Clocks:
    """What is known of one version of a dataset.

    Attributes:
        version: None where it has none, or nobody names it.
        build_time: when it was built; None if nobody says it.
        file_time: the file's own time where the artifact has no build time.
        data_time: of the newest event in it.
        facet: what says so, if it is one of ours.
    """

    version: str | None = None
    build_time: datetime | None = None
    file_time: datetime | None = None
    data_time: datetime | None = None
    facet: FreshnessFacet | None = None

    @property
    def written(self) -> datetime | None:
        """When it was written, by whatever is known."""
        return self.build_time or self.file_time


def clocks_of(graph: Graph, node: Node) -> Iterator[Clocks]:
    """Yield what is known of each version of a dataset, newest first; of no others."""
    found = _by_version(graph, node)
    first = next(found, None)
    unnamed = newest_unnamed(graph, node)
    if unnamed is not None and (first is None or _is_older(first, unnamed)):
        found, first = _before(first, found), Clocks(build_time=unnamed)
    if first is None or first.facet is None:
        first = _updated(node, first)
    yield from _before(first, found)


def _before(first: Clocks | None, others: Iterator[Clocks]) -> Iterator[Clocks]:
    if first is not None:
        yield first
    yield from others


def _updated(node: Node, newest: Clocks | None) -> Clocks | None:
    """Return the newest clocks, with the time of the last update where that is later."""
    updated = node.remembered("last updated", lambda: _last_updated(node))
    if updated is None or (newest is not None and not _is_older(newest, updated)):
        return newest
    if newest is not None:
        return replace(newest, build_time=updated)
    return Clocks(newest_version(node), updated)


def newest_version(node: Node) -> str | None:
    """Return the newest version that anybody names, None where nobody does."""
    return node.versions[-1].version if node.versions else None


def _by_version(graph: Graph, node: Node) -> Iterator[Clocks]:
    for version in reversed(node.versions):
        facet = version.facets.of(FreshnessFacet)
        written = written_at(graph, version)
        if facet is not None:
            yield _by_facet(version, facet, written)
        elif written is not None:
            yield Clocks(version.version, written)


def _by_facet(version: Version, facet: FreshnessFacet, written: datetime | None) -> Clocks:
    is_mtime = bool(facet.build_time_is_mtime)
    build_time = None if is_mtime else facet.build_time or written
    file_time = facet.build_time if is_mtime else None
    return Clocks(version.version, build_time, file_time, facet.data_time, facet)


def _is_older(clocks: Clocks, time: datetime) -> bool:
    return clocks.written is None or clocks.written < time


def _last_updated(node: Node) -> datetime | None:
    said = as_text(as_object(node.facets.get("dataQualityMetrics")).get("lastUpdated"))
    try:
        return None if said is None else parse_time(said).instant
    except ValueError:
        return None


class History:
    """What is known of a dataset: its newest version, and how it is usually built.

    Args:
        graph: the graph.
        node: the dataset.
    """

    def __init__(self, graph: Graph, node: Node) -> None:
        self.newest = next(clocks_of(graph, node), None)
        self.builds = [_build(node, write) for write in recent_writes(graph, node, MOST_BUILDS)]
        self._latest = max((build.built for build in self.builds), default=None)
        known = writers(graph)
        self._by = known.of.get(node.id, ())
        self._jobs = frozenset(version.job for version in node.versions)
        self._answering = self._jobs & known.answering

    def rhythm(self, at: datetime) -> Rhythm | None:
        """Return the rhythm at an instant."""
        if self._latest is None:
            return None
        return self._whole if self._latest <= at else rhythm_of(self.builds, at)

    @cached_property
    def _whole(self) -> Rhythm | None:
        return None if self._latest is None else rhythm_of(self.builds, self._latest)

    def holds(self, graph: Graph, node: Node) -> bool:
        """Whether it is the same in a graph that has the same node."""
        known = writers(graph)
        by = known.of.get(node.id, ())
        return (
            len(by) == len(self._by)
            and all(map(is_, by, self._by))
            and self._jobs & known.answering == self._answering
        )


def history_of(graph: Graph, node: Node) -> History:
    """Return the history of a dataset; it is remembered as long as nothing of it changes."""
    kept: list[History] = node.remembered("history", list)
    if not kept or not kept[0].holds(graph, node):
        kept[:] = [History(graph, node)]
    return kept[0]


def sightings(graph: Graph, node: Node) -> list[Build]:
    """Return the newest builds from this dataset alone that say how new their data is."""
    found = []
    for write in recent_copies(graph, node, MOST_BUILDS):
        copy = graph.nodes.get(write.dataset)
        build = None if copy is None else _build(copy, write)
        if build is not None and build.data is not None:
            found.append(build)
    return found


def _build(node: Node, write: Write) -> Build:
    """Return the build that a write was; its facet says best when, if it tells of this write."""
    version = None if write.version is None else node.version_named(write.version)
    facet = None if version is None else version.facets.of(FreshnessFacet)
    if facet is None or version is None or version.run != write.run:
        return Build(write.time)
    return Build(facet.build_time or write.time, facet.data_time)
