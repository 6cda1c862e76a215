"""The ids that Marquez computes from names and content: the same on every server, part of its API.

All are UUIDs of version 3 without a namespace (the MD5 of a text), except for parents that are
named by a URL-like text. Source: `marquez.common.Utils`, `OpenLineageDao.runToUuid`. The ids of
rows, which are random in Marquez, are made from the journal's sequence numbers, so that they are
the same after a rebuild.
"""

from __future__ import annotations

import hashlib
import operator
import re
import uuid
from collections.abc import Collection, Iterable
from functools import lru_cache, partial

from lineage_bridge.events.run_ids import dashed, java_uuid, name_uuid

_STRICT_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

MAX_KEPT = 256  # columns of one dataset; the text of more columns is not cached

_IS_NONE = partial(operator.is_, None)

FieldKey = tuple[str, str | None, str | None]
DatasetName = tuple[str, str]


def row_uuid(seq: int, purpose: str) -> str:
    """Make the id of a row that an event created: unique to the event and the purpose.

    The web UI shows eight characters of an id, so these have to tell rows apart: the first four
    count events, the other four are of the hash. Rows of one time are neighbours in an index of
    such ids, which therefore costs little to write.
    """
    text = f"{seq}\n{purpose}".encode(errors="replace")
    digest = bytearray(hashlib.md5(text, usedforsecurity=False).digest())
    digest[:2] = (seq & 0xFFFF).to_bytes(2, "big")
    digest[6] = (digest[6] & 0x0F) | 0x80
    digest[8] = (digest[8] & 0x3F) | 0x80
    return dashed(digest.hex())


def strict_uuid(text: str) -> str | None:
    """Return a UUID of 36 characters in lower case; None if the text has another form."""
    return text.lower() if _STRICT_UUID.fullmatch(text) else None


def parent_run_uuid(namespace: str, job: str, run_id: str) -> str:
    """Return a parent run's UUID; an id that is none is hashed with the job up to its last dot."""
    return java_uuid(run_id) or url_uuid(f"{namespace}.{job.rpartition('.')[0] or job}.{run_id}")


def url_uuid(text: str) -> str:
    """Compute the version 3 UUID of a text in the URL namespace."""
    return str(uuid.uuid3(uuid.NAMESPACE_URL, text))


def dataset_version(
    namespace: str,
    source: str,
    name: str,
    physical_name: str,
    fields: tuple[FieldKey, ...],
    lifecycle: str,
    run: str | None,
) -> str:
    """Compute a dataset's version from its names, its content and its run, if it has one."""
    parts = [namespace, source, name, physical_name, columns_text(fields), lifecycle, run]
    return name_uuid(":".join(part for part in parts if part is not None))


def columns_text(fields: tuple[FieldKey, ...]) -> str:
    """Write the columns of a dataset as they go into the hash of its version."""
    return _columns_text(fields) if len(fields) <= MAX_KEPT else _columns_text.__wrapped__(fields)


@lru_cache(maxsize=1024)
def _columns_text(fields: tuple[FieldKey, ...]) -> str:
    distinct = {(field, kind.upper() if kind else kind, text) for field, kind, text in fields}
    return _joined(distinct)


def schema_version(namespace: str, name: str, fields: tuple[FieldKey, ...]) -> str:
    """Compute the version of a dataset's schema alone."""
    text = _schema_text(fields) if len(fields) <= MAX_KEPT else _schema_text.__wrapped__(fields)
    return name_uuid(f"{namespace}:{name}:{text}")


@lru_cache(maxsize=1024)
def _schema_text(fields: tuple[FieldKey, ...]) -> str:
    pairs = {(field, kind) for field, kind, _ in fields}
    return _joined(pairs)


def _joined(rows: Collection[tuple[str | None, ...]]) -> str:
    """Sort rows in Java's order, and join all their parts by colons."""
    parts = [part for row in rows for part in row if part is not None]
    if all(map(str.isascii, parts)) and len({tuple(map(_IS_NONE, row)) for row in rows}) == 1:
        # If all rows lack the same parts, Python's order is Java's.
        present = [[part for part in row if part is not None] for row in rows]
        return ":".join([":".join(row) for row in sorted(present)])
    ordered = sorted(rows, key=lambda row: [_java_order(part) for part in row])
    return ":".join(":".join(part for part in row if part is not None) for row in ordered)


def job_version(
    namespace: str,
    name: str,
    inputs: Iterable[DatasetName],
    outputs: Iterable[DatasetName],
    location: str | None,
) -> str:
    """Compute a job's version from the datasets that it reads and writes and its code's place."""
    parts = [namespace, name, _flat(inputs), _flat(outputs), location]
    return name_uuid(":".join(part for part in parts if part is not None))


def _flat(datasets: Iterable[DatasetName]) -> str:
    ordered = sorted(set(datasets), key=lambda names: [_java_order(name) for name in names])
    return ":".join(f"{namespace}:{name}" for namespace, name in ordered)


def _java_order(text: str | None) -> str:
    # Java compares UTF-16 code units, and a null comes first.
    if text is None:
        return ""
    return "\0" + (text if text.isascii() else _code_units(text))


def _code_units(text: str) -> str:
    encoded = text.encode("utf-16-be", "surrogatepass")
    return "".join(
        chr(high << 8 | low) for high, low in zip(encoded[::2], encoded[1::2], strict=True)
    )
