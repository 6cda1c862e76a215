"""The columns of datasets, and which versions have which.

A column is a row by dataset, name and type; one without a type is a new row at each mention, as
in Marquez, where a null equals nothing. A version lists the rows that any mention of it brought.
Source: `DatasetFieldDao.upsert`, `dataset_versions_field_mapping`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from lineage_bridge.collector.context import Context, refuse
from lineage_bridge.collector.validation import text

MAX_FIELD_NAME = 255

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Field(NamedTuple):
    """A column of a schema facet."""

    name: str
    type: str | None
    description: str | None


def fields_of(schema: Mapping[str, Any] | None) -> list[Field]:
    """The columns of a schema facet.

    Raises:
        RefusedEventError: one of them is null.
    """
    fields = (schema or {}).get("fields") or ()
    if any(field is None for field in fields):
        raise refuse("a field must not be null")
    return [_field(field["name"], field.get("type"), field.get("description")) for field in fields]


def _field(name: Any, kind: Any, description: Any) -> Field:
    if type(name) is type(kind) is str and (description is None or type(description) is str):
        return Field(name, kind, description)
    return Field(text(name) or "", text(kind), text(description))


@lru_cache(maxsize=1024)
def frozen(fields: tuple[Field, ...]) -> str:
    """Columns as a version keeps them for good."""
    return _encode([{**field._asdict(), "tags": []} for field in fields]).decode()


def rows_of(
    context: Context,
    dataset: int,
    fields: Sequence[Field],
    last_key: bytes | None,
    last_ids: str | None,
) -> list[int]:
    """The rows of columns, one for each; without a write where the last mention had the same.

    Raises:
        RefusedEventError: a name is too long.
    """
    if any(len(field.name) > MAX_FIELD_NAME for field in fields):
        raise refuse(f"a field's name must not be longer than {MAX_FIELD_NAME} characters")
    if any(field.type is None for field in fields):
        return _upsert(context, dataset, fields)
    key = _digest(tuple(fields))
    if key == last_key and last_ids is not None:
        known: list[int] = _decode(last_ids)
        return known
    ids = _upsert(context, dataset, fields)
    context.connection.execute(
        "UPDATE mq_datasets SET fields_key = ?, fields_ids = ? WHERE id = ?",
        (key, _encode(ids).decode(), dataset),
    )
    return ids


@lru_cache(maxsize=1024)
def _digest(fields: tuple[Field, ...]) -> bytes:
    return hashlib.blake2b(_encode(fields), digest_size=16).digest()


def added(stored: str, ids: Sequence[int]) -> str:
    """A version's list of columns, with more of them."""
    mapped: list[int] = _decode(stored)
    if mapped == ids:
        return stored
    new = sorted(set(ids).difference(mapped))
    return _encode([*mapped, *new]).decode() if new else stored


def _upsert(context: Context, dataset: int, fields: Sequence[Field]) -> list[int]:
    return [
        context.connection.execute(
            "INSERT INTO mq_fields (dataset, name, type, description) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (dataset, name, type) DO UPDATE SET description = excluded.description"
            " RETURNING id",
            (dataset, *field),
        ).fetchone()[0]
        for field in fields
    ]
