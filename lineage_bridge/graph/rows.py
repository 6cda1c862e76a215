"""What `load` reads: each method of `Rows` is one statement over the graph's tables.

A fact counts if its event time is not after `at` and it had arrived by `known`, both in
microseconds since the epoch. Rows come in no order that anybody may rely on.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

import orjson

from lineage_bridge.events import Name
from lineage_bridge.graph.bind import Group, Named
from lineage_bridge.graph.symlinks import Symlinks, read_symlinks
from lineage_bridge.graph.tables import NEVER, VALUE
from lineage_bridge.times import to_micros

COUNTS = "time_us <= :at AND received_us <= :known AND dropped_us > :known"

# One row for all events of a run that say the same, not one an event. Of an observer's runs only
# the newest is read: the others leave the facets that they saw.
_GROUPS = f"""
WITH newest_looks AS MATERIALIZED (
    SELECT job, run, max(place) FROM graph_events
    WHERE observes = 1 AND run IS NOT NULL AND {COUNTS} GROUP BY job
)
SELECT job, run, observes, said, run_said, max(streaming), min(time_us), min(started_us),
    max(turn), max(place)
FROM graph_events
WHERE {COUNTS}
    AND (observes = 0 OR run IS NULL OR (job, run) IN (SELECT job, run FROM newest_looks))
GROUP BY observes, job, run, said, run_said
"""

_MENTIONS = """
SELECT set_id, role, node, version, method, confidence, feedback FROM graph_mentions
WHERE set_id IN (SELECT value FROM json_each(?))
"""

# SQLite takes the other columns from the row that has the max().
_NEWEST_FACETS = f"""
WITH sets AS MATERIALIZED (
    SELECT said AS set_id, max(place) AS place FROM graph_events WHERE {COUNTS} GROUP BY said
), newest AS MATERIALIZED (
    SELECT f.node, f.version, f.key, f.facet, max(sets.place) AS place
    FROM graph_facets f INDEXED BY graph_facets_key CROSS JOIN sets USING (set_id)
    WHERE (:keys IS NULL OR f.key IN (SELECT value FROM json_each(:keys)))
        AND (:ids IS NULL OR f.node IN (
            SELECT node FROM graph_nodes WHERE id IN (SELECT value FROM json_each(:ids))
        ))
    GROUP BY f.node, f.version, f.key
)
SELECT newest.node, newest.version, newest.key, newest.place, f.ordinal, {VALUE}
FROM newest CROSS JOIN graph_facets f USING (facet)
"""

_RUN_FACETS = """
SELECT set_id, key, value FROM graph_run_facets
WHERE set_id IN (SELECT value FROM json_each(:sets))
    AND (:keys IS NULL OR key IN (SELECT value FROM json_each(:keys)))
"""

# What any look has named, also one whose run is not read.
_LOOKED_AT = f"""
SELECT DISTINCT m.node, CASE m.role WHEN 'input' THEN m.version ELSE '' END
FROM graph_events e JOIN graph_mentions m ON m.set_id = e.said
WHERE e.observes = 1 AND {COUNTS}
"""


class NodeRow(NamedTuple):
    """A node's identity; see `Node`."""

    id: str
    kind: Literal["dataset", "job"]
    namespace: str
    name: str
    symlinks: tuple[Name, ...] = ()

    def joined(self, others: Iterable[NodeRow]) -> NodeRow:
        """This node with other names."""
        return self._replace(symlinks=tuple(Name(row.namespace, row.name) for row in others))

    @property
    def all_ids(self) -> list[str]:
        """Its id, and those of its other names."""
        return [self.id, *(f"{self.kind}:{name[0]}:{name[1]}" for name in self.symlinks)]


class RunKey(NamedTuple):
    """Whose events these are: `job` is a node id, None for a dataset event.

    Attributes:
        run: the run id, None for a job or dataset event.
        observes: 1 where the job only looks.
    """

    job: str | None
    run: str | None
    observes: int


# A node, a version (empty: said without one), a key, the place of the newest event that says it,
# the ordinal within that event, and JSON (None where the facet was taken back).
FacetRow = tuple[str, str, str, bytes, int, str | None]


@dataclass(frozen=True, slots=True)
class Bounds:
    """Which facts count, and which facets are wanted.

    Attributes:
        at: the latest event time.
        known: the latest arrival.
        keys: facet keys as a JSON array, None for all.
    """

    at: int
    known: int
    keys: str | None

    @classmethod
    def of(
        cls, at: datetime | None, known_at: datetime | None, keys: Collection[str] | None
    ) -> Bounds:
        """Bounds by instants, None for no bound."""
        return cls(
            NEVER if at is None else to_micros(at),
            NEVER - 1 if known_at is None else to_micros(known_at),
            None if keys is None else _json_array(keys),
        )


