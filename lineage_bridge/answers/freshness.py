"""Freshness of every dataset whose newest write is known, or what it reads live."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from lineage_bridge.answers.clocks import (
    Clocks,
    History,
    clocks_of,
    history_of,
    newest_version,
    sightings,
)
from lineage_bridge.answers.live import live_sources
from lineage_bridge.assess.expectations import Expectation, expectation_of
from lineage_bridge.assess.freshness import (
    BUILD,
    DATA,
    EFFECTIVE,
    Freshness,
    JudgedClock,
    Live,
    assess_freshness,
)
from lineage_bridge.assess.policies import Policies
from lineage_bridge.assess.rhythm import Build, Rhythm, rhythm_of
from lineage_bridge.graph.deployments import is_model
from lineage_bridge.graph.model import Graph, Node


@dataclass(frozen=True, slots=True)
class DatasetFreshness:
    """How old one version of a dataset is.

    Attributes:
        node: the dataset.
        version: None where it has no versions.
        finding: how old it is.
        expectation: what it was judged by.
        expected_of: the dataset that this is expected of: another one if that is read live and
            decided, since nothing is stated of this one.
        next_build: when the next build is expected; in the past if it is overdue, None if nobody
            knows, or if this is not the newest version.
        live_source: what is read live and decides how old that is.
    """

    node: Node
    version: str | None
    finding: Freshness
    expectation: Expectation
    expected_of: Node
    next_build: datetime | None = None
    live_source: Node | None = None


def judge_freshness(
    graph: Graph, at: datetime, policies: Policies, *, every_version: bool
) -> Iterator[DatasetFreshness]:
    """Judge the newest version of each dataset, or all of which something is known, oldest first.

    The datasets are sorted. A model is judged where it says its age itself, or the settings name
    it: nobody expects that it is trained again and again.
    """
    judge = _Judge(graph, at, policies)
    for node in graph.nodes.values():
        if node.kind == "dataset":
            yield from judge.judge(node, every_version=every_version)


@dataclass(frozen=True, slots=True)
class _Link:
    """A dataset on a live path, judged for itself, and its oldest clock that is not ahead."""

    node: Node
    finding: Freshness
    expectation: Expectation
    shown: datetime
    clock: JudgedClock


class _Judge:
    """Judges the datasets of a graph at an instant."""

    def __init__(self, graph: Graph, at: datetime, policies: Policies) -> None:
        self._graph = graph
        self._at = at
        self._policies = policies
        self._links: dict[str, _Link | None] = {}

    def judge(self, node: Node, *, every_version: bool) -> Iterator[DatasetFreshness]:
        """Judge a dataset: all that is known of it, newest last."""
        history = history_of(self._graph, node)
        newest = history.newest
        if not self._concerns(node, newest):
            return
        links = self._links_of(node)
        if newest is None and not links and self._policies.named(node.names) is None:
            return
        rhythm = self._rhythm(node, history)
        if every_version:
            for clocks in reversed(list(clocks_of(self._graph, node))[1:]):
                yield self._judge(node, clocks, rhythm)
        yield self._judge(node, newest or self._seen(node), rhythm, links, is_newest=True)

    def _concerns(self, node: Node, newest: Clocks | None) -> bool:
        says_so = newest is not None and newest.facet is not None
        return says_so or not is_model(node) or self._policies.named(node.names) is not None

    def _judge(
        self,
        node: Node,
        clocks: Clocks,
        rhythm: Rhythm | None,
        links: Sequence[_Link] = (),
        *,
        is_newest: bool = False,
    ) -> DatasetFreshness:
        own = expectation_of(self._policies.stated_of(node.names), clocks.facet, rhythm)
        link = _deciding(links, own)
        rule = own.rule if link is None or own.stated is not None else link.expectation.rule
        finding = assess_freshness(
            build_time=clocks.build_time,
            file_time=clocks.file_time,
            data_time=clocks.data_time,
            at=self._at,
            policy=own.rule,
            live=None if link is None else Live(link.shown, link.clock, rule),
        )
        of_link = link if own.stated is None and finding.basis == EFFECTIVE else None
        return DatasetFreshness(
            node,
            clocks.version,
            finding,
            own if of_link is None else of_link.expectation,
            node if of_link is None else of_link.node,
            own.next_build(clocks.written) if is_newest and clocks.written else None,
            None if link is None else link.node,
        )

    def _rhythm(self, node: Node, history: History) -> Rhythm | None:
        if is_model(node):  # too few of its trainings may be kept to learn anything
            return None
        if history.builds:
            return history.rhythm(self._at)
        return rhythm_of(self._sightings(node), self._at)

    def _seen(self, node: Node) -> Clocks:
        """Tell what builds from a dataset say of it, where nobody was seen to write it."""
        seen = [build.data for build in self._sightings(node) if build.data is not None]
        return Clocks(newest_version(node), data_time=max(seen, default=None))

    def _sightings(self, node: Node) -> list[Build]:
        return sightings(self._graph, node)

    def _links_of(self, node: Node) -> list[_Link]:
        found = (self._link(source) for source in live_sources(self._graph, node.id))
        return [link for link in found if link is not None]

    def _link(self, source: str) -> _Link | None:
        if source not in self._links:
            self._links[source] = self._judge_link(self._graph.nodes[source])
        return self._links[source]

    def _judge_link(self, node: Node) -> _Link | None:
        history = history_of(self._graph, node)
        one = self._judge(node, history.newest or self._seen(node), self._rhythm(node, history))
        times: tuple[tuple[JudgedClock, datetime | None], ...] = (
            (DATA, one.finding.data_time),
            (BUILD, one.finding.build_time),
        )
        shown = [(time, clock) for clock, time in times if time is not None and time <= self._at]
        return _Link(node, one.finding, one.expectation, *min(shown)) if shown else None


def _deciding(links: Sequence[_Link], own: Expectation) -> _Link | None:
    """Return the oldest link, which a statement of the dataset itself is held against.

    Where nothing is stated of it, each link is held against what is expected of the link, and the
    worst decides: a table that is built once a day may well be older than one of each minute.
    """
    if own.stated is not None:
        return min(links, key=lambda link: (link.shown, link.node.id), default=None)
    return max(links, key=_badness, default=None)


def _badness(link: _Link) -> tuple[int, float, str]:
    return link.finding.rank, (link.finding.evaluated_at - link.shown).total_seconds(), link.node.id
