"""Datasets as the API shows them: one, a page of a namespace, or as a node of a graph.

A dataset appears once under each of its names, with column lineage only under its own. Its facets
are those of the current version. As in Marquez, a list shows facets only for its first ten
datasets, and there the ones that arrived last, while a single dataset shows the ones with the
newest event time. Source: `DatasetDao`, `DatasetResource`, the view `datasets_view`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from lineage_bridge.collector.answer import namespaces
from lineage_bridge.collector.answer.columns.inputs import ColumnInputs
from lineage_bridge.collector.dialect import merging
from lineage_bridge.collector.dialect.encoding import encode, encode_list
from lineage_bridge.collector.dialect.errors import generic, not_found
from lineage_bridge.collector.dialect.instants import format_micros
from lineage_bridge.collector.dialect.merging import Values
from lineage_bridge.collector.dialect.requests import Request
from lineage_bridge.collector.rows import shared
from lineage_bridge.collector.rows.shared import Shown
from lineage_bridge.collector.rows.tables import read_rows
from lineage_bridge.http import Response

LISTED_FACETS = 10

_decode_ids = msgspec.json.Decoder(list[int]).decode
_encode = msgspec.json.Encoder().encode

Json = dict[str, Any]
Row = dict[str, Any]

_COLUMNS = (
    "SELECT s.namespace, s.name, s.is_primary, d.id, d.namespace AS own_namespace,"
    " d.name AS own_name, d.type, d.physical_name, d.created_us, d.updated_us, d.source,"
    " d.last_modified_us, d.description, d.is_deleted, v.id AS version, v.uuid,"
    " v.lifecycle_state, f.content AS fields,"
    " i.content AS field_ids, v.run_facets, v.runless_facets, v.listed_facets, v.schema_location"
    " FROM mq_symlinks s JOIN mq_datasets d ON d.id = s.dataset"
    " LEFT JOIN mq_dataset_versions v ON v.id = d.current_version"
    " LEFT JOIN mq_shared f ON f.id = v.fields LEFT JOIN mq_shared i ON i.id = v.field_ids"
)


def read(connection: sqlite3.Connection, condition: str, values: Sequence[Any]) -> list[Row]:
    """Read the rows of datasets that fulfil a condition (our own SQL), each as a dict by column."""
    return read_rows(connection, f"{_COLUMNS} {condition}", values)


def find(connection: sqlite3.Connection, request: Request) -> Row:
    """Find the dataset that a path names.

    Raises:
        ApiError: its namespace or the dataset does not exist, or the dataset is hidden.
    """
    namespace, name = request.names["namespace"], request.names["dataset"]
    namespaces.check(connection, namespace)
    rows = read(
        connection,
        "WHERE s.namespace = ? AND s.name = ? AND NOT s.is_hidden",
        (namespace, name),
    )
    if not rows:
        raise not_found(f"Dataset '{name}' not found.")
    return rows[0]


def head(row: Row) -> Json:
    """Return the members that a dataset shows everywhere, without its fields."""
    return {
        "id": {"namespace": row["namespace"], "name": row["name"]},
        "type": row["type"],
        "name": row["name"],
        "physicalName": row["physical_name"],
        "createdAt": format_micros(row["created_us"]),
        "updatedAt": format_micros(row["updated_us"]),
        "namespace": row["namespace"],
        "sourceName": row["source"],
        "lastModifiedAt": format_micros(row["last_modified_us"]),
        "lastLifecycleState": row["lifecycle_state"],
        "description": row["description"],
    }


def get_dataset(connection: sqlite3.Connection, request: Request) -> Response:
    """GET /namespaces/{namespace}/datasets/{dataset}."""
    row = find(connection, request)
    lineage = ColumnInputs(connection, [row["id"]]).of(row["id"])
    if not row["is_primary"] and lineage is not None:
        if _is_beside_own_name(connection, row):
            raise generic()  # Marquez finds the lineage, but not whose it is
        lineage = None
    shown = without_lineage(connection, row)
    shown["fields"] = fields_of(connection, [row])[row["id"]]
    return Response(_with_lineage(shown, lineage))


def _with_lineage(shown: Json, lineage: Iterator[bytes] | None) -> Iterator[bytes]:
    """Yield a dataset's JSON bit by bit, with its column lineage."""
    if lineage is None:
        yield encode(shown)
        return
    del shown["columnLineage"]
    yield encode(shown)[:-1] + b',"columnLineage":'
    yield from lineage
    yield b"}"


def _is_beside_own_name(connection: sqlite3.Connection, row: Row) -> bool:
    found = connection.execute(
        "SELECT 1 FROM mq_symlinks WHERE dataset = ? AND namespace = ? AND is_primary = 1",
        (row["id"], row["namespace"]),
    ).fetchone()
    return found is not None


