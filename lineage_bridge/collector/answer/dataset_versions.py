"""Versions of datasets as the API shows them.

Here `version` is the row's id, the one in the dataset's `currentVersion`; runs show the hash.
Source: `DatasetVersionDao`, `DatasetResource`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from lineage_bridge.collector.answer import datasets, runs
from lineage_bridge.collector.dialect import merging
from lineage_bridge.collector.dialect.encoding import encode, encode_list
from lineage_bridge.collector.dialect.errors import generic, not_found
from lineage_bridge.collector.dialect.instants import format_micros
from lineage_bridge.collector.dialect.merging import Values
from lineage_bridge.collector.dialect.requests import DEFAULT_LIMIT, Request
from lineage_bridge.collector.rows import shared
from lineage_bridge.collector.rows.tables import read_rows
from lineage_bridge.http import Response

Json = dict[str, Any]
Row = dict[str, Any]

_COLUMNS = (
    "SELECT v.id, v.uuid, v.run, v.created_us, f.content AS fields, v.lifecycle_state,"
    " v.schema_version,"
    " v.schema_location, v.run_facets, v.runless_facets, v.output_facets, d.id AS dataset, d.type,"
    " d.physical_name, d.source, d.description, s.namespace, s.name"
    " FROM mq_dataset_versions v JOIN mq_datasets d ON d.id = v.dataset"
    " JOIN mq_symlinks s ON s.dataset = d.id AND s.is_primary = 1"
    " JOIN mq_shared f ON f.id = v.fields"
)


def _read(connection: sqlite3.Connection, condition: str, values: Sequence[Any]) -> list[Row]:
    return read_rows(connection, f"{_COLUMNS} {condition}", values)


def list_versions(connection: sqlite3.Connection, request: Request) -> Response:
    """GET /namespaces/{namespace}/datasets/{dataset}/versions."""
    limit, offset = request.integer("limit", DEFAULT_LIMIT), request.integer("offset", 0)
    datasets.find(connection, request)
    if limit < 0 or offset < 0:
        raise generic()
    names = (request.names["namespace"], request.names["dataset"])
    (total,) = connection.execute(
        "SELECT count(*) FROM mq_dataset_versions WHERE namespace = ? AND name = ?", names
    ).fetchone()
    rows = _read(
        connection,
        "WHERE v.namespace = ? AND v.name = ? AND NOT EXISTS"
        " (SELECT 1 FROM mq_symlinks a WHERE a.name = d.name AND a.is_primary = 0)"
        " ORDER BY v.created_us DESC, v.id DESC LIMIT ? OFFSET ?",
        (*names, limit, offset),
    )
    held = [datasets.version_facets(row) for row in rows]
    shown = ([encode(version)] for version in _shown(connection, rows, held))
    return Response(encode_list("versions", shown, totalCount=total))


def get_version(connection: sqlite3.Connection, request: Request) -> Json:
    """GET /namespaces/{namespace}/datasets/{dataset}/versions/{version}."""
    uuid = request.uuid("version")
    datasets.find(connection, request)
    rows = _read(connection, "WHERE v.uuid = ?", (uuid,))
    if not rows:
        raise not_found(f"Dataset version '{uuid}' not found.")
    row = rows[0]
    (names,) = connection.execute(
        "SELECT count(*) FROM mq_symlinks WHERE dataset = ?", (row["dataset"],)
    ).fetchone()
    if names > 1:
        raise generic()  # two rows where Marquez expects one
    facets = merging.newest(merging.load(row["run_facets"]), merging.load(row["output_facets"]))
    return _shown(connection, rows, [facets])[0]


def _shown(
    connection: sqlite3.Connection, rows: Sequence[Row], held: Sequence[Values]
) -> list[Json]:
    """Return versions as the API shows them, each with its facets of `held`."""
    writers = runs.load(connection, (row["run"] for row in rows if row["run"]))
    tags = datasets.tags_of(connection, {row["dataset"] for row in rows})
    shown = []
    for row, facets in zip(rows, shared.show(connection, held), strict=True):
        version = {
            "id": {"namespace": row["namespace"], "name": row["name"]},
            "type": row["type"],
            "name": row["name"],
            "physicalName": row["physical_name"],
            "createdAt": format_micros(row["created_us"]),
            "version": row["uuid"],
            "namespace": row["namespace"],
            "sourceName": row["source"],
            "fields": datasets.frozen_fields(row["fields"]),
            "tags": tags.get(row["dataset"], []),
            "lifecycleState": row["lifecycle_state"],
            "description": row["description"],
            "currentSchemaVersion": row["schema_version"],
            "createdByRun": writers.get(row["run"]),
            "facets": facets,
        }
        if row["type"] == "STREAM":
            version["schemaLocation"] = row["schema_location"]
        shown.append(version)
    return shown
