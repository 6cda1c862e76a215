"""The graph at a time: the tables are read once, and put together as nodes.

Facts count if their event time is not after `at` and they had arrived by `known_at`. Nothing
depends on row numbers or on the order of rows.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, cast

import orjson

from lineage_bridge.graph.bind import Group, Made, Named, bind_run, newest_first
from lineage_bridge.graph.facts import NodeName, time_of
from lineage_bridge.graph.model import OBSERVER, Facets, Graph, Node, Run, Version
from lineage_bridge.graph.tables import NEVER
from lineage_bridge.times import from_micros, to_micros

_COUNTS = "time_us <= :at AND received_us <= :known AND dropped_us > :known"

# One row for all events of a run that have the same type and say the same, not one an event.
_GROUPS = f"""
SELECT job, run, state, streaming, said, run_said, min(place), max(place)
FROM graph_events WHERE {_COUNTS}
GROUP BY job, run, state, streaming, said, run_said
"""

# SQLite takes the other columns from the row that has the max().
_NEWEST_FACETS = f"""
WITH sets AS MATERIALIZED (
    SELECT said AS set_id, max(place) AS place FROM graph_events WHERE {_COUNTS} GROUP BY said
), newest AS MATERIALIZED (
    SELECT f.node, f.version, f.key, f.facet, max(sets.place) AS place
    FROM graph_facets f INDEXED BY graph_facets_key CROSS JOIN sets USING (set_id)
    GROUP BY f.node, f.version, f.key
)
SELECT newest.node, newest.version, newest.key, newest.place, f.ordinal, f.value
FROM newest CROSS JOIN graph_facets f USING (facet)
"""

_RUN_FACETS = """
SELECT set_id, key, value FROM graph_run_facets
WHERE set_id IN (SELECT value FROM json_each(?))
"""

_RunKey = tuple[str, str]  # the job's node id and the run id
_Newest = dict[str, tuple[list[Any], str | None]]  # facets by key: place and ordinal, JSON


def load(
    connection: sqlite3.Connection, *, at: datetime | None = None, known_at: datetime | None = None
) -> Graph:
    """Load the graph.

    Args:
        connection: on the journal's database, after the model has caught up.
        at: only facts with an event time up to here; None for all.
        known_at: only facts that had arrived by then; None for all.
    """
    bounds = {
        "at": NEVER if at is None else to_micros(at),
        "known": NEVER - 1 if known_at is None else to_micros(known_at),
    }
    return _Loader(connection, bounds).load(at)


class _Loader:
    """What is read from the tables, keyed by node id."""

    def __init__(self, connection: sqlite3.Connection, bounds: Mapping[str, int]) -> None:
        self._connection = connection
        self._bounds = bounds
        self._ids: dict[int, str] = {}
        self._names: dict[str, NodeName] = {}
        self._named: dict[int, list[Named]] = defaultdict(list)
        self._runs: dict[_RunKey, list[Group]] = defaultdict(list)
        self._made: list[Made] = []
        self._visible: set[str] = set()
        self._newest: bytes = b""

    def load(self, at: datetime | None) -> Graph:
        self._read_nodes()
        self._read_mentions()
        self._read_groups()
        versions, facets = self._read_facets()
        runs = self._bind_runs()
        if at is None and self._newest:
            at = from_micros(time_of(self._newest))
        made = self._versions(versions, runs)
        return Graph(at, {id_: self._node(id_, made, runs, facets) for id_ in self._sorted()})

    def _read_nodes(self) -> None:
        for number, *parts in self._connection.execute(
            "SELECT node, kind, namespace, name FROM graph_nodes"
        ):
            node = NodeName(*parts)
            id_ = ":".join(node)
            self._ids[number] = id_
            # Colons may make one id of two names; which of them is shown must not depend on rows.
            self._names[id_] = min(node, self._names.get(id_, node))

    def _read_mentions(self) -> None:
        for set_id, role, node, *rest in self._connection.execute(
            "SELECT set_id, role, node, version, method, confidence, feedback FROM graph_mentions"
        ):
            self._named[set_id].append(Named(role, self._ids[node], *rest))

    def _read_groups(self) -> None:
        for job, run, *rest in self._connection.execute(_GROUPS, self._bounds):
            group = Group(*rest)
            self._newest = max(self._newest, group.last)
            self._visible.update(entry.dataset for entry in self._named.get(group.said, ()))
            if job is not None:
                self._visible.add(self._ids[job])
            if run is not None:
                self._runs[self._ids[job], run].append(group)
            elif job is None:
                self._made += self._stated(group)

    def _stated(self, group: Group) -> Iterable[Made]:
        return (
            Made(entry.dataset, entry.version, time_of(group.last), None)
            for entry in self._named.get(group.said, ())
            if entry.version
        )

    def _read_facets(self) -> tuple[dict[str, dict[str, _Newest]], dict[str, _Newest]]:
        """The newest facets by node and version, and by node."""
        versions: dict[str, dict[str, _Newest]] = defaultdict(dict)
        nodes: dict[str, _Newest] = defaultdict(dict)
        for node, version, key, *place, value in self._connection.execute(
            _NEWEST_FACETS, self._bounds
        ):
            id_ = self._ids[node]
            _keep_newest(nodes[id_], key, place, value)
            if version:
                _keep_newest(versions[id_].setdefault(version, {}), key, place, value)
        return versions, nodes

    def _bind_runs(self) -> dict[str, list[Run]]:
        """The runs by job, oldest first; of an observer only the newest."""
        self._forget_older_looks()
        facets = self._read_run_facets()
        runs: dict[str, list[Run]] = defaultdict(list)
        for (job, run_id), groups in self._runs.items():
            run, made = bind_run(
                job,
                run_id,
                groups,
                self._named,
                observes=self._observes(job),
                facets=_facets_of_run(groups, facets),
            )
            runs[job].append(run)
            self._made += made
        for of_job in runs.values():
            of_job.sort(key=lambda run: (run.first, run.id))
        return runs

    def _observes(self, job: str) -> bool:
        return self._names[job].name.startswith(OBSERVER)

    def _forget_older_looks(self) -> None:
        newest: dict[str, tuple[bytes, str]] = {}
        for (job, run_id), groups in self._runs.items():
            if self._observes(job):
                place = max(group.last for group in groups), run_id
                newest[job] = max(place, newest.get(job, place))
        self._runs = {
            key: groups
            for key, groups in self._runs.items()
            if key[0] not in newest or newest[key[0]][1] == key[1]
        }

    def _read_run_facets(self) -> dict[int, list[tuple[str, str | None]]]:
        needed = sorted({g.run_said for groups in self._runs.values() for g in groups})
        found: dict[int, list[tuple[str, str | None]]] = defaultdict(list)
        for set_id, key, value in self._connection.execute(
            _RUN_FACETS, (orjson.dumps(needed).decode(),)
        ):
            found[set_id].append((key, value))
        return found

    def _versions(
        self, facets: Mapping[str, Mapping[str, _Newest]], runs: Mapping[str, Sequence[Run]]
    ) -> dict[str, tuple[Version, ...]]:
        makers: dict[str, dict[str, Made | None]] = defaultdict(dict)
        for read in (b for of_job in runs.values() for run in of_job for b in run.inputs):
            if read.version is not None:
                makers[read.dataset][read.version] = None
        for id_, of_versions in facets.items():
            makers[id_] |= dict.fromkeys(of_versions)
        for made in sorted(self._made, key=newest_first):
            makers[made.dataset][made.version] = made
        return {
            id_: _sorted_versions(of_dataset, facets.get(id_, {}))
            for id_, of_dataset in makers.items()
        }

    def _sorted(self) -> list[str]:
        return sorted(self._visible)

    def _node(
        self,
        id_: str,
        versions: Mapping[str, tuple[Version, ...]],
        runs: Mapping[str, Sequence[Run]],
        facets: Mapping[str, _Newest],
    ) -> Node:
        kind, namespace, name = self._names[id_]
        return Node(
            id_,
            cast("Literal['dataset', 'job']", kind),
            namespace,
            name,
            versions.get(id_, ()),
            tuple(runs.get(id_, ())),
            _facets(facets.get(id_, {})),
        )


def _keep_newest(facets: _Newest, key: str, place: list[Any], value: str | None) -> None:
    if key not in facets or facets[key][0] < place:
        facets[key] = place, value


def _facets(newest: _Newest) -> Facets:
    return Facets({key: value for key, (_, value) in newest.items() if value is not None})


def _facets_of_run(
    groups: Iterable[Group], sets: Mapping[int, Sequence[tuple[str, str | None]]]
) -> Facets:
    newest: _Newest = {}
    for group in groups:
        for key, value in sets.get(group.run_said, ()):
            _keep_newest(newest, key, [group.last], value)
    return _facets(newest)


def _sorted_versions(
    makers: Mapping[str, Made | None], facets: Mapping[str, _Newest]
) -> tuple[Version, ...]:
    def order(version: str) -> tuple[Any, ...]:
        made = makers[version]
        return (False, 0, version) if made is None else (True, made.time_us, version)

    return tuple(
        _version(version, makers[version], facets.get(version, {}))
        for version in sorted(makers, key=order)
    )


def _version(version: str, made: Made | None, facets: _Newest) -> Version:
    if made is None:
        return Version(version, facets=_facets(facets))
    return Version(version, made.run, from_micros(made.time_us), _facets(facets))