def without_lineage(connection: sqlite3.Connection, row: Row) -> Json:
    """Return a dataset with its facets, and with the fields that are frozen in its version."""
    is_own_name = (row["namespace"], row["name"]) == (row["own_namespace"], row["own_name"])
    (facets,) = shared.show(connection, [version_facets(row) if is_own_name else {}])
    tags = tags_of(connection, [row["id"]]).get(row["id"], [])
    return _dataset(row, fields=frozen_fields(row["fields"]), facets=facets, tags=tags)


def version_facets(row: Row) -> Values:
    """Merge the facets that one dataset and its versions show, by event time."""
    return merging.newest(merging.load(row["runless_facets"]), merging.load(row["run_facets"]))


def _listed_facets(row: Row) -> Values:
    listed = row["listed_facets"]
    return merging.load_values(listed) if listed is not None else version_facets(row)


def frozen_fields(stored: bytes | None) -> Any:
    """Return the frozen fields of a version for an answer: those that it was made with."""
    return [] if stored is None else shared.as_shown(stored)


def _dataset(row: Row, *, fields: Any, facets: Shown, tags: list[str]) -> Json:
    shown = {
        **head(row),
        "fields": fields,
        "tags": tags,
        "currentVersion": row["uuid"],
        "columnLineage": None,
        "facets": facets,
        "deleted": bool(row["is_deleted"]),
    }
    if row["type"] == "STREAM":
        shown["schemaLocation"] = row["schema_location"]
    return shown


def tags_of(connection: sqlite3.Connection, datasets: Iterable[int]) -> dict[int, list[str]]:
    """Read the tags of datasets, by row."""
    found: dict[int, list[str]] = {}
    rows = connection.execute(
        "SELECT t.dataset, t.tag FROM json_each(?) wanted"
        " JOIN mq_dataset_tags t ON t.dataset = wanted.value",
        (_encode(sorted(set(datasets))).decode(),),
    )
    for dataset, tag in rows:
        found.setdefault(dataset, []).append(tag)
    return found


def fields_of(connection: sqlite3.Connection, rows: Sequence[Row]) -> dict[int, list[Json]]:
    """Read the columns that are mapped to the current versions of datasets, by dataset."""
    wanted = {row["id"]: _ids(row["field_ids"]) for row in rows}
    ids = _encode(sorted({field for fields in wanted.values() for field in fields})).decode()
    tags: dict[int, list[str]] = {}
    for field, tag in connection.execute(
        "SELECT t.field, t.tag FROM json_each(?) w JOIN mq_field_tags t ON t.field = w.value",
        (ids,),
    ):
        tags.setdefault(field, []).append(tag)
    fields = {
        field: {"name": name, "type": kind, "tags": tags.get(field, []), "description": text}
        for field, name, kind, text in connection.execute(
            "SELECT f.id, f.name, f.type, f.description FROM json_each(?) w"
            " JOIN mq_fields f ON f.id = w.value",
            (ids,),
        )
    }
    return {dataset: [fields[field] for field in mapped] for dataset, mapped in wanted.items()}


def _ids(stored: bytes | None) -> list[int]:
    return _decode_ids(shared.unpack(stored)) if stored else []


def list_datasets(connection: sqlite3.Connection, request: Request) -> Response:
    """GET /namespaces/{namespace}/datasets."""
    limit, offset = request.page()
    namespace = request.names["namespace"]
    namespaces.check(connection, namespace)
    (total,) = connection.execute(
        "SELECT count(*) FROM mq_symlinks WHERE namespace = ? AND is_hidden = 0", (namespace,)
    ).fetchone()
    rows = read(
        connection,
        "WHERE s.namespace = ? AND s.is_hidden = 0 ORDER BY s.name LIMIT ? OFFSET ?",
        (namespace, limit, offset),
    )
    ids = [row["id"] for row in rows]
    lineage = ColumnInputs(connection, ids)
    fields = fields_of(connection, rows)
    tags = tags_of(connection, ids)
    held = [_listed_facets(row) if i < LISTED_FACETS else {} for i, row in enumerate(rows)]
    shown = []
    for row, facets in zip(rows, shared.show(connection, held), strict=True):
        dataset = _dataset(
            row, fields=fields[row["id"]], facets=facets, tags=tags.get(row["id"], [])
        )
        edges = lineage.of(row["id"]) if row["is_primary"] else None
        shown.append(_with_lineage(dataset, edges))
    return Response(encode_list("datasets", shown, totalCount=total))
