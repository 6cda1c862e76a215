"""The graph of columns around a dataset, a column or a job.

For each pair of columns the newest edge counts. The walk begins with the edges into the requested
columns and goes upstream, on request downstream as well. Source: `ColumnLineageService`,
`ColumnLineageDao`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from lineage_bridge.collector.answer import nodes
from lineage_bridge.collector.answer.lineage import DEFAULT_DEPTH
from lineage_bridge.collector.answer.nodes import NodeId
from lineage_bridge.collector.dialect.errors import ApiError, generic, not_found
from lineage_bridge.collector.dialect.requests import Request

_encode = msgspec.json.Encoder().encode

Json = dict[str, Any]

_EDGE = "output_field, input_field, output_version, input_version, description, type"
_HISTORY = (
    f"(SELECT {_EDGE}, max(updated_us) FROM mq_column_lineage WHERE created_us <= :until"
    " GROUP BY output_field, input_field)"
)
_NAMES = (
    "SELECT f.id, s.namespace, s.name, f.name, f.type FROM json_each(?) wanted"
    " JOIN mq_fields f ON f.id = wanted.value"
    " JOIN mq_symlinks s ON s.dataset = f.dataset AND s.is_primary = 1 AND s.is_hidden = 0"
)


@dataclass(frozen=True, slots=True)
class _Edge:
    output: int
    input: int
    output_version: int
    input_version: int
    description: str | None
    kind: str | None


@dataclass(slots=True)
class _Start:
    """Where to begin: columns, and the time up to which edges count (None: all)."""

    fields: list[int]
    until_us: int | None = None


def get_column_lineage(connection: sqlite3.Connection, request: Request) -> Json:
    """GET /column-lineage."""
    node = nodes.parse(request.required("nodeId"))
    depth = request.integer("depth", DEFAULT_DEPTH)
    downstream = (request.text("withDownstream") or "").lower() == "true"
    if node.kind == "run":
        raise generic()
    if node.version is not None and downstream:
        raise ApiError(400)
    start = _start(connection, node)
    if not start.fields:
        raise not_found("Could not find node")
    edges = _walk(connection, start, depth, downstream=downstream)
    return _Graph(connection, edges, is_versioned=node.version is not None).shown()


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
        return _Start(_named(connection, msgspec.json.decode(row[0]), wanted), row[1])
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


def _walk(
    connection: sqlite3.Connection, start: _Start, depth: int, *, downstream: bool
) -> list[_Edge]:
    source = "mq_column_edges" if start.until_us is None else _HISTORY
    edges: dict[tuple[int, int], _Edge] = {}
    level = _edges(connection, source, start.until_us, "output_field", start.fields)
    for _ in range(max(depth, 1)):
        new = {(e.output, e.input): e for e in level if (e.output, e.input) not in edges}
        if not new:
            break
        edges |= new
        inputs = [edge.input for edge in new.values()]
        level = _edges(connection, source, start.until_us, "output_field", inputs)
        if downstream:
            outputs = [edge.output for edge in new.values()]
            level += _edges(connection, source, start.until_us, "input_field", outputs)
    return list(edges.values())


def _edges(
    connection: sqlite3.Connection,
    source: str,
    until_us: int | None,
    side: str,
    fields: Iterable[int],
) -> list[_Edge]:
    rows = connection.execute(
        f"SELECT {_EDGE} FROM {source} WHERE {side} IN (SELECT value FROM json_each(:fields))",
        {"fields": _encode(sorted(set(fields))).decode(), "until": until_us},
    )
    return [_Edge(*row[:6]) for row in rows]


@dataclass(slots=True)
class _Column:
    """A node: a column, of one version of its dataset if the graph is versioned."""

    names: tuple[str, str, str, str | None]
    version: str | None
    inputs: list[Json] = field(default_factory=list)
    incoming: set[str] = field(default_factory=set)
    outgoing: set[str] = field(default_factory=set)


class _Graph:
    """The nodes that edges connect; an edge with an end in a hidden dataset is left out."""

    def __init__(
        self, connection: sqlite3.Connection, edges: list[_Edge], *, is_versioned: bool
    ) -> None:
        ends = sorted({e.output for e in edges} | {e.input for e in edges})
        self.names = {
            row[0]: row[1:] for row in connection.execute(_NAMES, (_encode(ends).decode(),))
        }
        versions = sorted({e.output_version for e in edges} | {e.input_version for e in edges})
        self.versions = dict(
            connection.execute(
                "SELECT id, uuid FROM mq_dataset_versions"
                " WHERE id IN (SELECT value FROM json_each(?))",
                (_encode(versions).decode(),),
            ).fetchall()
        )
        self.is_versioned = is_versioned
        self.columns: dict[str, _Column] = {}
        for edge in edges:
            if edge.output in self.names and edge.input in self.names:
                self._add(edge)

    def _column(self, column: int, version: int) -> tuple[str, _Column]:
        namespace, dataset, name, kind = self.names[column]
        uuid = self.versions[version]
        node = nodes.field_id(namespace, dataset, name, uuid if self.is_versioned else None)
        found = self.columns.setdefault(node, _Column((namespace, dataset, name, kind), uuid))
        return node, found

    def _add(self, edge: _Edge) -> None:
        output, made = self._column(edge.output, edge.output_version)
        source, read = self._column(edge.input, edge.input_version)
        namespace, dataset, name, _ = read.names
        made.version = self.versions[edge.output_version]
        made.inputs.append(
            {
                "namespace": namespace,
                "dataset": dataset,
                "datasetVersion": self.versions[edge.input_version],
                "field": name,
                "transformationDescription": edge.description,
                "transformationType": edge.kind,
            }
        )
        made.incoming.add(source)
        read.outgoing.add(output)

    def shown(self) -> Json:
        """Return the graph as the API shows it."""
        ordered = sorted(self.columns.items(), key=lambda item: nodes.java_key(item[0]))
        return {"graph": [_node(node, column) for node, column in ordered]}


def _node(node: str, column: _Column) -> Json:
    namespace, dataset, name, kind = column.names
    first = column.inputs[0] if column.inputs else {}
    return {
        "id": node,
        "type": "DATASET_FIELD",
        "data": {
            "namespace": namespace,
            "dataset": dataset,
            "datasetVersion": column.version,
            "field": name,
            "fieldType": kind if column.inputs else "",
            "transformationDescription": first.get("transformationDescription"),
            "transformationType": first.get("transformationType"),
            "inputFields": column.inputs,
        },
        # Marquez reverses origin and destination, and its web UI expects that.
        "inEdges": [
            {"origin": node, "destination": source}
            for source in sorted(column.incoming, key=nodes.java_key)
        ],
        "outEdges": [
            {"origin": node, "destination": output}
            for output in sorted(column.outgoing, key=nodes.java_key)
        ],
    }
