"""The values of one row: a header with a type for each of them, then the values themselves."""

from __future__ import annotations

import struct

Value = None | int | float | bytes | str

_WIDTHS = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)  # bytes of a value by its type; types 10 and 11 are unused
_FLOAT, _ZERO, _ONE = 7, 8, 9
_FIRST_BLOB = 12  # even types are blobs, odd ones texts, of (type - 12) // 2 bytes


class MalformedError(ValueError):
    """These bytes are not what they should be."""


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """Read a number of one to nine bytes; return it, and where the next thing begins.

    Raises:
        MalformedError: the bytes end before the number does.
    """
    if at < len(data) and data[at] < 0x80:  # one byte, as nearly always
        return data[at], at + 1
    value = 0
    for i, byte in enumerate(data[at : at + 9]):
        if i == 8:
            return value << 8 | byte, at + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + i + 1
    raise MalformedError("a number is cut off")


def decode_record(payload: bytes) -> list[Value]:
    """Decode the values of a row.

    Raises:
        MalformedError: it is no row, to the byte.
    """
    at, _ = read_varint(payload, 0)
    values: list[Value] = []
    for kind in types_of(payload):
        end = at + _width(kind)
        values.append(_value(kind, payload[at:end]))
        at = end
    if at != len(payload):
        raise MalformedError("a row is longer or shorter than its values")
    return values


def types_of(payload: bytes) -> list[int]:
    """Return the types of a row's values; the beginning of the row is enough for that.

    Raises:
        MalformedError: it begins like no row.
    """
    end, at = read_varint(payload, 0)
    if not at <= end <= len(payload):
        raise MalformedError("the header of a row has no sound length")
    types = []
    while at < end:
        kind, at = read_varint(payload, at)
        types.append(kind)
    if at != end:
        raise MalformedError("the header of a row is cut off")
    return types


def is_text(kind: int) -> bool:
    """Return whether a type is that of a text."""
    return kind > _FIRST_BLOB and kind % 2 == 1


def is_blob(kind: int) -> bool:
    """Return whether a type is that of a blob."""
    return kind >= _FIRST_BLOB and kind % 2 == 0


def is_integer(kind: int) -> bool:
    """Return whether a type is that of a whole number."""
    return 0 < kind < _FLOAT or kind in {_ZERO, _ONE}


def _width(kind: int) -> int:
    if kind >= _FIRST_BLOB:
        return (kind - _FIRST_BLOB) // 2
    if kind >= len(_WIDTHS):
        raise MalformedError("a value has a type that does not exist")
    return _WIDTHS[kind]


def _value(kind: int, data: bytes) -> Value:
    if kind >= _FIRST_BLOB:
        return data if kind % 2 == 0 else _text(data)
    if kind == 0:
        return None
    if kind in {_ZERO, _ONE}:
        return kind - _ZERO
    if kind == _FLOAT:
        return float(struct.unpack(">d", data)[0]) if len(data) == 8 else None
    return int.from_bytes(data, "big", signed=True)


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as exc:
        raise MalformedError("a text is not UTF-8") from exc
