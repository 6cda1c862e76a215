"""Values that many rows share, each stored once: schemas, large facets, what columns are made from.

A job that runs every minute says the same of its datasets every minute. Each run makes new versions
of them, as in Marquez, but a version has only the numbers of what was said. A value that no row has
any more stays until the tables are derived anew, which pruning and `journal rebuild` do.
"""

from __future__ import annotations

import hashlib
import sqlite3
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from lineage_bridge.collector.dialect.encoding import Packed
from lineage_bridge.collector.dialect.merging import Value, Values

INLINE_BYTES = 2048  # a facet up to this size stays in its row
_PACKED_BYTES = 512  # a value over this size is deflated, if that makes it smaller
_ASKED = 100  # values that are looked up at once
_LEVEL = 1  # 100 MB a second; JSON shrinks to a tenth
_PACKED = b"x"  # the first byte of what zlib writes, with which no JSON begins

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def keep(connection: sqlite3.Connection, content: bytes) -> int:
    """Return the number of a value, which is JSON; store it if nobody has said it before."""
    return keep_all(connection, [content])[0]


def keep_all(connection: sqlite3.Connection, contents: Sequence[bytes]) -> list[int]:
    """Return the numbers of values, and store those that nobody has said before."""
    digests = [hashlib.blake2b(content, digest_size=16).digest() for content in contents]
    known: dict[bytes, int] = {}
    for begin in range(0, len(digests), _ASKED):
        asked = digests[begin : begin + _ASKED]
        marks = ", ".join("?" * len(asked))
        rows = connection.execute(
            f"SELECT digest, id FROM mq_shared WHERE digest IN ({marks})", asked
        )
        known.update(rows.fetchall())
    for digest, content in zip(digests, contents, strict=True):
        if digest not in known:
            cursor = connection.execute(
                "INSERT INTO mq_shared (digest, content) VALUES (?, ?)", (digest, _pack(content))
            )
            known[digest] = int(cursor.lastrowid or 0)
    return [known[digest] for digest in digests]


def _pack(content: bytes) -> bytes:
    if len(content) > _PACKED_BYTES:
        packed = zlib.compress(content, _LEVEL)
        if len(packed) < len(content):
            return packed
    return content


def unpack(content: bytes) -> bytes:
    """Return the JSON of a value, from its column `content`."""
    return zlib.decompress(content) if content.startswith(_PACKED) else content


def read(connection: sqlite3.Connection, numbers: Collection[int]) -> dict[int, bytes]:
    """Read the columns `content` of values, by number; `unpack` gives their JSON."""
    if not numbers:
        return {}
    rows = connection.execute(
        "SELECT id, content FROM mq_shared WHERE id IN (SELECT value FROM json_each(?))",
        (_encode(sorted(numbers)).decode(),),
    )
    return dict(rows.fetchall())


def load(connection: sqlite3.Connection, number: int | None) -> Any:
    """Decode one value; None if there is none."""
    if number is None:
        return None
    (content,) = connection.execute(
        "SELECT content FROM mq_shared WHERE id = ?", (number,)
    ).fetchone()
    return _decode(unpack(content))


def hold(connection: sqlite3.Connection, facets: Mapping[str, Any]) -> Values:
    """Encode facets as they are stored; large ones are stored here, and have a number there."""
    held = {}
    for name, facet in facets.items():
        encoded = _encode(facet)
        if len(encoded) > INLINE_BYTES:
            number = keep(connection, encoded)
            held[name] = Value(msgspec.Raw(str(number).encode()), is_shared=True)
        else:
            held[name] = Value(msgspec.Raw(encoded))
    return held


def as_shown(content: bytes) -> msgspec.Raw | Packed:
    """Return a value for an answer, which unpacks it while it is encoded."""
    return Packed(content) if content.startswith(_PACKED) else msgspec.Raw(content)


Shown = dict[str, msgspec.Raw | Packed]  # facets as an answer shows them, by name


def show(connection: sqlite3.Connection, facets: Iterable[Values]) -> list[Shown]:
    """Return stored facets as answers show them; equal large ones are in memory once."""
    listed = list(facets)
    numbers = {_number(value) for held in listed for value in held.values() if value.is_shared}
    contents = show_numbered(connection, numbers)
    return [
        {
            name: contents[_number(value)] if value.is_shared else value.json
            for name, value in held.items()
        }
        for held in listed
    ]


def show_numbered(
    connection: sqlite3.Connection, numbers: Collection[int]
) -> dict[int, msgspec.Raw | Packed]:
    """Return values as answers show them, by number."""
    return {number: as_shown(content) for number, content in read(connection, numbers).items()}


def _number(value: Value) -> int:
    return int(bytes(value.json))
