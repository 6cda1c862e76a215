"""The columns of datasets, and which versions have which.

A column is a row by dataset, name and type; one without a type is a new row at each mention, as
in Marquez, where a null equals nothing. A version lists the rows that any mention of it brought.
Source: `DatasetFieldDao.upsert`, `dataset_versions_field_mapping`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from lineage_bridge.collector.context import Context, refuse
from lineage_bridge.collector.validation import text

if TYPE_CHECKING:
    from lineage_bridge.collector.reduce_datasets import Version

MAX_FIELD_NAME = 255
Field = dict[str, str | None]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def fields_of(schema: Mapping[str, Any] | None) -> list[Field]:
    """The columns of a schema facet.

    Raises:
        RefusedEventError: one of them is null.
    """
    fields = (schema or {}).get("fields") or ()
    if any(field is None for field in fields):
        raise refuse("a field must not be null")
    return [
        {
            "name": text(field["name"]),
            "type": text(field.get("type")),
            "description": text(field.get("description")),
        }
        for field in fields
    ]


def map_fields(context: Context, version: Version, schema: Mapping[str, Any] | None) -> None:
    """Upsert the columns of a mention, and add them to its version."""
    fields = fields_of(schema)
    if not fields:
        return
    if any(len(field["name"] or "") > MAX_FIELD_NAME for field in fields):
        raise refuse(f"a field's name must not be longer than {MAX_FIELD_NAME} characters")
    ids = _field_ids(context, version.dataset, fields)
    (stored,) = context.connection.execute(
        "SELECT field_ids FROM mq_dataset_versions WHERE id = ?", (version.id,)
    ).fetchone()
    mapped: list[int] = _decode(stored)
    added = set(ids).difference(mapped)
    if added:
        context.connection.execute(
            "UPDATE mq_dataset_versions SET field_ids = ? WHERE id = ?",
            (_encode([*mapped, *sorted(added)]).decode(), version.id),
        )


def _field_ids(context: Context, dataset: int, fields: Sequence[Field]) -> list[int]:
    """The rows of the columns; where they are the same as at the last mention, without a write."""
    if any(field["type"] is None for field in fields):
        return _upsert(context, dataset, fields)
    key = hashlib.blake2b(_encode(fields), digest_size=16).digest()
    row = context.connection.execute(
        "SELECT fields_ids FROM mq_datasets WHERE id = ? AND fields_key = ?", (dataset, key)
    ).fetchone()
    if row is not None:
        known: list[int] = _decode(row[0])
        return known
    ids = _upsert(context, dataset, fields)
    context.connection.execute(
        "UPDATE mq_datasets SET fields_key = ?, fields_ids = ? WHERE id = ?",
        (key, _encode(ids).decode(), dataset),
    )
    return ids


def _upsert(context: Context, dataset: int, fields: Sequence[Field]) -> list[int]:
    return [
        context.connection.execute(
            "INSERT INTO mq_fields (dataset, name, type, description) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (dataset, name, type) DO UPDATE SET description = excluded.description"
            " RETURNING id",
            (dataset, field["name"], field["type"], field["description"]),
        ).fetchone()[0]
        for field in fields
    ]
