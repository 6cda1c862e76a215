"""Requests and labels that the home keeps: labels come for days, and a request counts once.

Of a request its id's hash, its time, its answer and its probability are kept, some twenty bytes:
enough to join a label with it whenever that comes, and to know it again in another file.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
import numpy as np

from lineage_bridge.inference.labels import LabelLines, LabelPart
from lineage_bridge.inference.requests import Requests, Told
from lineage_bridge.inference.seen import Seen
from lineage_bridge.observe.logs.hours import Answered, known_number, number_of

_LEVEL: Final = 1  # of zlib: more is much slower and hardly smaller


class _Told(msgspec.Struct, array_like=True):
    numbers: bytes
    texts: bytes
    names: list[str]


class _Requests(msgspec.Struct, array_like=True):
    ids: bytes | None
    at_us: bytes
    answers: _Told
    chances: bytes
    labels: _Told
    groups: _Told | None = None


class _Labels(msgspec.Struct, array_like=True):
    ids: bytes
    known_us: bytes
    labels: _Told


def add_requests(
    connection: sqlite3.Connection,
    file: int,
    answered: Answered,
    requests: Requests,
    label_days: float,
) -> None:
    """Keep requests that a file brought, within a transaction."""
    ids = requests.ids
    body = _Requests(
        None if ids is None else _bytes(ids, "<u8"),
        _bytes(np.diff(requests.at_us, prepend=0), "<i8"),  # neighbours are near each other
        _of_told(requests.answers),
        _bytes(requests.chances, "<f8"),
        _of_told(requests.labels),
        None if requests.groups is None else _of_told(requests.groups),
    )
    connection.execute(
        "INSERT INTO log_requests (served, file, label_days, body) VALUES (?, ?, ?, ?)",
        (number_of(connection, answered), file, label_days, _packed(body)),
    )


def add_labels(connection: sqlite3.Connection, file: int, part: LabelPart) -> None:
    """Keep labels that a file brought, within a transaction."""
    body = _Labels(_bytes(part.ids, "<u8"), _bytes(part.known_us, "<f8"), _of_told(part.labels))
    connection.execute("INSERT INTO log_labels (file, body) VALUES (?, ?)", (file, _packed(body)))


def add_duplicates(
    connection: sqlite3.Connection, file: int, rows: Mapping[tuple[Answered, int], int]
) -> None:
    """Count rows of a file, by who answered and by the day, that did not count as requests."""
    for (answered, day_us), count in rows.items():
        connection.execute(
            "INSERT INTO log_duplicates (served, file, day_us, rows) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET rows = rows + excluded.rows",
            (number_of(connection, answered), file, day_us, count),
        )


def forget_rows(connection: sqlite3.Connection, file: int) -> None:
    """Delete the requests and labels that a file brought."""
    connection.execute("DELETE FROM log_duplicates WHERE file = ?", (file,))
    connection.execute("DELETE FROM log_requests WHERE file = ?", (file,))
    connection.execute("DELETE FROM log_labels WHERE file = ?", (file,))


def requests_of(
    connection: sqlite3.Connection, answered: Answered
) -> Iterator[tuple[Requests, float]]:
    """Yield the requests of a version, some at a time, each with the days that labels have."""
    rows = connection.execute(
        "SELECT body, label_days FROM log_requests WHERE served = ? ORDER BY number",
        (known_number(connection, answered),),
    )
    for body, label_days in rows:
        shape = _unpacked(body, _Requests)
        yield (
            Requests(
                None if shape.ids is None else _array(shape.ids, "<u8"),
                np.cumsum(_array(shape.at_us, "<i8")),
                _read_told(shape.answers),
                _array(shape.chances, "<f8"),
                _read_told(shape.labels),
                None if shape.groups is None else _read_told(shape.groups),
            ),
            label_days,
        )


def label_lines(connection: sqlite3.Connection) -> LabelLines:
    """Return all labels, in the order of their files' paths and of their lines."""
    lines = LabelLines()
    rows = connection.execute(
        "SELECT l.body FROM log_labels l JOIN log_files f ON f.number = l.file"
        " ORDER BY f.path, l.number"
    )
    for (body,) in rows:
        shape = _unpacked(body, _Labels)
        told = _read_told(shape.labels)
        lines.extend(LabelPart(_array(shape.ids, "<u8"), _array(shape.known_us, "<f8"), told))
    return lines


def seen_in(connection: sqlite3.Connection) -> Seen:
    """Return the ids of all requests that are kept."""
    seen = Seen()
    for (body,) in connection.execute("SELECT body FROM log_requests"):
        ids = _unpacked(body, _Requests).ids
        if ids is not None:
            seen.add(_array(ids, "<u8"))
    return seen


def _of_told(told: Told) -> _Told:
    return _Told(_bytes(told.numbers, "<f8"), _bytes(told.texts, "<i4"), [*told.names])


def _read_told(shape: _Told) -> Told:
    return Told(_array(shape.numbers, "<f8"), _array(shape.texts, "<i4"), tuple(shape.names))


def _bytes(array: Any, dtype: str) -> bytes:
    written: bytes = array.astype(dtype).tobytes()
    return written


def _array(written: bytes, dtype: str) -> Any:
    return np.frombuffer(written, dtype=dtype).astype(dtype[1:])


def _packed(shape: msgspec.Struct) -> bytes:
    return zlib.compress(msgspec.msgpack.encode(shape), _LEVEL)


def _unpacked(body: bytes, shape: Any) -> Any:
    return msgspec.msgpack.decode(zlib.decompress(body), type=shape)
