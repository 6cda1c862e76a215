"""Drafts of nodes that events change.

A draft makes only those versions, runs and facets anew that differ. Apart from copying a tuple of
references, what that costs does not grow with the node.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from lineage_bridge.graph import writes
from lineage_bridge.graph.kept.index import changed
from lineage_bridge.graph.kept.places import Places
from lineage_bridge.graph.kept.rows import Told
from lineage_bridge.graph.model import Design, EdgeKind, Node, Run, Version, count_edges
from lineage_bridge.graph.node_facets import Facets
from lineage_bridge.graph.rows import NodeRow
from lineage_bridge.times import EPOCH

Item = TypeVar("Item")
Owner = TypeVar("Owner", Run, Version)
Pairs = Sequence[tuple[Item | None, Item | None]]  # what was there, and what is there instead


class Draft:
    """What one step makes of a node.

    Attributes:
        row: its identity.
        old: the node before the step, None if there was none.
        is_seen: an event that counts from now on names it.
    """

    def __init__(self, row: NodeRow, old: Node | None, places: Places) -> None:
        self.row = row
        self.old = old
        self.is_seen = False
        self._places = places
        self._facets: dict[str, _FacetsDraft] = {}
        self._versions: dict[str, Version | None] = {}
        self._runs: dict[str, Run | None] = {}
        self._all_runs: tuple[Run, ...] | None = None
        self._design = None if old is None else old.design

    def old_version(self, version: str) -> Version | None:
        """A version before the step."""
        return None if self.old is None else self.old.version_named(version)

    def old_run(self, run_id: str) -> Run | None:
        """A run before the step."""
        return None if self.old is None else self.old.run_of_id(run_id)

    def version(self, version: str) -> Version | None:
        """A version as far as the step has come."""
        if version in self._versions:
            return self._versions[version]
        return self.old_version(version)

    def put_version(self, version: Version) -> None:
        """Put a version in the place of the one of that name."""
        self._versions[version.version] = version

    def drop_version(self, version: str) -> None:
        """Remove a version."""
        self._versions[version] = None

    @property
    def new_versions(self) -> list[str]:
        """The names of the versions that the step adds."""
        return [name for name, v in self._versions.items() if v and not self.old_version(name)]

    def put_run(self, run_id: str, run: Run | None) -> None:
        """Put a run, or None, in the place of the one with this id."""
        self._runs[run_id] = run

    def put_all_runs(self, runs: Iterable[Run]) -> None:
        """Put these runs, in this order, in the place of all runs."""
        self._all_runs = tuple(runs)

    def put_design(self, design: Design | None) -> None:
        """Replace what job events say of the node."""
        self._design = design

    def tell(self, version: str, told: Told) -> None:
        """Add a facet to a version, or to the node itself, unless a later event told that key."""
        self._facets_of(version).tell(told)

    def tell_anew(self, version: str, told: Iterable[Told]) -> None:
        """Replace all facets of a version."""
        self._facets_of(version).tell_anew(told)

    def tell_key_anew(self, key: str, told: Told | None) -> None:
        """Replace the facet of the node at a key, or remove it."""
        self._facets_of("").tell_key_anew(key, told)

    def is_told_at(self, version: str, key: str, place: bytes) -> bool:
        """Whether the event at this place told a facet of a version, or of the node itself."""
        return self._facets_of(version).places.get(key) == place

    def _facets_of(self, version: str) -> _FacetsDraft:
        found = self._facets.get(version)
        if found is None:
            facets = self._old_facets(version)
            places = self._places.of(self.row.id, version, facets)
            found = self._facets[version] = _FacetsDraft(facets, places)
        return found

    def _old_facets(self, version: str) -> Facets:
        owner = self.old_version(version) if version else self.old
        return Facets() if owner is None else owner.facets

    def finished(self) -> Node:
        """The node after the step; the very same object if nothing has changed."""
        facets = self._finished_facets("", self._old_facets(""))
        old, runs, versions = self.old, self._changed_runs(), self._changed_versions()
        if old is None:
            old = Node(*self.row)
        elif not runs and not versions and self._all_runs is None and facets is old.facets:
            identity = (old.id, old.kind, old.namespace, old.name, old.symlinks)
            if identity == self.row and old.design == self._design:
                return old
        new = Node(
            *self.row,
            _exchanged(old.versions, versions, _version_order),
            _exchanged(old.runs, runs, _run_order) if self._all_runs is None else self._all_runs,
            facets,
            self._design,
        )
        _bring_versions(old, new, versions)
        if self._all_runs is None:
            _bring_runs(old, new, runs)
        return new

    def _changed_runs(self) -> Pairs[Run]:
        pairs = [(self.old_run(run_id), run) for run_id, run in self._runs.items()]
        return [(old, new) for old, new in pairs if old != new]

    def _changed_versions(self) -> Pairs[Version]:
        for told in self._facets.keys() - self._versions.keys() - {""}:
            self._versions[told] = self.old_version(told)
        pairs: list[tuple[Version | None, Version | None]] = []
        for name, version in self._versions.items():
            new = self._finished_version(name, version)
            old = self.old_version(name)
            if old != new:
                pairs.append((old, new))
        return pairs

    def _finished_version(self, name: str, version: Version | None) -> Version | None:
        if version is None:
            self._places.drop_version(self.row.id, name)
            return None
        facets = self._finished_facets(name, version.facets)
        return version if facets is version.facets else replace(version, facets=facets)

    def _finished_facets(self, version: str, facets: Facets) -> Facets:
        draft = self._facets.get(version)
        if draft is None:
            return facets
        finished = facets.changed(draft.values)
        self._places.put(self.row.id, version, finished, draft.places)
        return finished


class _FacetsDraft:
    """What one step makes of the facets of a node or version.

    Attributes:
        places: the place of the newest event that told each key.
        values: what changes, JSON by key; None removes a facet.
    """

    def __init__(self, facets: Facets, places: dict[str, bytes]) -> None:
        self._facets = facets
        self.places = places
        self.values: dict[str, str | None] = {}

    def tell(self, told: Told) -> None:
        known = self.places.get(told.key)
        if known is None or known <= told.place:  # of one event, the last facet counts
            self.places[told.key] = told.place
            self.values[told.key] = told.value

    def tell_anew(self, told: Iterable[Told]) -> None:
        self.places.clear()
        self.values = dict.fromkeys(self._facets)
        for entry in told:
            self.tell(entry)

    def tell_key_anew(self, key: str, told: Told | None) -> None:
        self.places.pop(key, None)
        self.values[key] = None
        if told is not None:
            self.tell(told)


def _exchanged(
    items: tuple[Item, ...], pairs: Pairs[Item], order: Callable[[Item], Any]
) -> tuple[Item, ...]:
    """Sorted items with some of them exchanged for others."""
    if not pairs:
        return items
    added = sorted((new for old, new in pairs if old is None and new is not None), key=order)
    if len(added) == len(pairs) and (not items or order(items[-1]) < order(added[0])):
        return items + tuple(added)  # one copy, not two
    found = list(items)
    for old, new in pairs:
        if old is not None:
            position = bisect_left(found, order(old), key=order)
            assert found[position] is old
            if new is not None and order(new) == order(old):
                found[position] = new
                continue
            del found[position]
        if new is not None:
            insort(found, new, key=order)
    return tuple(found)


def _run_order(run: Run) -> tuple[datetime, str]:
    return run.first, run.id


def _version_order(version: Version) -> tuple[bool, datetime, str]:
    return version.time is not None, version.time or EPOCH, version.version


def _bring_versions(old: Node, new: Node, pairs: Pairs[Version]) -> None:
    """Give the new node what was found out about the old one, as far as it still holds."""
    known, own = vars(old), vars(new)
    if "versions_by_name" in known:
        gone = {before.version: None for before, _ in pairs if before is not None}
        come = {version.version: version for _, version in pairs if version is not None}
        own["versions_by_name"] = changed(known["versions_by_name"], {**gone, **come})
    if "versions_by_facet" in known:
        own["versions_by_facet"] = {
            key: _exchanged(versions, _having(key, pairs), _version_order)
            for key, versions in known["versions_by_facet"].copy().items()
        }


def _bring_runs(old: Node, new: Node, pairs: Pairs[Run]) -> None:
    known, own = vars(old), vars(new)
    if "runs_by_id" in known:
        gone = {before.id: None for before, _ in pairs if before is not None}
        come = {run.id: run for _, run in pairs if run is not None}
        own["runs_by_id"] = changed(known["runs_by_id"], {**gone, **come})
    if "edge_counts" in known:
        own["edge_counts"] = _recounted(known["edge_counts"], pairs)
    if "runs_by_facet" in known:
        own["runs_by_facet"] = {
            key: _exchanged(runs, _having(key, pairs), _run_order)
            for key, runs in known["runs_by_facet"].copy().items()  # others may ask meanwhile
        }
    if writes.MEMORY in known.get("_memory", ()):
        written = writes.exchanged(writes.written_by(old), pairs)
        new.remembered(writes.MEMORY, lambda: written)


def _recounted(known: Mapping[EdgeKind, int], pairs: Pairs[Run]) -> Mapping[EdgeKind, int]:
    if not pairs:
        return known
    counts = Counter(known)
    counts.subtract(count_edges(old for old, _ in pairs if old is not None))
    counts.update(count_edges(new for _, new in pairs if new is not None))
    return +counts  # without those that are none


def _having(key: str, pairs: Pairs[Owner]) -> Pairs[Owner]:
    """The same of those that have a facet of this key."""
    found = [
        (
            old if old is not None and key in old.facets else None,
            new if new is not None and key in new.facets else None,
        )
        for old, new in pairs
    ]
    return [(old, new) for old, new in found if old is not None or new is not None]
