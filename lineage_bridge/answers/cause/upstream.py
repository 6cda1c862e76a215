"""The surest way from every end upstream to one of several ends."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
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


def upstream(travel: Travel, targets: Iterable[End], way: Way) -> dict[End, Reach]:
    """Return the surest way from each end from which trouble travels to one of the targets.

    Of ways that are equally sure, the shorter counts, then the first by name.
    """
    found: dict[End, Reach] = {}
    waiting: list[tuple[float, int, tuple[str, ...], tuple[End, ...]]] = [
        (-1.0, 1, (str(end),), (end,)) for end in sorted(set(targets), key=str)
    ]
    heapq.heapify(waiting)
    while waiting:
        negative, length, names, path = heapq.heappop(waiting)
        if path[0] in found:
            continue
        found[path[0]] = Reach(-negative, path)
        for hop in travel.up(path[0], way):
            if hop.end not in found:
                longer = (hop.end, *path)
                name = (str(hop.end), *names)
                heapq.heappush(waiting, (negative * hop.confidence, length + 1, name, longer))
    return found


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
