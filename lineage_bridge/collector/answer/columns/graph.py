"""The graph of columns as the API shows it.

A few wide datasets in a row have hundreds of megabytes of JSON, in which the same names stand again
and again. So the nodes are made one at a time, while they are sent, out of parts that are encoded
once. Source: `ColumnLineageService`, `ColumnLineageDao`.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from lineage_bridge.collector.answer import nodes
from lineage_bridge.collector.answer.columns.edges import Strand, Strands

_encode = msgspec.json.Encoder().encode

_NAMES = (
    "SELECT f.id, s.namespace, s.name, f.name, f.type FROM json_each(?) wanted"
    " JOIN mq_fields f ON f.id = wanted.value"
    " JOIN mq_symlinks s ON s.dataset = f.dataset AND s.is_primary = 1 AND s.is_hidden = 0"
)
_VERSIONS = "SELECT id, uuid FROM mq_dataset_versions WHERE id IN (SELECT value FROM json_each(?))"

_NOT_MADE = b',"transformationDescription":null,"transformationType":null'


@dataclass(slots=True)
class _Node:
    """What is shown of a column, by name: one that changed its type has several rows.

    Attributes:
        column: the row that was found first.
        version: of its dataset.
        strands: the edges into it.
        incoming: the places of the nodes that it is made from, in the order of all nodes.
        outgoing: the places of those that are made from it, in ascending order.
    """

    column: int
    version: int
    strands: Strands = field(default_factory=list)
    incoming: array[int] = field(default_factory=lambda: array("i"))
    outgoing: array[int] = field(default_factory=lambda: array("i"))


class ColumnGraph:
    """The nodes that edges connect; an edge with an end in a hidden dataset is left out.

    Args:
        connection: not used any more once this is made.
        edges: by output column, the newest first.
        is_versioned: whether nodes are columns of versions.
    """

    def __init__(
        self, connection: sqlite3.Connection, edges: Mapping[int, Strands], *, is_versioned: bool
    ) -> None:
        self._is_versioned = is_versioned
        strands = [strand for listed in edges.values() for strand in listed]
        ends = set(edges).union(*(strand.columns for strand in strands))
        versions = {v for strand in strands for v in (strand.output_version, strand.input_version)}
        self._versions: dict[int, str] = dict(_rows(connection, _VERSIONS, versions))
        self._names = {column: names for column, *names in _rows(connection, _NAMES, ends)}
        self._ids: dict[tuple[int, int], str] = {}
        self._nodes: dict[str, _Node] = {}
        for column, listed in edges.items():
            for strand in listed if column in self._names else ():
                self._add(column, strand)
        self._order = sorted(self._nodes, key=nodes.java_key)
        self._connect()

    def shown(self) -> Iterator[bytes]:
        """Yield the graph's JSON bit by bit."""
        parts = _Parts(self._names, self._versions)
        ids = [_encode(node_id) for node_id in self._order]
        ends = [b',"destination":%b}' % node_id for node_id in ids]
        opening = b'{"graph":['
        for node_id, encoded in zip(self._order, ids, strict=True):
            node = self._nodes[node_id]
            origin = b'{"origin":' + encoded
            # Marquez reverses origin and destination, and its web UI expects that.
            yield opening + b'{"id":%b,"type":"DATASET_FIELD","data":%b,%b,%b}' % (
                encoded,
                parts.data(node),
                b'"inEdges":[%b]' % b",".join([origin + ends[i] for i in node.incoming]),
                b'"outEdges":[%b]' % b",".join([origin + ends[i] for i in node.outgoing]),
            )
            opening = b","
        yield b"]}" if self._order else b'{"graph":[]}'

    def _id(self, column: int, version: int) -> str:
        found = self._ids.get((column, version))
        if found is None:
            namespace, dataset, name, _ = self._names[column]
            uuid = self._versions[version] if self._is_versioned else None
            found = nodes.field_id(namespace, dataset, name, uuid)
            self._ids[column, version] = found
        return found

    def _node(self, column: int, version: int) -> _Node:
        node_id = self._id(column, version)
        found = self._nodes.get(node_id)
        if found is None:
            found = self._nodes[node_id] = _Node(column, version)
        return found

    def _add(self, column: int, strand: Strand) -> None:
        if not all(map(self._names.__contains__, strand.columns)):
            visible = [source for source in strand.columns if source in self._names]
            strand = replace(strand, columns=visible)
        if strand.columns:
            node = self._node(column, strand.output_version)
            if not node.strands:  # until now it was an input, perhaps in another version
                node.version = strand.output_version
            node.strands.append(strand)
            for source in strand.columns:
                self._node(source, strand.input_version)

    def _connect(self) -> None:
        places = {node_id: place for place, node_id in enumerate(self._order)}
        listed = [self._nodes[node_id] for node_id in self._order]
        for place, node in enumerate(listed):
            found = {
                places[self._id(source, strand.input_version)]
                for strand in node.strands
                for source in strand.columns
            }
            node.incoming.extend(sorted(found))
            for other in node.incoming:
                listed[other].outgoing.append(place)


class _Parts:
    """Encodes what nodes say of themselves; parts that many nodes have are encoded once."""

    def __init__(self, names: Mapping[int, list[str]], versions: Mapping[int, str]) -> None:
        self._names = names
        self._versions = versions
        self._sources: dict[tuple[int, int], bytes] = {}

    def data(self, node: _Node) -> bytes:
        kind = self._names[node.column][3] if node.strands else ""
        made = node.strands[0].made() if node.strands else _NOT_MADE
        inputs = b",".join([part for strand in node.strands for part in self._inputs(strand)])
        return b'%b,"fieldType":%b%b,"inputFields":[%b]}' % (
            self._source(node.column, node.version),
            _encode(kind),
            made,
            inputs,
        )

    def _inputs(self, strand: Strand) -> list[bytes]:
        made = strand.made() + b"}"
        version = strand.input_version
        return [self._source(column, version) + made for column in strand.columns]

    def _source(self, column: int, version: int) -> bytes:
        """Return the members that a column has as a node and as an input, without the end."""
        found = self._sources.get((column, version))
        if found is None:
            namespace, dataset, name, _ = self._names[column]
            members = {
                "namespace": namespace,
                "dataset": dataset,
                "datasetVersion": self._versions[version],
                "field": name,
            }
            found = self._sources[column, version] = _encode(members)[:-1]
        return found


def _rows(
    connection: sqlite3.Connection, query: str, numbers: Iterable[int]
) -> Iterable[tuple[Any, ...]]:
    return connection.execute(query, (_encode(sorted(numbers)).decode(),))
