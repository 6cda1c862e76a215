"""A profile as bytes: one zlib stream of MessagePack.

Numbers of a column take most of the room. Of ascending keys the differences are stored, all first
bytes, then all second ones and so on: neighbours share their first bytes, so those are zeros. Of a
million normal numbers 0.15 MB are kept, of a column of few different values next to nothing.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np

from lineage_bridge.profiles.column import Column
from lineage_bridge.profiles.keys import Keys
from lineage_bridge.profiles.labels import Labels
from lineage_bridge.profiles.points import Points
from lineage_bridge.profiles.profile import Blocks, Part, Profile, RowKeys

_LEVEL: Final = 1  # of zlib: more is much slower and hardly smaller
_KEY_BYTES: Final = 8


class _Points(msgspec.Struct, array_like=True):
    level: int
    last: int
    number: int
    firsts: bytes  # differences, byte by byte
    count_bytes: int  # of each count
    counts: bytes
    singles: bytes  # a bit each


class _Labels(msgspec.Struct, array_like=True):
    total: int
    counts: dict[str, int]
    overflows: bool


class _Column(msgspec.Struct, array_like=True):
    values: int
    nans: int
    infinities: int
    others: int
    numbers: _Points | None
    instants: _Points | None
    labels: _Labels | None
    types: list[str]


class _Part(msgspec.Struct, array_like=True):
    rows: int
    columns: dict[str, _Column]


class _Profile(msgspec.Struct, array_like=True):
    whole: _Part
    entity: str | None
    time: str | None
    days_a_period: int
    periods: dict[int, _Part]
    blocks: bytes | None
    notes: list[str]


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_Profile)


def encode(profile: Profile) -> bytes:
    """Write a profile as bytes; the same profile gives the same bytes."""
    blocks = profile.blocks
    shape = _Profile(
        _part(profile.whole),
        profile.keys.entity,
        profile.keys.time,
        profile.days_a_period,
        {number: _part(part) for number, part in sorted(profile.periods.items())},
        None if blocks is None else _shuffled(blocks.hashes),
        sorted(profile.notes),
    )
    return zlib.compress(_ENCODER.encode(shape), _LEVEL)


def decode(body: bytes) -> Profile:
    """Read a profile from its bytes.

    Raises:
        ValueError: they are not those of a profile.
    """
    try:
        shape = _DECODER.decode(zlib.decompress(body))
    except (zlib.error, msgspec.DecodeError) as exc:
        raise ValueError(f"no profile: {exc}") from exc
    return Profile(
        _read_part(shape.whole),
        RowKeys(shape.entity, shape.time),
        shape.days_a_period,
        {number: _read_part(part) for number, part in shape.periods.items()},
        None if shape.blocks is None else Blocks(_unshuffled(shape.blocks)),
        frozenset(shape.notes),
    )


def _part(part: Part) -> _Part:
    return _Part(part.rows, {name: _column(column) for name, column in part.columns.items()})


def _read_part(shape: _Part) -> Part:
    columns: Mapping[str, Column] = {n: _read_column(c) for n, c in shape.columns.items()}
    return Part(shape.rows, columns)


def _column(column: Column) -> _Column:
    labels = column.labels
    return _Column(
        column.values,
        column.nans,
        column.infinities,
        column.others,
        _points(column.numbers),
        _points(column.instants),
        _Labels(labels.total, dict(labels.counts), labels.overflows) if labels.total else None,
        sorted(column.types),
    )


def _read_column(shape: _Column) -> Column:
    said = shape.labels
    return Column(
        shape.values,
        shape.nans,
        shape.infinities,
        shape.others,
        _read_points(shape.numbers),
        _read_points(shape.instants),
        Labels() if said is None else Labels(said.total, said.counts, said.overflows),
        frozenset(shape.types),
    )


def _points(points: Points) -> _Points | None:
    if not len(points.firsts):
        return None
    dtype = np.min_scalar_type(int(points.counts.max()))
    return _Points(
        points.level,
        points.last,
        len(points.firsts),
        _shuffled(points.firsts),
        dtype.itemsize,
        points.counts.astype(dtype.newbyteorder("<")).tobytes(),
        np.packbits(points.singles).tobytes(),
    )


def _read_points(shape: _Points | None) -> Points:
    if shape is None:
        return Points.none()
    counts = np.frombuffer(shape.counts, dtype=f"<u{shape.count_bytes}").astype(np.int64)
    bits = np.unpackbits(np.frombuffer(shape.singles, dtype=np.uint8), count=shape.number)
    return Points(shape.level, _unshuffled(shape.firsts), counts, bits.astype(np.bool_), shape.last)


def _shuffled(keys: Keys) -> bytes:
    """Write ascending keys as their differences, the most significant bytes of all first."""
    differences = np.diff(keys, prepend=np.uint64(0)).astype(">u8")
    return differences.view(np.uint8).reshape(-1, _KEY_BYTES).T.tobytes()


def _unshuffled(written: bytes) -> Keys:
    planes = np.frombuffer(written, dtype=np.uint8).reshape(_KEY_BYTES, -1)
    differences = np.ascontiguousarray(planes.T).view(">u8").ravel()
    return np.cumsum(differences.astype(np.uint64), dtype=np.uint64)
