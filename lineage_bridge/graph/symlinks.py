"""Symlinks: names that are one dataset, because an event says so with the facet `symlinks`.

What an event says holds for good, and from one name to the next: if A is B and B is C, all three
are one. Their node has the name whose events say so, because that is where the dataset is; the name
that said it first, by event time, then by id. So the names are a function of the set of events.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

# Few sets have symlinks, so they lead: without any, this reads nothing.
_STATED = """
SELECT s.node, s.other, min(e.time_us) FROM graph_symlinks s
CROSS JOIN graph_events e ON e.said = s.set_id
WHERE e.time_us <= :at AND e.received_us <= :known AND e.dropped_us > :known
GROUP BY s.node, s.other
"""

_OF_SET = "SELECT node, other FROM graph_symlinks WHERE set_id = ?"

Pair = tuple[int, int]  # the number of a node, and that of its other name


@dataclass(frozen=True, slots=True)
class Symlinks:
    """Which nodes are one; all of them by their numbers in the tables.

    Attributes:
        stated: when an event first said of two names that they are one.
        node_of: the node of each name that is not the name of its node.
        others: the other names of a node, sorted by their ids.
    """

    stated: Mapping[Pair, int] = field(default_factory=dict)
    node_of: Mapping[int, int] = field(default_factory=dict)
    others: Mapping[int, tuple[int, ...]] = field(default_factory=dict)

    def numbers(self, node: int) -> tuple[int, ...]:
        """The numbers of all names of a node."""
        return node, *self.others.get(node, ())

    def would_change(self, stated: Iterable[tuple[Pair, int]]) -> bool:
        """Whether it makes a difference that these pairs are said too, at these times."""
        return any(pair not in self.stated or time < self.stated[pair] for pair, time in stated)


def read_symlinks(connection: sqlite3.Connection, bounds: Mapping[str, int]) -> Symlinks:
    """Read what the events within bounds (`at` and `known`) say."""
    rows = connection.execute(_STATED, bounds)
    stated = {(node, other): time_us for node, other, time_us in rows}
    return _joined(stated, _ids(connection, stated)) if stated else Symlinks()


def pairs_of(connection: sqlite3.Connection, set_id: int) -> Iterator[Pair]:
    """Yield the pairs that a set states."""
    yield from connection.execute(_OF_SET, (set_id,))


def _ids(connection: sqlite3.Connection, pairs: Iterable[Pair]) -> dict[int, str]:
    statement = "SELECT id FROM graph_nodes WHERE node = ?"
    numbers = {number for pair in pairs for number in pair}
    return {number: connection.execute(statement, (number,)).fetchone()[0] for number in numbers}


def _joined(stated: Mapping[Pair, int], ids: Mapping[int, str]) -> Symlinks:
    said_first: dict[int, int] = {}
    neighbours: dict[int, list[int]] = defaultdict(list)
    for (node, other), time_us in stated.items():
        said_first[node] = min(time_us, said_first.get(node, time_us))
        neighbours[node].append(other)
        neighbours[other].append(node)
    node_of: dict[int, int] = {}
    others: dict[int, tuple[int, ...]] = {}
    for group in _groups(neighbours):
        first = min(group & said_first.keys(), key=lambda number: (said_first[number], ids[number]))
        rest = sorted(group - {first}, key=ids.__getitem__)
        node_of |= dict.fromkeys(rest, first)
        others[first] = tuple(rest)
    return Symlinks(stated, node_of, others)


def _groups(neighbours: Mapping[int, Iterable[int]]) -> Iterator[set[int]]:
    seen: set[int] = set()
    for start in neighbours:
        if start in seen:
            continue
        group, border = {start}, [start]
        while border:
            found = set(neighbours[border.pop()]) - group
            group |= found
            border += found
        seen |= group
        yield group
