"""Rows that are the same in every column, found by hashes of eight bytes a row."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from lineage_bridge.profiles.arrow import plain
from lineage_bridge.profiles.keys import BITS, Keys, mixed


def hashes_of(columns: Mapping[str, Any]) -> Keys | None:
    """Hash each row of some columns, as Arrow arrays; None if their values cannot be compared.

    Raises:
        pyarrow.ArrowException: an array cannot be read.
    """
    hashes: Keys | None = None
    for name in sorted(columns):
        values = _values(plain(columns[name]))
        if values is None:
            return None
        if hashes is None:
            hashes = np.zeros(len(values), dtype=np.uint64)
        hashes = mixed(hashes ^ values)
    return hashes


def count_repeats(hashes: Iterable[Keys]) -> int:
    """Count the rows of which an earlier one has the same hash."""
    parts = list(hashes)
    rows = np.concatenate(parts) if parts else np.zeros(0, dtype=np.uint64)
    return len(rows) - len(np.unique(rows))


def _values(array: Any) -> Keys | None:
    """Turn each value into a number of 64 bits, the same for the same value; None of nested ones.

    Null and NaN are one, as are 0.0 and -0.0.
    """
    kind = array.type
    if types.is_null(kind):
        return np.zeros(len(array), dtype=np.uint64)
    if types.is_nested(kind):
        return None
    if types.is_floating(kind):
        numbers = array.cast(pa.float64()).to_numpy(zero_copy_only=False)
        return mixed(np.where(np.isnan(numbers), np.nan, numbers + 0.0).view(np.uint64))
    if types.is_integer(kind):
        return _whole(array.cast(pa.uint64() if types.is_uint64(kind) else pa.int64()))
    if types.is_temporal(kind):
        whole = array.view(pa.int64() if kind.bit_width == BITS else pa.int32())
        return _whole(whole.cast(pa.int64()))
    return _coded(array)


def _whole(array: Any) -> Keys:
    numbers: Keys = array.fill_null(0).to_numpy(zero_copy_only=False).view(np.uint64)
    is_null: Keys = array.is_null().to_numpy(zero_copy_only=False).astype(np.uint64)
    return mixed(numbers + np.uint64(1)) * (np.uint64(1) - is_null)


def _coded(array: Any) -> Keys:
    """Hash each different value once."""
    coded = pc.dictionary_encode(array)
    values = coded.dictionary
    if types.is_string(values.type) or types.is_large_string(values.type):
        values = values.cast(pa.large_binary())  # a file may say that they are UTF-8 when not
    hashes = np.array([*map(_hash, values.to_pylist()), 0], dtype=np.uint64)
    codes = coded.indices.cast(pa.int64()).fill_null(len(values))
    found: Keys = hashes[codes.to_numpy(zero_copy_only=False)]
    return found


def _hash(value: object) -> int:
    raw = value if isinstance(value, bytes) else repr(value).encode()
    return int.from_bytes(hashlib.blake2b(raw, digest_size=8).digest(), "big")
