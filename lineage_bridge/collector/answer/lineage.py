"""The lineage graph around a job or a dataset.

Jobs are found breadth first over the current edges, in both directions and through shared inputs:
two jobs are neighbours if both read or write the same dataset. Source: `LineageService`,
`LineageDao`.
"""

from __future__ import annotations

import sqlite3
from typing import Any

import msgspec

from lineage_bridge.collector.answer import datasets, jobs, lookup, nodes, runs
from lineage_bridge.collector.answer.nodes import NodeId
from lineage_bridge.collector.answer.runs import RunShown
from lineage_bridge.collector.dialect.errors import generic, not_found
from lineage_bridge.collector.dialect.requests import Request

DEFAULT_DEPTH = 20

_encode = msgspec.json.Encoder().encode

Json = dict[str, Any]

_NEIGHBOURS = (
    "SELECT DISTINCT b.job FROM json_each(?) wanted"
    " JOIN mq_job_io a ON a.job = wanted.value AND a.is_current = 1"
    " JOIN mq_job_io b ON b.dataset = a.dataset AND b.is_current = 1"
)
_EDGES = (
    "SELECT DISTINCT i.job, i.io, i.dataset FROM json_each(?) wanted"
    " JOIN mq_job_io i ON i.job = wanted.value AND i.is_current = 1"
)


def get_lineage(connection: sqlite3.Connection, request: Request) -> Json:
    """GET /lineage."""
    node = lookup.find_node(connection, request.required("nodeId"))
    depth = request.integer("depth", DEFAULT_DEPTH)
    if node.kind in {"run", "datasetField"}:
        raise _wrong_kind(connection, node)
    if node.version is not None:
        raise generic()
    if node.kind == "job":
        return _graph(connection, _reach(connection, _job(connection, node), depth), set())
    return _around_dataset(connection, node, depth)


def _wrong_kind(connection: sqlite3.Connection, node: NodeId) -> Exception:
    if node.kind == "run":
        lookup.find_run(connection, node.names[0])
    else:
        _, name, field = node.names
        if not lookup.is_known(connection, node.kind, node.names):
            return not_found(f"Field '{field}' not found for dataset '{name}'.")
    return not_found(f"Node '{node.text}' must be of type dataset or job!")


def _job(connection: sqlite3.Connection, node: NodeId) -> int:
    row = connection.execute(
        "SELECT id FROM mq_jobs WHERE namespace = ? AND name = ? AND NOT is_hidden",
        (node.namespace, node.name),
    ).fetchone()
    if row is None:
        raise not_found(f"Job '{node.name}' not found.")
    return int(row[0])


def _around_dataset(connection: sqlite3.Connection, node: NodeId, depth: int) -> Json:
    row = connection.execute(
        "SELECT dataset FROM mq_symlinks WHERE namespace = ? AND name = ? AND NOT is_hidden",
        (node.namespace, node.name),
    ).fetchone()
    if row is None:
        raise not_found(f"Dataset '{node.name}' not found.")
    # Start at a job that ever wrote the dataset, else at a reader; the newest job version first.
    origin = connection.execute(
        "SELECT i.job FROM mq_job_io i JOIN mq_job_versions v ON v.id = i.version"
        " JOIN mq_jobs j ON j.id = i.job AND NOT j.is_hidden"
        " WHERE i.dataset = ? ORDER BY i.io DESC, v.created_us DESC, v.id DESC LIMIT 1",
        (row[0],),
    ).fetchone()
    found = _reach(connection, origin[0], depth) if origin else []
    touched = {dataset for _, _, dataset in _edges(connection, found)}
    if row[0] not in touched:
        return _graph(connection, [], {row[0]})
    return _graph(connection, found, set())


def _reach(connection: sqlite3.Connection, origin: int, depth: int) -> list[int]:
    reached = {origin}
    frontier = {origin}
    for _ in range(depth):
        rows = connection.execute(_NEIGHBOURS, (_encode(sorted(frontier)).decode(),))
        frontier = {row[0] for row in rows} - reached
        if not frontier:
            break
        reached |= frontier
    return sorted(reached)


def _edges(connection: sqlite3.Connection, job_ids: list[int]) -> list[tuple[int, str, int]]:
    return connection.execute(_EDGES, (_encode(job_ids).decode(),)).fetchall()


def _graph(connection: sqlite3.Connection, job_ids: list[int], alone: set[int]) -> Json:
    wanted = _encode(job_ids).decode()
    job_rows = jobs.read(
        connection, "WHERE j.id IN (SELECT value FROM json_each(?)) AND NOT j.is_hidden", (wanted,)
    )
    names = {job["id"]: nodes.job_id(job["namespace"], job["name"]) for job in job_rows}
    edges = [edge for edge in _edges(connection, job_ids) if edge[0] in names]
    dataset_rows = datasets.read(
        connection,
        "WHERE d.id IN (SELECT value FROM json_each(?)) AND s.is_primary = 1 AND NOT d.is_hidden",
        (_encode(sorted(alone | {edge[2] for edge in edges})).decode(),),
    )
    graph = _Graph(dataset_rows, names, edges)
    latest = runs.load(connection, (job["current_run"] for job in job_rows if job["current_run"]))
    shown = [graph.dataset_node(row) for row in dataset_rows]
    shown += [graph.job_node(job, latest.get(job["current_run"])) for job in job_rows]
    return {"graph": sorted(shown, key=lambda node: nodes.java_key(node["id"]))}


class _Graph:
    """The edges between the jobs and datasets that were found, by node id."""

    def __init__(
        self,
        dataset_rows: list[Json],
        job_names: dict[int, str],
        edges: list[tuple[int, str, int]],
    ) -> None:
        self.names = {row["id"]: (row["namespace"], row["name"]) for row in dataset_rows}
        self.incoming: dict[str, set[str]] = {}
        self.outgoing: dict[str, set[str]] = {}
        self.io: dict[int, tuple[list[Json], list[Json]]] = {}
        for job, io, dataset in edges:
            if dataset not in self.names:
                continue
            namespace, name = self.names[dataset]
            sides = self.io.setdefault(job, ([], []))
            sides[io == "OUTPUT"].append({"namespace": namespace, "name": name})
            ends = (nodes.dataset_id(namespace, name), job_names[job])
            origin, destination = ends if io == "INPUT" else ends[::-1]
            self.incoming.setdefault(destination, set()).add(origin)
            self.outgoing.setdefault(origin, set()).add(destination)

    def dataset_node(self, row: Json) -> Json:
        """Return the node of a dataset."""
        data = {**datasets.head(row), "fields": datasets.frozen_fields(row["fields"]), "tags": []}
        return self._node(nodes.dataset_id(row["namespace"], row["name"]), "DATASET", data)

    def job_node(self, job: Json, latest: RunShown | None) -> Json:
        """Return the node of a job."""
        inputs, outputs = self.io.get(job["id"], ([], []))
        data = {
            **jobs.head(job),
            "currentRunUuid": latest and latest.id,
            "inputs": inputs,
            "outputs": outputs,
            "latestRun": latest,
        }
        return self._node(nodes.job_id(job["namespace"], job["name"]), "JOB", data)

    def _node(self, node: str, kind: str, data: Json) -> Json:
        return {
            "id": node,
            "type": kind,
            "data": data,
            "inEdges": [
                {"origin": origin, "destination": node}
                for origin in sorted(self.incoming.get(node, ()), key=nodes.java_key)
            ],
            "outEdges": [
                {"origin": node, "destination": destination}
                for destination in sorted(self.outgoing.get(node, ()), key=nodes.java_key)
            ],
        }
