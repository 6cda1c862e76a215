"""The graph at a time: rows of the tables, put together as nodes.

Nothing depends on row numbers or on the order of rows.
"""

from __future__ import annotations

import gc
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from itertools import chain

from lineage_bridge.graph.bind import (
    Group,
    Made,
    Named,
    bind_design,
    bind_run,
    made_order,
    names_datasets,
    stated,
)
from lineage_bridge.graph.facts import time_of
from lineage_bridge.graph.model import Design, Graph, Node, Run, Version
from lineage_bridge.graph.node_facets import Facets
from lineage_bridge.graph.rows import COUNTS, Bounds, FacetRow, Rows, RunKey
from lineage_bridge.graph.tables import VALUE
from lineage_bridge.times import from_micros

_NO_FACETS = Facets()

Newest = dict[str, tuple[tuple[bytes, int], str | None]]  # by key: place, ordinal and JSON
_Makers = dict[str, Made | None]  # who made a version, by version


def load(
    connection: sqlite3.Connection,
    *,
    at: datetime | None = None,
    known_at: datetime | None = None,
    keys: Collection[str] | None = None,
) -> Graph:
    """Load the graph.

    Args:
        connection: on the journal's database, after the model has caught up.
        at: only facts with an event time up to here; None for all.
        known_at: only facts that had arrived by then; None for all.
        keys: only facets of these keys; None for all. A path needs none, say, and a part of the
            graph can have its own added when it is known: `add_facets`.
    """
    with no_collection():
        loader = Loader(Rows(connection, Bounds.of(at, known_at, keys)))
        return Graph(at or loader.newest, loader.nodes())


def add_facets(
    connection: sqlite3.Connection,
    graph: Graph,
    *,
    at: datetime | None = None,
    known_at: datetime | None = None,
) -> Graph:
    """The same part of a graph with all facets of its nodes and versions.

    Args:
        connection: the one that the graph was loaded from.
        graph: a part of what `load(..., keys=())` gave.
        at: as for `load`.
        known_at: as for `load`.
    """
    rows = Rows(connection, Bounds.of(at, known_at, None))
    of_nodes, of_versions = _newest_facets(rows.facets(graph.nodes))
    nodes = {
        id_: replace(
            node,
            versions=tuple(
                replace(v, facets=_facets(of_versions[id_].get(v.version, {})))
                for v in node.versions
            ),
            facets=_facets(of_nodes[id_]),
        )
        for id_, node in graph.nodes.items()
    }
    return Graph(graph.at, nodes)


def facet_before(
    connection: sqlite3.Connection,
    node_id: str,
    key: str,
    at: datetime,
    known_at: datetime | None = None,
) -> str | None:
    """Return the JSON of a node's facet as it was at an earlier time; None if it had none.

    Reads what was said of this node alone, so it costs little beside loading a graph of then.

    Args:
        connection: as for `load`.
        node_id: of the node.
        key: of the facet.
        at: the time.
        known_at: as for `load`.
    """
    bounds = Bounds.of(at, known_at, None)
    row = connection.execute(
        f"""
        SELECT {VALUE} FROM graph_facets f JOIN graph_events e ON e.said = f.set_id
        WHERE f.node = (SELECT node FROM graph_nodes WHERE id = :id) AND f.key = :key AND {COUNTS}
        ORDER BY e.place DESC, f.ordinal DESC LIMIT 1
        """,
        {"id": node_id, "key": key, "at": bounds.at, "known": bounds.known},
    ).fetchone()
    return None if row is None else row[0]


