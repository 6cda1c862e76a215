"""What a request names, by a path or by the id of a node; answered 404 if it is not there."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import msgspec

from lineage_bridge.collector.answer import namespaces, nodes
from lineage_bridge.collector.answer.nodes import NodeId
from lineage_bridge.collector.dialect import hashes
from lineage_bridge.collector.dialect.errors import ApiError, not_found
from lineage_bridge.collector.dialect.requests import Request
from lineage_bridge.marquez_limits import MAX_FIELD_NAME, MAX_NAMESPACE

_encode = msgspec.json.Encoder().encode

_KNOWN = {
    "dataset": "SELECT 1 FROM mq_symlinks WHERE namespace = ? AND name = ? AND NOT is_hidden",
    "job": "SELECT 1 FROM mq_jobs WHERE namespace = ? AND name = ? AND NOT is_hidden",
    "datasetField": "SELECT 1 FROM mq_symlinks s JOIN mq_fields f ON f.dataset = s.dataset"
    " WHERE s.namespace = ? AND s.name = ? AND NOT s.is_hidden AND f.name = ?",
}


def find_job(connection: sqlite3.Connection, request: Request) -> int:
    """Find the row of the job that a path names.

    Raises:
        ApiError: its namespace or the job does not exist, or the job is hidden.
    """
    namespace, name = request.names["namespace"], request.names["job"]
    namespaces.check(connection, namespace)
    row = connection.execute(
        "SELECT id FROM mq_jobs WHERE namespace = ? AND name = ? AND NOT is_hidden",
        (namespace, name),
    ).fetchone()
    if row is None:
        raise not_found(f"Job '{name}' not found.")
    return int(row[0])


def find_run(connection: sqlite3.Connection, uuid: str) -> int:
    """Find the row of a run.

    Raises:
        ApiError: there is no such run.
    """
    row = connection.execute("SELECT id FROM mq_runs WHERE uuid = ?", (uuid,)).fetchone()
    if row is None:
        raise not_found(f"Run '{uuid}' not found.")
    return int(row[0])


def find_node(connection: sqlite3.Connection, text: str) -> NodeId:
    """Take the id of a node apart: as Marquez does, or as the API put it together.

    Marquez takes many of its own ids apart in the wrong place, as namespaces and names have colons
    too. Where that finds nothing, whatever has this very id is meant; of several, which is rare,
    the one with the shortest namespace.

    Raises:
        ApiError: the text is no id of a node (404), or cannot be split (500). A node that the
            returned names have need not exist.
    """
    try:
        node = nodes.parse(text)
    except ApiError:
        found = _given_out(connection, text)
        if found is None:
            raise
        return found
    if node.kind == "run":
        return node
    is_found = is_known(connection, node.kind, node.names)
    if is_found and node.version is None:
        return node
    found = _given_out(connection, text)
    if found is None or (is_found and found.version is not None):
        return node
    return found  # perhaps what is named like a version of another one


def is_known(connection: sqlite3.Connection, kind: str, names: tuple[str, ...]) -> bool:
    """Return whether a dataset, a column or a job is there, and visible."""
    return connection.execute(_KNOWN[kind], names).fetchone() is not None


def _given_out(connection: sqlite3.Connection, text: str) -> NodeId | None:
    """Find what the API gives out under an id, be it of a version or not."""
    kind, _, rest = text.partition(":")
    if kind not in _KNOWN:
        return None
    parts: list[tuple[str, str | None]] = [(rest, None)]
    head, _, suffix = rest.rpartition("#")
    version = hashes.strict_uuid(suffix)
    if version is not None:
        parts.append((head, version))
    for part, of_version in parts:
        for names in _splits(connection, kind, part):
            if is_known(connection, kind, names):
                return NodeId(text, kind, names, of_version)
    return None


def _splits(connection: sqlite3.Connection, kind: str, text: str) -> Iterator[tuple[str, ...]]:
    """Yield the ways to split a text into names of which the first one is a namespace."""
    colons = [place for place, character in enumerate(text) if character == ":"]
    rows = connection.execute(
        "SELECT n.name FROM json_each(?) place"
        " JOIN mq_namespaces n ON n.name = substr(?, 1, place.value) ORDER BY place.value",
        (_encode([place for place in colons if place <= MAX_NAMESPACE]).decode(), text),
    )
    fields = [place for place in colons if len(text) - place <= MAX_FIELD_NAME + 1]
    for (namespace,) in rows.fetchall():
        begin = len(namespace) + 1
        if kind != "datasetField":
            yield namespace, text[begin:]
            continue
        for place in fields:
            if place >= begin:
                yield namespace, text[begin:place], text[place + 1 :]
