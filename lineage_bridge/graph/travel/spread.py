"""What each end of the graph inherits: the worst that travels to it, from the nearest root.

A root is an origin to which nothing as bad comes from elsewhere; where there is none, as in a
cycle of faults, the nearest origin counts.

All faults spread at once, level by level and step by step. Each end keeps the two nearest origins
of a level, since an end that is an origin itself inherits from the other one. What is wrong with a
dataset without versions did not hurt those who had read it before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from lineage_bridge.assess.status.faults import BAD, UNKNOWN, WARN, Fault, Level, Way, rank
from lineage_bridge.graph.model import End
from lineage_bridge.graph.travel.edges import Travel

_WORST_FIRST: Final[tuple[Level, ...]] = (BAD, WARN, UNKNOWN)
_WAYS: Final[tuple[Way, ...]] = ("bound", "live")
_KEPT: Final = 2  # origins of an end: its own, and the nearest other one


@dataclass(frozen=True, slots=True)
class Inherited:
    """What comes to an end from upstream.

    Attributes:
        level: how bad it is.
        origin: where the fault is.
        path: all ends on the way, the first is the origin.
        way: how it travelled.
    """

    level: Level
    origin: End
    path: tuple[End, ...]
    way: Way

    @property
    def order(self) -> tuple[int, int, str, Way]:
        """The worst is the smallest; then the nearest, then by the name of its origin.

        Whether an origin is a root comes before its distance, and is not known here.
        """
        return -rank(self.level), len(self.path), str(self.origin), self.way


class _Label(NamedTuple):
    """An origin that has reached an end, and by which end before; None at the origin itself."""

    origin: End
    before: End | None


_Labels = dict[End, list[_Label]]


def spread(travel: Travel, faults: Mapping[End, Sequence[Fault]]) -> dict[End, Inherited]:
    """Return what each end inherits that inherits anything.

    Args:
        travel: the edges.
        faults: what is wrong, by where it is.
    """
    known = _spread(travel, faults, _every)
    # What is as bad as what comes to it from elsewhere is no root.
    carried = {
        (end, level)
        for end in faults
        for level in _WORST_FIRST
        if end in known and rank(known[end].level) >= rank(level)
    }
    if not carried:
        return known
    roots = _spread(travel, faults, lambda end, level: (end, level) not in carried)
    others = _spread(travel, faults, lambda end, level: (end, level) in carried)
    return {end: _better(roots.get(end), others.get(end)) for end in known}


_Takes = Callable[[End, Level], bool]


def _every(_end: End, _level: Level) -> bool:
    return True


def _better(root: Inherited | None, other: Inherited | None) -> Inherited:
    """Return the worse one; of equals the root."""
    both = [one for one in (root, other) if one is not None]
    return max(both, key=lambda one: rank(one.level))


def _spread(
    travel: Travel, faults: Mapping[End, Sequence[Fault]], takes: _Takes
) -> dict[End, Inherited]:
    """Return what each end inherits from those origins alone."""
    found: dict[End, Inherited] = {}
    for level in _WORST_FIRST:
        for way in _WAYS:
            begun = _sources(faults, level, way)
            sources = dict(sorted((s for s in begun if takes(s[0], level)), key=_by_end))
            labels = _reach(travel, sources, way)
            for end in labels:
                inherited = _inherited(labels, end, level, way)
                if inherited is not None and _is_first(inherited, found.get(end)):
                    found[end] = inherited
    return found


def _sources(
    faults: Mapping[End, Sequence[Fault]], level: Level, way: Way
) -> Iterator[tuple[End, datetime | None]]:
    """Yield where faults of a level begin, and since when; None where nobody says it."""
    for end, own in faults.items():
        begun = [f.since for f in own if f.level == level and f.travels == way]
        if begun:
            known = [since for since in begun if since is not None]
            yield end, min(known) if len(known) == len(begun) else None


def _reach(travel: Travel, sources: Mapping[End, datetime | None], way: Way) -> _Labels:
    labels: _Labels = {end: [_Label(end, None)] for end in sources}
    border = {end: list(own) for end, own in labels.items()}
    while border:
        arriving = _arriving(travel, border, sources, way)
        border = {}
        for end, candidates in arriving.items():
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
) -> dict[End, list[_Label]]:
    arriving: dict[End, list[_Label]] = defaultdict(list)
    for end, labels in border.items():
        for hop in travel.down(end, way):
            for label in labels:
                since = sources[end] if label.before is None else None
                if since is None or not travel.is_before(hop.end, end, since):
                    arriving[hop.end].append(_Label(label.origin, end))
    return arriving


def _kept(known: Sequence[_Label], candidates: Iterable[_Label]) -> list[_Label]:
    """Return the new labels of an end: those of the first origins by name, until it has enough."""
    origins = {label.origin for label in known}
    room = _KEPT - len(origins)
    new: list[_Label] = []
    for label in sorted(candidates, key=_by_name) if room > 0 else ():
        if label.origin not in origins:
            origins.add(label.origin)
            new.append(label)
            if len(new) == room:
                break
    return new


def _by_end(source: tuple[End, datetime | None]) -> str:
    return str(source[0])


def _by_name(label: _Label) -> tuple[str, str]:
    return str(label.origin), str(label.before)


def _inherited(labels: _Labels, end: End, level: Level, way: Way) -> Inherited | None:
    label = next((one for one in labels[end] if one.origin != end), None)
    if label is None:
        return None
    path = [end]
    while label is not None and label.before is not None:
        path.append(label.before)
        label = _of_origin(labels[label.before], label.origin)
    return Inherited(level, path[-1], tuple(reversed(path)), way)


def _of_origin(labels: Iterable[_Label], origin: End) -> _Label:
    return next(label for label in labels if label.origin == origin)


def _is_first(one: Inherited, known: Inherited | None) -> bool:
    return known is None or one.order < known.order
