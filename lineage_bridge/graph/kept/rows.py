"""Reading from the graph's tables only what changes touch.

No statement here scans a table: each finds the rows of one run, set, version or node by an index.
Texts are bound one by one, not as JSON arrays: SQLite ends a text from JSON at its first NUL.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from lineage_bridge.graph.bind import Group
from lineage_bridge.graph.kept.marks import RunNumbers
from lineage_bridge.graph.rows import COUNTS, Bounds, NodeRow, Rows
from lineage_bridge.graph.symlinks import Symlinks
from lineage_bridge.graph.tables import VALUE

_GROUPS_OF_RUN = f"""
SELECT said, run_said, max(streaming), min(time_us), min(started_us), max(turn), max(place)
FROM graph_events WHERE observes = :observes AND job = :job AND run = :run AND {COUNTS}
GROUP BY said, run_said
"""

_RUNS_OF_JOB = f"""
SELECT DISTINCT run FROM graph_events
WHERE observes = :observes AND job = :job AND run IS NOT NULL AND {COUNTS}
"""

_NEWEST_LOOK = f"""
SELECT run, max(place) FROM graph_events
WHERE observes = 1 AND job = :job AND run IS NOT NULL AND {COUNTS}
"""

_LAST_OF_RUN = f"""
SELECT max(place) FROM graph_events
WHERE observes = :observes AND job = :job AND run = :run AND {COUNTS}
"""

_SAYINGS = f"""
SELECT node, version, key, ordinal, {VALUE} FROM graph_facets f
WHERE set_id = :set AND (:keys IS NULL OR key IN (SELECT value FROM json_each(:keys)))
ORDER BY node, version, key, ordinal
"""

_NEWEST_OF = f"""
SELECT n.key, n.place, f.ordinal, {VALUE} FROM (
    SELECT facet, key, max((
        SELECT max(place) FROM graph_events WHERE said = set_id AND {COUNTS}
    )) AS place
    FROM graph_facets INDEXED BY graph_facets_key
    WHERE node = :node AND %s
        AND (:keys IS NULL OR key IN (SELECT value FROM json_each(:keys)))
    GROUP BY version, key
) n CROSS JOIN graph_facets f USING (facet)
WHERE n.place IS NOT NULL
"""
_NEWEST_OF_VERSION = _NEWEST_OF % "version = :version"
_NEWEST_OF_KEY = _NEWEST_OF % "key = :key"

_NAMING = f"""
FROM graph_mentions m CROSS JOIN graph_events e ON e.said = m.set_id
WHERE m.node = :node AND m.version = :version AND m.role = :role AND {COUNTS}
"""

_IS_NAMED = f"""
SELECT 1 FROM graph_mentions m CROSS JOIN graph_events e ON e.said = m.set_id
WHERE m.node = :node AND {COUNTS} LIMIT 1
"""

_IS_JOB = f"""
SELECT 1 FROM graph_events WHERE observes IN (0, 1) AND job = :job AND {COUNTS} LIMIT 1
"""

_DESIGN = f"""
SELECT observes, said, run_said, streaming, time_us, started_us, turn, place FROM graph_events
WHERE observes IN (0, 1) AND job = :job AND run IS NULL AND {COUNTS} AND EXISTS (
    SELECT 1 FROM graph_mentions m WHERE m.set_id = said AND m.role IN ('reads', 'writes')
)
ORDER BY place DESC LIMIT 1
"""


class Saying(NamedTuple):
    """A facet in a set, of a node or of one version of it; JSON is None where it is taken back."""

    node: str
    version: str
    key: str
    ordinal: int
    value: str | None


class Told(NamedTuple):
    """The newest facet of a key, and the place of the event that tells it."""

    key: str
    place: bytes
    value: str | None


class NodeRows(dict[int, NodeRow]):
    """Nodes by the numbers of their names, each read when it is asked for first.

    Attributes:
        numbers: the numbers of those that were read, by node id.
    """

    def __init__(self, connection: sqlite3.Connection, symlinks: Symlinks) -> None:
        super().__init__()
        self.numbers: dict[str, int] = {}
        self._connection = connection
        self._symlinks = symlinks

    def __missing__(self, name: int) -> NodeRow:
        number = self._symlinks.node_of.get(name, name)
        found = self._read(number)
        others = self._symlinks.others.get(number)
        if others:
            found = found.joined(map(self._read, others))
        self.numbers[found.id] = number
        self[name] = self[number] = found
        return found

    def _read(self, number: int) -> NodeRow:
        row = self._connection.execute(
            "SELECT id, kind, namespace, name FROM graph_nodes WHERE node = ?", (number,)
        ).fetchone()
        return NodeRow(*row)


class KeptRows(Rows):
    """The tables within bounds, asked for one thing at a time."""

    def __init__(self, connection: sqlite3.Connection, bounds: Bounds, symlinks: Symlinks) -> None:
        self._by_number = NodeRows(connection, symlinks)
        super().__init__(connection, bounds, symlinks, self._by_number)

    def node(self, number: int) -> NodeRow:
        """The node of a number."""
        return self._by_number[number]

    def node_of_id(self, node_id: str) -> NodeRow:
        """The node of an id."""
        return self._by_number[self._number(node_id)]

    def _number(self, node_id: str) -> int:
        known = self._by_number.numbers.get(node_id)
        if known is not None:
            return known
        row = self._connection.execute("SELECT node FROM graph_nodes WHERE id = ?", (node_id,))
        return int(row.fetchone()[0])

    def _numbers(self, node_id: str) -> tuple[int, ...]:
        return self.symlinks.numbers(self._number(node_id))

    def groups_of(self, run: RunNumbers) -> list[Group]:
        """What the events of a run say."""
        rows = self._connection.execute(_GROUPS_OF_RUN, self._bounds | run._asdict())
        return [Group._make(row) for row in rows]

    def runs_of(self, job: int, observes: int) -> list[RunNumbers]:
        """All runs of a job, as one that looks or as one that does not."""
        bound = self._bounds | {"job": job, "observes": observes}
        rows = self._connection.execute(_RUNS_OF_JOB, bound)
        return [RunNumbers(observes, job, run) for (run,) in rows]

    def newest_look(self, job: int, among: Iterable[str] | None = None) -> str | None:
        """The run with the newest event that looks; of all runs, or the newest of these."""
        if among is None:
            row = self._connection.execute(_NEWEST_LOOK, self._bounds | {"job": job}).fetchone()
            return None if row is None else row[0]
        lasts = [(self._last_of(RunNumbers(1, job, run)), run) for run in among]
        return max(((last, run) for last, run in lasts if last), default=(b"", None))[1]

    def _last_of(self, run: RunNumbers) -> bytes | None:
        row = self._connection.execute(_LAST_OF_RUN, self._bounds | run._asdict()).fetchone()
        return row[0]  # type: ignore[no-any-return]

    def sayings(self, sets: Iterable[int]) -> dict[int, list[Saying]]:
        """The facets in these sets, each once, in the order in which the event says them."""
        found: dict[int, list[Saying]] = {}
        for set_id in sets:
            rows = self._connection.execute(_SAYINGS, self._keys | {"set": set_id})
            once: dict[tuple[int, str, str], Saying] = {}
            for number, *rest in rows:
                saying = Saying(self._nodes[number].id, *rest)
                once.setdefault((number, *saying[1:3]), saying)
            found[set_id] = sorted(once.values(), key=_ordinal)
        return found

    def told_of_version(self, node_id: str, version: str) -> list[Told]:
        """The newest facets of a version."""
        rows = self._told(_NEWEST_OF_VERSION, node_id, version=version)
        ordered = sorted(rows, key=_place_and_ordinal)
        return [Told(key, place, value) for key, place, _, value in ordered]

    def told_of_node(self, node_id: str, key: str) -> Told | None:
        """The newest facet of a key, of a node and all of its versions."""
        rows = self._told(_NEWEST_OF_KEY, node_id, key=key)
        newest = max(rows, key=_place_and_ordinal, default=None)
        return None if newest is None else Told(key, newest[1], newest[3])

    def _told(
        self, statement: str, node_id: str, **bound: str
    ) -> Iterator[tuple[str, bytes, int, str | None]]:
        for number in self._numbers(node_id):
            values = self._bounds | self._keys | {"node": number} | bound
            yield from self._connection.execute(statement, values)

    def is_there(self, node_id: str) -> bool:
        """Whether any event names a node."""
        is_job = self._by_number[self._number(node_id)].kind == "job"
        statement, name = (_IS_JOB, "job") if is_job else (_IS_NAMED, "node")
        return any(
            self._connection.execute(statement, self._bounds | {name: number}).fetchone()
            for number in self._numbers(node_id)
        )

    def design_of(self, job: int) -> tuple[Group, int] | None:
        """The newest job event of a job that names datasets, and whether the job only looks."""
        row = self._connection.execute(_DESIGN, self._bounds | {"job": job}).fetchone()
        return None if row is None else (Group._make(row[1:]), row[0])

    def is_read(self, dataset: str, version: str) -> bool:
        """Whether any run reads a version."""
        return any(self._naming("SELECT 1", dataset, version, "input"))

    def stated_us(self, dataset: str, version: str) -> int | None:
        """When a dataset event stated a version last."""
        rows = self._naming("SELECT max(e.time_us)", dataset, version, "stated")
        return max((time_us for (time_us,) in rows if time_us is not None), default=None)

    def writing(self, dataset: str, version: str) -> list[RunNumbers]:
        """The runs that say that they write a version, whatever became of them."""
        start = "SELECT DISTINCT e.observes, e.job, e.run"
        rows = self._naming(start, dataset, version, "output")
        return list({RunNumbers._make(row): None for row in rows})

    def _naming(
        self, start: str, dataset: str, version: str, role: str
    ) -> Iterator[tuple[Any, ...]]:
        for number in self._numbers(dataset):
            bound = {"node": number, "version": version, "role": role}
            yield from self._connection.execute(start + _NAMING, self._bounds | bound)


def _place_and_ordinal(row: tuple[str, bytes, int, str | None]) -> tuple[bytes, int]:
    return row[1], row[2]


def _ordinal(saying: Saying) -> int:
    return saying.ordinal