class Rows:
    """The tables within bounds.

    Args:
        connection: on the journal's database.
        bounds: which facts count.
        symlinks: the names that are one node within the bounds; read if they are not handed in.
        nodes: all nodes by the numbers of all their names; likewise.

    Attributes:
        symlinks: the names that are one node. Whatever is read here is of their node.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        bounds: Bounds,
        symlinks: Symlinks | None = None,
        nodes: Mapping[int, NodeRow] | None = None,
    ) -> None:
        self._connection = connection
        self._bounds = {"at": bounds.at, "known": bounds.known}
        self._keys = {"keys": bounds.keys}
        self.symlinks = read_symlinks(connection, self._bounds) if symlinks is None else symlinks
        self._nodes = read_nodes(connection, self.symlinks) if nodes is None else nodes

    def nodes(self) -> Iterable[NodeRow]:
        """All nodes, also those that no fact within the bounds names."""
        names = self.symlinks.node_of
        return (row for number, row in self._nodes.items() if number not in names)

    def groups(self) -> dict[RunKey, list[Group]]:
        """What the events say, by run."""
        found: dict[RunKey, list[Group]] = defaultdict(list)
        for row in self._connection.execute(_GROUPS, self._bounds):
            job, run, observes = row[:3]
            job_id = None if job is None else self._nodes[job].id
            found[RunKey(job_id, run, observes)].append(Group._make(row[3:]))
        return found

    def named(self, sets: Iterable[int]) -> dict[int, list[Named]]:
        """The datasets in these sets."""
        found: dict[int, list[Named]] = defaultdict(list)
        for set_id, role, node, *rest in self._connection.execute(_MENTIONS, (_json_array(sets),)):
            found[set_id].append(Named(role, self._nodes[node].id, *rest))
        if self.symlinks.node_of:
            return {set_id: _each_once(entries) for set_id, entries in found.items()}
        return found

    def looked_at(self) -> Iterable[tuple[str, str]]:
        """The datasets, with their versions, that any look has named."""
        for node, version in self._connection.execute(_LOOKED_AT, self._bounds):
            yield self._nodes[node].id, version

    def facets(self, ids: Iterable[str] | None = None) -> Iterable[FacetRow]:
        """The newest facets of each of these nodes (None: all) and their versions."""
        nodes = self._nodes
        of_ids = {"ids": None if ids is None else _json_array(self._with_other_ids(set(ids)))}
        for node, version, key, place, ordinal, value in self._connection.execute(
            _NEWEST_FACETS, self._bounds | self._keys | of_ids
        ):
            yield nodes[node].id, version, key, place, ordinal, value

    def _with_other_ids(self, ids: set[str]) -> set[str]:
        rows = map(self._nodes.__getitem__, self.symlinks.others)
        return ids.union(*(row.all_ids for row in rows if row.id in ids))

    def run_facets(self, sets: Iterable[int]) -> dict[int, list[tuple[str, str | None]]]:
        """The run facets in these sets: key and JSON."""
        found: dict[int, list[tuple[str, str | None]]] = defaultdict(list)
        bound = self._keys | {"sets": _json_array(sets)}
        for set_id, key, value in self._connection.execute(_RUN_FACETS, bound):
            found[set_id].append((key, value))
        return found


def read_nodes(connection: sqlite3.Connection, symlinks: Symlinks) -> dict[int, NodeRow]:
    """Read all nodes, by the numbers of all their names."""
    rows = connection.execute("SELECT node, id, kind, namespace, name FROM graph_nodes")
    found = {number: NodeRow(*parts) for number, *parts in rows}
    joined = {
        node: found[node].joined(found[other] for other in others)
        for node, others in symlinks.others.items()
    }
    return found | joined | {name: joined[node] for name, node in symlinks.node_of.items()}


def _each_once(entries: Iterable[Named]) -> list[Named]:
    """The same without a dataset that an event mentions by two of its names."""
    found: dict[tuple[str, str, str], Named] = {}
    for entry in sorted(entries, key=_evidence):
        found[entry[:3]] = entry
    return list(found.values())


def _evidence(entry: Named) -> tuple[str, float, int]:
    return entry.method or "", entry.confidence or 0.0, entry.feedback


def _json_array(values: Iterable[Any]) -> str:
    return orjson.dumps(sorted(values)).decode()
