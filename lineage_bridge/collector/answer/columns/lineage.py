"""The graph of columns around a dataset, a column or a job.

For each pair of columns the newest edge counts. The walk begins with the edges into the requested
columns and goes upstream, on request downstream as well. Source: `ColumnLineageService`,
`ColumnLineageDao`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace
from operator import itemgetter

import msgspec

from lineage_bridge.collector.answer import lookup
from lineage_bridge.collector.answer.columns.edges import ColumnEdges, Strands
from lineage_bridge.collector.answer.columns.graph import ColumnGraph
from lineage_bridge.collector.answer.lineage import DEFAULT_DEPTH
from lineage_bridge.collector.answer.nodes import NodeId
from lineage_bridge.collector.dialect.errors import ApiError, generic, not_found
from lineage_bridge.collector.dialect.requests import Request
from lineage_bridge.collector.rows import shared
from lineage_bridge.http import Response

_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class _Start:
    """Where to begin: columns, and the time up to which edges count (None: all)."""

    fields: list[int]
    until_us: int | None = None


def get_column_lineage(connection: sqlite3.Connection, request: Request) -> Response:
    """GET /column-lineage."""
    node = lookup.find_node(connection, request.required("nodeId"))
    depth = request.integer("depth", DEFAULT_DEPTH)
    downstream = (request.text("withDownstream") or "").lower() == "true"
    if node.kind == "run":
        raise generic()
    if node.version is not None and downstream:
        raise ApiError(400)
    start = _start(connection, node)
    if not start.fields:
        raise not_found("Could not find node")
    walk = _Walk(ColumnEdges(connection, start.until_us))
    walk.go(start.fields, depth, downstream=downstream)
    graph = ColumnGraph(connection, walk.edges(), is_versioned=node.version is not None)
    return Response(graph.shown())


def _start(connection: sqlite3.Connection, node: NodeId) -> _Start:
    if node.kind == "job":
        return _start_of_job(connection, node)
    wanted = node.names[2] if node.kind == "datasetField" else None
    if node.version is not None:
        row = connection.execute(
            "SELECT field_ids, created_us FROM mq_dataset_versions WHERE uuid = ?", (node.version,)
        ).fetchone()
        if row is None:
            return _Start([])
        fields = shared.load(connection, row[0]) or []
        return _Start(_named(connection, fields, wanted), row[1])
    rows = connection.execute(
        "SELECT f.id FROM mq_symlinks s JOIN mq_fields f ON f.dataset = s.dataset"
        " WHERE s.namespace = ? AND s.name = ? AND NOT s.is_hidden",
        (node.namespace, node.name),
    )
    return _Start(_named(connection, [row[0] for row in rows], wanted))


def _named(connection: sqlite3.Connection, fields: list[int], name: str | None) -> list[int]:
    if name is None:
        return fields
    rows = connection.execute(
        "SELECT f.id FROM json_each(?) wanted JOIN mq_fields f ON f.id = wanted.value"
        " WHERE f.name = ?",
        (_encode(fields).decode(), name),
    )
    return [row[0] for row in rows]


def _start_of_job(connection: sqlite3.Connection, node: NodeId) -> _Start:
    condition, values, until_us = "", [node.namespace, node.name], None
    if node.version is not None:
        row = connection.execute(
            "SELECT id, created_us FROM mq_job_versions WHERE uuid = ?", (node.version,)
        ).fetchone()
        if row is None:
            return _Start([])
        condition, until_us = "AND r.job_version = ?", row[1]
        values.append(row[0])
    run = connection.execute(
        "SELECT r.id FROM mq_jobs j JOIN mq_runs r ON r.job = j.id"
        f" WHERE j.namespace = ? AND j.name = ? AND NOT j.is_hidden {condition}"
        " ORDER BY r.created_us DESC, r.id DESC LIMIT 1",
        values,
    ).fetchone()
    if run is None:
        return _Start([])
    fields = connection.execute(
        "SELECT DISTINCT f.id FROM mq_dataset_versions v JOIN mq_fields f ON f.dataset = v.dataset"
        " WHERE v.run = ?",
        run,
    )
    return _Start([row[0] for row in fields], until_us)


class _Walk:
    """The columns that were reached, each with the inputs from which edges into it were found."""

    def __init__(self, edges: ColumnEdges) -> None:
        self._edges = edges
        self._strands: dict[int, Strands] = {}  # in the order in which columns were reached
        self._found: dict[int, set[int] | None] = {}  # None: all its inputs

    def go(self, columns: Iterable[int], depth: int, *, downstream: bool) -> None:
        """Find the edges into columns, and go on from both ends of what was found."""
        upstream, used = set(columns), set[int]()
        for _ in range(max(depth, 1)):
            inputs, outputs = set[int](), set[int]()
            for column, strands in sorted(self._edges.into(upstream), key=itemgetter(0)):
                self._take(column, strands, None, inputs, outputs)
            if used:
                for column, strands in sorted(self._edges.out_of(used), key=itemgetter(0)):
                    self._take(column, strands, used, inputs, outputs)
            if not outputs:
                return
            upstream, used = inputs, outputs if downstream else set()

    def _take(
        self,
        column: int,
        strands: Strands,
        wanted: set[int] | None,
        inputs: set[int],
        outputs: set[int],
    ) -> None:
        """Add edges into a column, all or those from wanted inputs; note the ends of new ones."""
        found = self._found.get(column, set())
        if found is None:
            return
        new = set().union(*(strand.columns for strand in strands))
        everything = len(new)
        if wanted is not None:
            new &= wanted
        new -= found
        if not new:
            return
        inputs |= new
        outputs.add(column)
        self._strands[column] = strands
        now = found | new
        self._found[column] = now if len(now) < everything else None

    def edges(self) -> dict[int, Strands]:
        """Return the edges that were found, by output column."""
        return {
            column: _within(strands, self._found[column])
            for column, strands in self._strands.items()
        }


def _within(strands: Strands, inputs: set[int] | None) -> Strands:
    if inputs is None:
        return strands
    return [
        replace(strand, columns=[column for column in strand.columns if column in inputs])
        for strand in strands
    ]
