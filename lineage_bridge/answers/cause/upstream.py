"""Ways through the edges along which trouble travels: up from some ends, and down from others."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from lineage_bridge.assess.status.faults import Way
from lineage_bridge.graph.model import End
from lineage_bridge.graph.travel import Travel


class Reach(NamedTuple):
    """A way down from an end.

    Attributes:
        confidence: the product of those of its links.
        path: all ends, this one first.
    """

    confidence: float
    path: tuple[End, ...]


class Upstream:
    """All ends from which trouble travels to one of some targets, each with its surest way.

    Of ways that are equally sure, the shorter counts, then the first by name.

    Args:
        travel: the edges.
        targets: where the ways end; each is among the ends too.
        way: how trouble travels.
    """

    def __init__(self, travel: Travel, targets: Iterable[End], way: Way) -> None:
        self._next: dict[End, tuple[float, End | None]] = {}
        waiting: list[tuple[float, int, str, End, End | None]] = [
            (-1.0, 1, str(end), end, None) for end in set(targets)
        ]
        heapq.heapify(waiting)
        while waiting:
            negative, length, _, end, after = heapq.heappop(waiting)
            if end in self._next:
                continue
            self._next[end] = -negative, after
            for hop in travel.up(end, way):
                if hop.end not in self._next:
                    entry = negative * hop.confidence, length + 1, str(hop.end), hop.end, end
                    heapq.heappush(waiting, entry)

    def __contains__(self, end: object) -> bool:
        return end in self._next

    def __iter__(self) -> Iterator[End]:
        return iter(self._next)

    def __len__(self) -> int:
        return len(self._next)

    def get(self, end: End) -> Reach | None:
        """Return the way from an end; None if there is none."""
        if end not in self._next:
            return None
        confidence, after = self._next[end]
        path = [end]
        while after is not None:
            path.append(after)
            _, after = self._next[after]
        return Reach(confidence, tuple(path))


def downstream(travel: Travel, sources: Iterable[End], ways: Iterable[Way]) -> Mapping[End, End]:
    """Return every end below the sources with the end before it; a source is before itself.

    The way back from an end is one of the shortest.
    """
    before = {end: end for end in sorted(set(sources), key=str)}
    border = list(before)
    each = tuple(ways)
    while border:
        reached: list[End] = []
        for end in border:
            for way in each:
                for hop in travel.down(end, way):
                    if hop.end not in before:
                        before[hop.end] = end
                        reached.append(hop.end)
        border = reached
    return before


def way_back(before: Mapping[End, End], end: End) -> tuple[End, ...]:
    """Return the path from a source to an end."""
    path = [end]
    while before[path[-1]] != path[-1]:
        path.append(before[path[-1]])
    return tuple(reversed(path))


def below(travel: Travel, targets: Mapping[End, int], way: Way) -> Mapping[End, int]:
    """Return, for every end upstream of any target, which targets are below it.

    A set of targets is a number with a bit for each: so thousands of ends cost little.

    Args:
        travel: the edges.
        targets: some ends, each with its bit.
        way: how trouble travels.
    """
    above: dict[End, list[End]] = {}
    waiting = list(targets)
    for end in waiting:  # it grows while it is walked
        if end not in above:
            above[end] = [hop.end for hop in travel.up(end, way)]
            waiting += [other for other in above[end] if other not in above]
    found: dict[End, int] = {end: targets.get(end, 0) for end in above}
    for _ in range(len(above)):  # in this order once is enough, but for cycles
        if not _pass_on(_lowest_first(above), above, found):
            break
    return found


def _pass_on(
    order: Iterable[End], above: Mapping[End, Iterable[End]], found: dict[End, int]
) -> bool:
    """Pass all bits one step on, from each end in order; return whether a cycle needs more."""
    again, done = False, set()
    for end in order:
        done.add(end)
        for other in above[end]:
            if found[end] & ~found[other]:
                found[other] |= found[end]
                again = again or other in done
    return again


def _lowest_first(above: Mapping[End, Iterable[End]]) -> list[End]:
    """Sort ends so that each comes before those above it; of a cycle in any order."""
    below: dict[End, int] = dict.fromkeys(above, 0)
    for ends in above.values():
        for end in ends:
            below[end] += 1
    order = [end for end, count in below.items() if not count]
    for end in order:  # it grows while it is walked
        for other in above[end]:
            below[other] -= 1
            if not below[other]:
                order.append(other)
    placed = set(order)
    return order + [end for end in above if end not in placed]
