"""The columns of datasets, and which columns belong to which versions.

A column has one row per dataset, name and type; one without a type gets a new row at each mention,
as in Marquez, where a null equals nothing. A version lists the rows of all its mentions. Source:
`DatasetFieldDao.upsert`, `dataset_versions_field_mapping`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from lineage_bridge.collector.dialect.java import text
from lineage_bridge.collector.fold.done import Done
from lineage_bridge.collector.rows import shared
from lineage_bridge.collector.rows.context import Context, refuse
from lineage_bridge.collector.rows.dataset_row import DatasetRow
from lineage_bridge.marquez_limits import MAX_FIELD_NAME

MAX_INTERNED_BYTES = 16 * 1024
MAX_INTERNED = 256  # columns of one dataset; results for more columns are not cached
PIECE = 1000  # columns that are written in a row before a commit is possible
FEW = 50  # fewer columns than this are looked up one by one

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Field(NamedTuple):
    """A column of a schema facet."""

    name: str
    type: str | None
    description: str | None


def fields_of(schema: Mapping[str, Any] | None) -> tuple[Field, ...]:
    """Read the columns of a schema facet.

    Most events repeat columns that were seen before, so results are cached.

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


def freeze(context: Context, fields: tuple[Field, ...]) -> int:
    """Return the shared value of columns as a version freezes them: unchanged from then on."""
    is_small = len(fields) <= MAX_INTERNED
    frozen = _frozen(fields) if is_small else _frozen.__wrapped__(fields)
    return shared.keep(context.connection, frozen)


@lru_cache(maxsize=1024)
def _frozen(fields: tuple[Field, ...]) -> bytes:
    tags: list[str] = []
    return _encode(
        [
            {"name": name, "type": kind, "description": text, "tags": tags}
            for name, kind, text in fields
        ]
    )


def rows_of(
    context: Context, dataset: DatasetRow, fields: tuple[Field, ...], done: Done
) -> Generator[None, None, int]:
    """Upsert columns; write nothing if the last mention had the same ones.

    Yields after every `PIECE` columns, so that the caller may commit. Returns the shared value that
    lists their rows, in the order of the fields.

    Raises:
        RefusedEventError: a name is too long.
    """
    key = _digest(fields) if len(fields) <= MAX_INTERNED else _digest.__wrapped__(fields)
    if key is None:
        ids = yield from _insert_untyped(context, dataset.id, fields, done)
        return shared.keep(context.connection, _encode(ids))
    if key == dataset.fields_key and dataset.field_ids is not None:
        return dataset.field_ids
    yield from _upsert(context, dataset.id, fields, done)
    ids = _ids(context, dataset.id, fields)
    dataset.fields_key, dataset.field_ids = key, shared.keep(context.connection, _encode(ids))
    return dataset.field_ids


@lru_cache(maxsize=1024)
def _digest(fields: tuple[Field, ...]) -> bytes | None:
    """Hash columns to compare them; None if one has no type, as that equals nothing.

    Raises:
        RefusedEventError: a name is too long.
    """
    if any(len(field.name) > MAX_FIELD_NAME for field in fields):
        raise refuse(f"a field's name must not be longer than {MAX_FIELD_NAME} characters")
    if any(field.type is None for field in fields):
        return None
    return hashlib.blake2b(_encode(fields), digest_size=16).digest()


def added(context: Context, stored: int | None, rows: int) -> int:
    """Add rows of columns to those of a version, each once; all three are shared values."""
    if stored == rows:
        return rows
    mapped = shared.load(context.connection, stored) or []
    ids = shared.load(context.connection, rows)
    new = sorted(set(ids).difference(mapped))
    if stored is not None and not new:
        return stored
    listed = [*mapped, *new]
    return rows if listed == ids else shared.keep(context.connection, _encode(listed))


def by_name(context: Context, fields: Sequence[Field], rows: int) -> dict[str, int]:
    """Return the rows of columns by name."""
    ids = shared.load(context.connection, rows)
    return {field.name: row for field, row in zip(fields, ids, strict=True)}


_UPSERT = (
    "INSERT INTO mq_fields (dataset, name, type, description) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (dataset, name, type) DO UPDATE SET description = excluded.description"
)


def _upsert(context: Context, dataset: int, fields: Sequence[Field], done: Done) -> Iterator[None]:
    """Upsert typed columns; repeating it changes nothing."""
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