@contextmanager
def no_collection() -> Iterator[None]:
    """Look for no garbage meanwhile."""
    # A hundred thousand objects are made and none is dropped: looking for garbage among them again
    # and again took a third of the time.
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class Loader:
    """Rows on their way to nodes.

    Attributes:
        of_nodes: the newest facets by node.
        of_versions: the newest facets by node and version.
    """

    def __init__(self, rows: Rows) -> None:
        self.of_nodes: dict[str, Newest] = {}
        self.of_versions: dict[str, dict[str, Newest]] = {}
        self._rows = rows
        self._groups = rows.groups()
        all_groups = [group for groups in self._groups.values() for group in groups]
        self._named = rows.named({group.said for group in all_groups})
        self._run_facets = rows.run_facets({group.run_said for group in all_groups})
        self._newest = max((group.last for group in all_groups), default=None)

    @property
    def newest(self) -> datetime | None:
        """The time of the newest event."""
        return None if self._newest is None else from_micros(time_of(self._newest))

    @property
    def looks(self) -> dict[str, str]:
        """The newest run of every job that only looks, by the job's node id."""
        return {
            key.job: key.run
            for key in self._groups
            if key.observes and key.job is not None and key.run is not None
        }

    def nodes(self) -> dict[str, Node]:
        """The nodes that any fact within the bounds names, sorted."""
        of_nodes, of_versions = _newest_facets(self._rows.facets())
        self.of_nodes, self.of_versions = of_nodes, of_versions
        runs, made = self._runs()
        designs = self._designs()
        versions = self._versions(made)
        visible = versions.keys() | {key.job for key in self._groups}
        return {
            row.id: Node(
                *row,
                _sorted_versions(versions.get(row.id, {}), of_versions.get(row.id, {})),
                tuple(runs.get(row.id, ())),
                _facets(of_nodes.get(row.id, {})),
                designs.get(row.id),
            )
            for row in sorted(self._rows.nodes())
            if row.id in visible
        }

    def _runs(self) -> tuple[dict[str, list[Run]], list[Made]]:
        """The runs by job, oldest first, and the versions that they and dataset events made."""
        runs: dict[str, list[Run]] = defaultdict(list)
        all_made: list[Made] = []
        for key, groups in self._groups.items():
            if key.job is None:
                all_made += stated(groups, self._named)
            elif key.run is not None:
                run, made = bind_of(key, groups, self._named, self._run_facets)
                runs[key.job].append(run)
                all_made += made
        for of_job in runs.values():
            of_job.sort(key=lambda run: (run.first, run.id))
        return runs, all_made

    def _designs(self) -> dict[str, Design]:
        """What job events say of their jobs: of each job, the newest one that names datasets."""
        found: dict[str, Design] = {}
        newest: dict[str, bytes] = {}
        for key, groups in self._groups.items():
            if key.job is None or key.run is not None:
                continue
            for group in groups:
                named = self._named.get(group.said, ())
                if newest.get(key.job, b"") < group.last and names_datasets(named):
                    newest[key.job] = group.last
                    observes = bool(key.observes)
                    found[key.job] = bind_design(key.job, group, named, observes=observes)
        return found

    def _versions(self, all_made: Iterable[Made]) -> dict[str, _Makers]:
        """Every dataset with its versions, and the newest of those who made each."""
        found: dict[str, _Makers] = defaultdict(dict)
        for entry in chain.from_iterable(self._named.values()):
            # Of what is written, only a run that got there makes a version.
            _see(found[entry.dataset], entry.version if entry.role == "input" else "")
        for dataset, version in self._rows.looked_at():
            _see(found[dataset], version)
        for made in all_made:
            other = found[made.dataset].get(made.version)
            if other is None or made_order(other) < made_order(made):
                found[made.dataset][made.version] = made
        return found


def bind_of(
    key: RunKey,
    groups: Sequence[Group],
    named: Mapping[int, Sequence[Named]],
    run_facets: Mapping[int, Sequence[tuple[str, str | None]]],
) -> tuple[Run, list[Made]]:
    """The run of a key, and the versions that it made."""
    assert key.job is not None
    assert key.run is not None
    facets = _facets_of_run(groups, run_facets)
    return bind_run(key.job, key.run, groups, named, observes=bool(key.observes), facets=facets)


def _newest_facets(
    rows: Iterable[FacetRow],
) -> tuple[dict[str, Newest], dict[str, dict[str, Newest]]]:
    """The newest facets by node, and by node and version."""
    of_nodes: dict[str, Newest] = defaultdict(dict)
    of_versions: dict[str, dict[str, Newest]] = defaultdict(dict)
    for node, version, key, place, ordinal, value in rows:
        _keep_newest(of_nodes[node], key, (place, ordinal), value)
        if version:
            _keep_newest(of_versions[node].setdefault(version, {}), key, (place, ordinal), value)
    return of_nodes, of_versions


def _see(makers: _Makers, version: str) -> None:
    if version:
        makers.setdefault(version, None)


def _keep_newest(facets: Newest, key: str, place: tuple[bytes, int], value: str | None) -> None:
    known = facets.get(key)
    if known is None or known[0] < place:
        facets[key] = place, value


def _facets(newest: Newest) -> Facets:
    if not newest:
        return _NO_FACETS
    return Facets({key: value for key, (_, value) in newest.items() if value is not None})


def _facets_of_run(
    groups: Iterable[Group], sets: Mapping[int, Sequence[tuple[str, str | None]]]
) -> Facets:
    newest: Newest = {}
    for group in groups:
        for key, value in sets.get(group.run_said, ()):
            _keep_newest(newest, key, (group.last, 0), value)
    return _facets(newest)


def _sorted_versions(makers: _Makers, facets: Mapping[str, Newest]) -> tuple[Version, ...]:
    def order(version: str) -> tuple[bool, int, str]:
        made = makers[version]
        return (False, 0, version) if made is None else (True, made.time_us, version)

    return tuple(
        _version(version, makers[version], _facets(facets.get(version, {})))
        for version in sorted(makers, key=order)
    )


def _version(version: str, made: Made | None, facets: Facets) -> Version:
    if made is None:
        return Version(version, facets=facets)
    return Version(version, made.run, made.job, from_micros(made.time_us), facets)
