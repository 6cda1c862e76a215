"""Values as Arrow has them, whatever their type, as a column of a profile.

A type is compared as what it means, not as how it is stored: text in a dictionary is text, a
decimal is a number, 1 as an integer is 1.0. Only whole numbers beyond 2^53 lose their last digits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from lineage_bridge.profiles.column import WHOLE, Column, Limits
from lineage_bridge.profiles.keys import Floats
from lineage_bridge.profiles.labels import Labels
from lineage_bridge.profiles.points import Points

LONGEST_TYPE: Final = 200  # characters of a type's name; that of a nested one has no end
MICROSECONDS: Final = {"s": 1e6, "ms": 1e3, "us": 1.0, "ns": 1e-3}
_DAY_US: Final = 86_400e6
_LARGEST_EXACT: Final = 2.0**53  # a float has no more bits for a whole number


def column_of(array: Any, limits: Limits = WHOLE) -> Column:
    """Make a column of an Arrow array.

    Raises:
        pyarrow.ArrowException: the array cannot be read.
    """
    array = plain(array)
    kind = array.type
    present = array.drop_null()
    if types.is_null(kind) or not len(array):
        return Column(types=_names(kind))
    if _is_time(kind):
        instants = Points.of(instants_of(present), limits.points)
        return Column(len(present), instants=instants, types=_names(kind))
    if _is_number(kind):
        column = _numbers(_floats(present), limits, _names(kind))
        if types.is_int64(kind) or types.is_uint64(kind):
            return replace(column, numbers=column.numbers.exact_below(_LARGEST_EXACT))
        return column
    if types.is_boolean(kind) or _is_text(kind):
        labels = Labels.of(_label_counts(present), limits.labels)
        return Column(len(present), labels=labels, types=_names(kind))
    return Column(len(present), others=len(present), types=_names(kind))


def is_time_type(kind: Any) -> bool:
    """Return whether values of an Arrow type are dates or timestamps."""
    return _is_time(kind.value_type if types.is_dictionary(kind) else kind)


def instants_of(array: Any) -> Floats:
    """Return dates or timestamps in microseconds since 1970-01-01; NaN where one is null."""
    array, kind = plain(array), plain(array).type
    if types.is_date(kind):
        is_days = types.is_date32(kind)
        whole = array.view(pa.int32() if is_days else pa.int64())
        factor = _DAY_US if is_days else MICROSECONDS["ms"]
    else:
        whole, factor = array.view(pa.int64()), MICROSECONDS[kind.unit]
    # As floats, since a whole number of microseconds ends in the year 294,000.
    return _as_floats(whole) * factor


def plain(array: Any) -> Any:
    """Undo what is only an encoding."""
    if isinstance(array, pa.ExtensionArray):
        return plain(array.storage)
    if types.is_dictionary(array.type) and not _is_any(_BYTES, array.type.value_type):
        return plain(array.dictionary_decode())
    if types.is_run_end_encoded(array.type):
        return plain(pc.run_end_decode(array))
    return array


def _numbers(values: Floats, limits: Limits, names: frozenset[str]) -> Column:
    is_nan = np.isnan(values)
    nans = int(is_nan.sum())
    known = values[~is_nan] if nans else values
    infinities = int(np.isinf(known).sum())
    points = Points.of(known, limits.points)
    return Column(len(values), nans=nans, infinities=infinities, numbers=points, types=names)


def _floats(present: Any) -> Floats:
    kind = present.type
    if types.is_decimal(kind):
        return _as_floats(pc.cast(present, pa.float64(), safe=False))
    if types.is_time(kind) or types.is_duration(kind):
        whole = present.view(pa.int32() if types.is_time32(kind) else pa.int64())
        return _as_floats(whole) * MICROSECONDS[kind.unit] / MICROSECONDS["s"]
    return _as_floats(present)


def _as_floats(array: Any) -> Floats:
    values: Floats = array.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
    return values


def _label_counts(present: Any) -> Iterator[tuple[str, int]]:
    found = pc.value_counts(present)
    labels, counts = found.field("values"), found.field("counts").to_pylist()
    if types.is_dictionary(labels.type):
        labels = labels.dictionary_decode()
    if types.is_boolean(labels.type):
        return zip(
            ("true" if label else "false" for label in labels.to_pylist()), counts, strict=True
        )
    # Read as bytes, since a file may say that they are UTF-8 when they are not.
    raw = labels.cast(pa.large_binary()).to_pylist()
    return zip((text.decode("utf-8", "backslashreplace") for text in raw), counts, strict=True)


def _is_text(kind: Any) -> bool:
    if types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return _is_any(_TEXTS, kind)


_TEXTS: Final[tuple[Callable[[Any], bool], ...]] = (
    types.is_string,
    types.is_large_string,
    types.is_string_view,
)
_BYTES: Final = (*_TEXTS, types.is_binary, types.is_large_binary)
_TIMES: Final[tuple[Callable[[Any], bool], ...]] = (types.is_timestamp, types.is_date)
_NUMBERS: Final[tuple[Callable[[Any], bool], ...]] = (
    types.is_floating,
    types.is_integer,
    types.is_decimal,
    types.is_time,
    types.is_duration,
)


def _is_number(kind: Any) -> bool:
    return _is_any(_NUMBERS, kind)


def _is_time(kind: Any) -> bool:
    return _is_any(_TIMES, kind)


def _is_any(of: tuple[Callable[[Any], bool], ...], kind: Any) -> bool:
    return any(is_one(kind) for is_one in of)


def _names(kind: Any) -> frozenset[str]:
    if types.is_null(kind):
        return frozenset()
    text = str(kind.value_type if types.is_dictionary(kind) else kind)
    return frozenset({text if len(text) <= LONGEST_TYPE else f"{text[:LONGEST_TYPE]}…"})
