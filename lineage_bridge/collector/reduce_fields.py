"""The columns of datasets, and which versions have which.

A column is a row by dataset, name and type; one without a type is a new row at each mention, as
in Marquez, where a null equals nothing. A version lists the rows that any mention of it brought.
Source: `DatasetFieldDao.upsert`, `dataset_versions_field_mapping`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from lineage_bridge.collector.context import Context, refuse
from lineage_bridge.collector.dataset_row import DatasetRow
from lineage_bridge.collector.done import Done
from lineage_bridge.collector.validation import text

MAX_FIELD_NAME = 255
MAX_INTERNED_BYTES = 16 * 1024
MAX_INTERNED = 256  # columns of one dataset; what is made of more is not kept in memory
PIECE = 1000  # columns in a row before others have their turn
FEW = 50  # up to so many are looked up one by one

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Field(NamedTuple):
    """A column of a schema facet."""

    name: str
    type: str | None
    description: str | None


def fields_of(schema: Mapping[str, Any] | None) -> tuple[Field, ...]:
    """The columns of a schema facet.

    Most events repeat columns that were seen before: they are made only once.

    Raises:
        RefusedEventError: one of them is null.
    """
    fields = (schema or {}).get("fields")
    if not fields:
        return ()
    encoded = _encode(fields)
    return _interned(encoded) if len(encoded) <= MAX_INTERNED_BYTES else _read(fields)


@lru_cache(maxsize=1024)
def _interned(fields: bytes) -> tuple[Field, ...]:
    return _read(_decode(fields))


def _read(fields: Sequence[Mapping[str, Any] | None]) -> tuple[Field, ...]:
    if None in fields:
        raise refuse("a field must not be null")
    return tuple(
        Field(text(field["name"]) or "", text(field.get("type")), text(field.get("description")))
        for field in fields
        if field is not None
    )


def frozen(fields: tuple[Field, ...]) -> str:
    """Columns as a version keeps them for good."""
    return _frozen(fields) if len(fields) <= MAX_INTERNED else _frozen.__wrapped__(fields)


@lru_cache(maxsize=1024)
def _frozen(fields: tuple[Field, ...]) -> str:
    tags: list[str] = []
    return _encode(
        [
            {"name": name, "type": kind, "description": text, "tags": tags}
            for name, kind, text in fields
        ]
    ).decode()


def rows_of(
    context: Context, dataset: DatasetRow, fields: tuple[Field, ...], done: Done
) -> Generator[None, None, list[int]]:
    """The rows of columns, one for each; without a write where the last mention had the same.

    Yields after so many of them that others may have their turn.

    Raises:
        RefusedEventError: a name is too long.
    """
    key = _digest(fields) if len(fields) <= MAX_INTERNED else _digest.__wrapped__(fields)
    if key is None:
        return (yield from _insert_untyped(context, dataset.id, fields, done))
    if key == dataset.fields_key and dataset.fields_ids is not None:
        known: list[int] = _decode(dataset.fields_ids)
        return known
    yield from _upsert(context, dataset.id, fields, done)
    ids = _ids(context, dataset.id, fields)
    dataset.fields_key, dataset.fields_ids = key, _encode(ids).decode()
    return ids


@lru_cache(maxsize=1024)
def _digest(fields: tuple[Field, ...]) -> bytes | None:
    """What tells columns from others; None if one has no type, as it equals nothing.

    Raises:
        RefusedEventError: a name is too long.
    """
    if any(len(field.name) > MAX_FIELD_NAME for field in fields):
        raise refuse(f"a field's name must not be longer than {MAX_FIELD_NAME} characters")
    if any(field.type is None for field in fields):
        return None
    return hashlib.blake2b(_encode(fields), digest_size=16).digest()


def added(stored: str, ids: Sequence[int]) -> str:
    """A version's list of columns, with more of them."""
    mapped: list[int] = _decode(stored)
    if mapped == ids:
        return stored
    new = sorted(set(ids).difference(mapped))
    return _encode([*mapped, *new]).decode() if new else stored


_UPSERT = (
    "INSERT INTO mq_fields (dataset, name, type, description) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (dataset, name, type) DO UPDATE SET description = excluded.description"
)


def _upsert(context: Context, dataset: int, fields: Sequence[Field], done: Done) -> Iterator[None]:
    """Make typed columns known; doing it again changes nothing."""
    for first in range(done.columns, len(fields), PIECE):
        chunk = fields[first : first + PIECE]
        context.connection.executemany(_UPSERT, [(dataset, *field) for field in chunk])
        done.columns = first + len(chunk)
        if done.columns < len(fields):
            yield


def _ids(context: Context, dataset: int, fields: Sequence[Field]) -> list[int]:
    if len(fields) < FEW:
        query = "SELECT id FROM mq_fields WHERE dataset = ? AND name = ? AND type = ?"
        find = context.connection.execute
        return [find(query, (dataset, f.name, f.type)).fetchone()[0] for f in fields]
    rows = context.connection.execute(
        "SELECT name, type, id FROM mq_fields WHERE dataset = ? AND type IS NOT NULL", (dataset,)
    )
    ids = {(name, kind): row for name, kind, row in rows}
    return [ids[field.name, field.type or ""] for field in fields]


def _insert_untyped(
    context: Context, dataset: int, fields: Sequence[Field], done: Done
) -> Generator[None, None, list[int]]:
    for first in range(len(done.column_ids), len(fields), PIECE):
        for field in fields[first : first + PIECE]:
            found = context.connection.execute(f"{_UPSERT} RETURNING id", (dataset, *field))
            done.column_ids.append(found.fetchone()[0])
        if len(done.column_ids) < len(fields):
            yield
    return list(done.column_ids)
