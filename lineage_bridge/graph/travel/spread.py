"""What each end of the graph inherits: the worst that travels to it, from the nearest root.

A root is an origin to which nothing as bad comes from elsewhere; where there is none, as in a
cycle of faults, the nearest origin counts.

All faults spread at once, level by level and step by step. Each end keeps the two nearest origins
of a level, since an end that is an origin itself inherits from the other one. What is wrong with a
dataset without versions did not hurt those who had read it before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Final, NamedTuple

from lineage_bridge.assess.status.faults import BAD, UNKNOWN, WARN, Fault, Level, Way, rank
from lineage_bridge.graph.model import End
from lineage_bridge.graph.travel.edges import Travel

_WORST_FIRST: Final[tuple[Level, ...]] = (BAD, WARN, UNKNOWN)
_WAYS: Final[tuple[Way, ...]] = ("bound", "live")
_KEPT: Final = 2  # origins of an end: its own, and the nearest other one


class _Label(NamedTuple):
    """An origin that has reached an end, how far away it is, and the end before; None at itself."""

    name: str
    origin: End
    distance: int
    before: End | None


_Labels = dict[End, list[_Label]]
_Takes = Callable[[End, Level], bool]
_Sources = dict[tuple[Level, Way], dict[End, datetime | None]]


class Inherited:
    """What comes to an end from upstream.

    Attributes:
        level: how bad it is.
        origin: where the fault is.
        distance: how many steps away that is.
        way: how it travelled.
    """

    def __init__(self, level: Level, end: End, label: _Label, way: Way, labels: _Labels) -> None:
        self.level = level
        self.origin = label.origin
        self.distance = label.distance
        self.way = way
        self._end = end
        self._label = label
        self._labels = labels

    @cached_property
    def path(self) -> tuple[End, ...]:
        """All ends on the way, the first is the origin."""
        path, label = [self._end], self._label
        while label.before is not None:
            path.append(label.before)
            label = next(one for one in self._labels[label.before] if one.origin == self.origin)
        return tuple(reversed(path))

    @property
    def order(self) -> tuple[int, int, str, Way]:
        """The worst is the smallest; then the nearest, then by the name of its origin.

        Whether an origin is a root comes before its distance, and is not known here.
        """
        return -rank(self.level), self.distance, self._label.name, self.way

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Inherited):
            return NotImplemented
        return (self.level, self.way, self.path) == (other.level, other.way, other.path)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Inherited({self.level} from {self.origin})"


_Found = dict[End, Inherited]


def spread(travel: Travel, faults: Mapping[End, Sequence[Fault]]) -> _Found:
    """Return what each end inherits that inherits anything.

    Args:
        travel: the edges.
        faults: what is wrong, by where it is.
    """
    begun = _sources(travel, faults)
    known = _spread(travel, begun, lambda _end, _level: True)
    # What is as bad as what comes to it from elsewhere is no root.
    carried = {
        (end, level)
        for end in faults
        for level in _WORST_FIRST
        if end in known and rank(known[end].level) >= rank(level)
    }
    if not carried:
        return known
    roots = _spread(travel, begun, lambda end, level: (end, level) not in carried)
    if all(end in roots and roots[end].level == one.level for end, one in known.items()):
        return roots
    others = _spread(travel, begun, lambda end, level: (end, level) in carried)
    return {end: _better(roots.get(end), others.get(end)) for end in known}


def _better(root: Inherited | None, other: Inherited | None) -> Inherited:
    """Return the worse one; of equals the root."""
    both = [one for one in (root, other) if one is not None]
    return max(both, key=lambda one: rank(one.level))


def _spread(travel: Travel, begun: _Sources, takes: _Takes) -> _Found:
    """Return what each end inherits from those origins alone."""
    found: _Found = {}
    for way in _WAYS:
        full: set[End] = set()  # worse comes to it and to all below it, from two origins
        for level in _WORST_FIRST:
            known = begun.get((level, way), {})
            sources = {end: since for end, since in known.items() if takes(end, level)}
            labels = _reach(travel, sources, way, full)
            for end, reached in labels.items():
                if len(reached) == _KEPT:
                    full.add(end)
                label = next((one for one in reached if one.origin != end), None)
                if label is not None:
                    inherited = Inherited(level, end, label, way, labels)
                    if end not in found or inherited.order < found[end].order:
                        found[end] = inherited
    return found


def _sources(travel: Travel, faults: Mapping[End, Sequence[Fault]]) -> _Sources:
    """Return where faults begin that go anywhere, and since when; None where nobody says it."""
    found: _Sources = {}
    for end, own in faults.items():
        for fault in own:
            way = fault.travels
            if way is not None and travel.down(end, way):
                of_level = found.setdefault((fault.level, way), {})
                of_level[end] = _earlier(of_level.get(end, fault.since), fault.since)
    return found


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return None if one is None or other is None else min(one, other)


def _reach(
    travel: Travel, sources: Mapping[End, datetime | None], way: Way, full: set[End]
) -> _Labels:
    labels: _Labels = {end: [_Label(str(end), end, 0, None)] for end in sources}
    border = {end: list(own) for end, own in labels.items()}
    while border:
        arriving = _arriving(travel, border, sources, way)
        border = {}
        for end, candidates in arriving.items():
            if end in full:
                continue
            new = _kept(labels.get(end, ()), candidates)
            if new:
                labels.setdefault(end, []).extend(new)
                border[end] = new
    return labels


def _arriving(
    travel: Travel,
    border: Mapping[End, Sequence[_Label]],
    sources: Mapping[End, datetime | None],
    way: Way,
) -> dict[End, list[tuple[_Label, End]]]:
    arriving: dict[End, list[tuple[_Label, End]]] = {}
    for end, labels in border.items():
        for hop in travel.down(end, way):
            for label in labels:
                since = sources[end] if label.before is None else None
                if since is None or not travel.is_before(hop.end, end, since):
                    arriving.setdefault(hop.end, []).append((label, end))
    return arriving


def _kept(known: Sequence[_Label], candidates: Iterable[tuple[_Label, End]]) -> list[_Label]:
    """Return the new labels of an end: those of the first origins by name, until it has enough."""
    room = _KEPT - len(known)
    if room <= 0:
        return []
    origins = {label.origin for label in known}
    best: dict[End, tuple[_Label, End]] = {}
    for label, before in candidates:
        if label.origin not in origins:
            other = best.get(label.origin)
            if other is None or str(before) < str(other[1]):
                best[label.origin] = label, before
    first = sorted(best.values(), key=_by_name)[:room]
    return [label._replace(distance=label.distance + 1, before=b) for label, b in first]


def _by_name(one: tuple[_Label, End]) -> str:
    return one[0].name
