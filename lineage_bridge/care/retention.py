"""Which stories the present needs: a pure function of the graph and its stories.

A story (a run with all its events, or an event without a run) is kept if it

- is not older than the limit, is still running, or is awaited by something else;
- is the newest of its job, its newest job event that names datasets, the first to say that two
  names are one dataset, or the first or last to name a job or dataset: from the first the
  collector knows since when a thing exists, from the last in which state it was last seen;
- belongs to the activation that serves now, or is the last run of the one before: that shows where
  the present one began;
- wrote the current version of a dataset, or the newest one that has a certain facet;
- is one of the builds that the rhythm of a dataset is learned from, or its newest write;
- wrote a version that a kept story reads or writes, up to the sources;
- is what an observer found at the instant at which a kept run ended: a shutdown, which ended it;
- is needed so that a job, a dataset or a kept version shows the same value of a facet.

Invariant: all that is kept looks as before, and pruning once more deletes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from lineage_bridge.assess.rhythm import MOST_BUILDS
from lineage_bridge.care.history import History, Key, Story, stories_in_order
from lineage_bridge.graph.deployments import deployments, is_model
from lineage_bridge.graph.model import Graph, Node, Run, Version
from lineage_bridge.graph.steps import newest_version
from lineage_bridge.graph.writes import Write, recent_writes
from lineage_bridge.times import to_micros

_Versioned = tuple[str, str]  # a dataset's node id and a version
_Subject = tuple[str, str, str]  # a node, a version (empty: the node itself) and a facet
_Sayers = dict[int, tuple[bytes, Key]]  # set of facts -> newest event that has it: place and story


class _Best(NamedTuple):
    """The newest value of a facet: its place and ordinal, its digest, and its story."""

    place: bytes
    ordinal: int
    value: bytes | None
    said_by: Key


def needed(
    graph: Graph, history: History, horizon_us: int, awaited: Iterable[Key] = ()
) -> set[Key]:
    """Find the stories that the present needs.

    Args:
        graph: for now, with all facets.
        history: the stories of the same tables.
        horizon_us: every story with an event at or after this time is kept.
        awaited: stories that are kept for another reason.

    Raises:
        KeyError: the graph's tables contradict each other.
    """
    keeper = _Keeper(graph, history)
    for key in _roots(graph, history, horizon_us):
        keeper.keep(key)
    for key in awaited:
        keeper.keep(key)
    for node in graph.nodes.values():
        for version in _current_versions(node):
            keeper.want((node.id, version))
    for dataset, write in _rhythmic(graph):
        if write.run is not None:
            keeper.keep(Key(write.job, write.run))
        elif write.version is not None:
            keeper.want((dataset, write.version))
    while missing := keeper.missing():
        for key in missing:
            keeper.keep(key)
    return keeper.kept


def _roots(graph: Graph, history: History, horizon_us: int) -> Iterator[Key]:
    newest_of_job: dict[str | None, Key] = {}
    for story in stories_in_order(history.stories.values()):
        if story.newest_us >= horizon_us:
            yield story.key
        if story.key.job is not None:
            newest_of_job[story.key.job] = story.key
    yield from newest_of_job.values()
    yield from history.decisive
    yield from _first_and_last(history)
    for run in graph.runs:
        if run.state == "RUNNING":
            yield _key_of(run)
    for run in _serving(graph):
        yield _key_of(run)


def _rhythmic(graph: Graph) -> Iterator[tuple[str, Write]]:
    """Yield the writes of datasets that say how old they are, and how old they may be."""
    for node in graph.nodes.values():
        if node.kind == "dataset":
            most = 1 if is_model(node) else MOST_BUILDS
            yield from ((node.id, write) for write in recent_writes(graph, node, most))


def _key_of(run: Run) -> Key:
    return Key(run.job, run.id)


def _serving(graph: Graph) -> Iterator[Run]:
    for deployment in deployments(graph):
        if deployment.activations:
            yield from deployment.activations[-1].runs
        if len(deployment.activations) > 1:
            yield deployment.activations[-2].runs[-1]


def _first_and_last(history: History) -> Iterator[Key]:
    """Yield the first and the last story in the journal that names each node in each role."""
    first: dict[tuple[str, str], Story] = {}
    last: dict[tuple[str, str], Story] = {}
    for story in sorted(history.stories.values(), key=lambda s: s.last_seq):
        for named in _named(history, story):
            last[named] = story
            if named not in first or story.first_seq < first[named].first_seq:
                first[named] = story
    yield from (story.key for story in first.values())
    yield from (story.key for story in last.values())


def _named(history: History, story: Story) -> set[tuple[str, str]]:
    named = {(m.role, m.name) for said in story.sets for m in history.mentions.get(said, ())}
    if story.key.job is not None:
        named.add(("job", story.key.job))
    return named


def _current_versions(node: Node) -> set[str]:
    """Return the newest version, and for each facet the newest version that has it."""
    newest = {facet: v.version for v in node.versions for facet in v.facets}
    return {*newest.values(), *(v.version for v in node.versions[-1:])}


class _Keeper:
    """Collects the stories to keep, and finds the others that these depend on."""

    def __init__(self, graph: Graph, history: History) -> None:
        self.kept: set[Key] = set()
        self._history = history
        self._graph = graph
        self._versions: Mapping[_Versioned, Version] = {
            (node.id, v.version): v for node in graph.nodes.values() for v in node.versions
        }
        self._runs = {_key_of(run): run for run in graph.runs}
        self._wanted: set[_Versioned] = set()
        self._read: set[_Versioned] = set()  # by kept stories
        self._kept_sets: _Sayers = {}
        self._named_last: dict[tuple[str, str, str], Story] = {}
        self._observers: defaultdict[int, list[Key]] = defaultdict(list)  # by their instant
        all_sets: _Sayers = {}
        for story in stories_in_order(history.stories.values()):
            _take_sets(all_sets, story)
            if story.observes:
                self._observers[story.newest_us].append(story.key)
            for said in story.sets:
                named = (mention[:3] for mention in history.mentions.get(said, ()))
                self._named_last |= dict.fromkeys(named, story)
        self._newest = _newest_sayings(history, all_sets)

    def keep(self, key: Key) -> None:
        """Keep a story, and want the versions that it names."""
        story = self._history.stories.get(key)
        if story is None or key in self.kept:
            return
        self.kept.add(key)
        _take_sets(self._kept_sets, story)
        for said in story.sets:
            for mention in self._history.mentions.get(said, ()):
                self.want((mention.node, mention.version))
                if mention.role == "input":
                    self._read.add((mention.node, mention.version))
        if key in self._runs:
            self._want_live_versions(self._runs[key])
            self._keep_end(self._runs[key])

    def _keep_end(self, run: Run) -> None:
        if not run.streaming or run.ended is None:
            return
        written = {binding.dataset for binding in run.outputs}
        for key in self._observers.get(to_micros(run.ended), ()):
            sets = self._history.stories[key].sets
            read = {m.node for said in sets for m in self._history.mentions.get(said, ())}
            if written & read:
                self.keep(key)

    def want(self, versioned: _Versioned) -> None:
        """Keep a version, if the graph has it."""
        if versioned in self._versions:
            self._wanted.add(versioned)

    def _want_live_versions(self, run: Run) -> None:
        for binding in run.inputs:
            if binding.kind == "live":
                read = newest_version(self._graph.nodes[binding.dataset], run.ended)
                self.want((binding.dataset, read or ""))

    def missing(self) -> set[Key]:
        """Find the stories that the kept ones need and that are not kept yet.

        Raises:
            KeyError: the graph's tables name one that they do not have: they are damaged.
        """
        found = {self._origin(versioned) for versioned in self._wanted}
        kept_newest = _newest_sayings(self._history, self._kept_sets)
        for subject, newest in self._newest.items():
            node, version, _ = subject
            if version and (node, version) not in self._wanted:
                continue
            kept = kept_newest.get(subject)
            if kept is None or kept.value != newest.value:
                found.add(newest.said_by)
        missing = {key for key in found if key is not None} - self.kept
        for key in missing - self._history.stories.keys():
            raise KeyError(key.run or key.event)
        return missing

    def _origin(self, versioned: _Versioned) -> Key | None:
        """Return the story that a version comes from, None if kept stories name it already."""
        node, version = versioned
        known = self._versions[versioned]
        if known.run is not None:
            return Key(known.job, known.run)
        role = "input" if known.time is None else "stated"
        story = self._named_last.get((role, node, version))
        if story is None or (role == "input" and versioned in self._read):
            return None
        return story.key


def _take_sets(sayers: _Sayers, story: Story) -> None:
    for said, place in story.sets.items():
        if said not in sayers or sayers[said][0] < place:
            sayers[said] = place, story.key


def _newest_sayings(history: History, sayers: _Sayers) -> dict[_Subject, _Best]:
    newest: dict[_Subject, _Best] = {}
    for said, saying in history.sayings():
        if said not in sayers:
            continue
        place, said_by = sayers[said]
        for version in {"", saying.version}:
            subject = (saying.node, version, saying.facet)
            known = newest.get(subject)
            if known is None or known[:2] < (place, saying.ordinal):
                newest[subject] = _Best(place, saying.ordinal, saying.value, said_by)
    return newest
