"""Texts, URIs and bodies as Marquez's Java reads them (Jackson, `java.net.URI`)."""

from __future__ import annotations

import json
import re
import sys
from functools import lru_cache
from typing import Any

import msgspec

from lineage_bridge.collector.dialect.errors import coded, invalid, unreadable
from lineage_bridge.events import text_of as text

__all__ = ["decode", "is_uri", "text"]

_URI = re.compile(
    r"(?:[A-Za-z][A-Za-z0-9+.\-]*:)?(?:[^\x00-\x20\"<>\\^`{|}%#\x7f]|%[0-9A-Fa-f]{2})*"
    r"(?:#(?:[^\x00-\x20\"<>\\^`{|}%#\x7f]|%[0-9A-Fa-f]{2})*)?"
)
_BLANKS = " \t\r\n"
_MANY_DIGITS = b"0" * (sys.float_info.max_10_exp + 1)  # a number with fewer is small enough
_DIGITS_ALIKE = bytes(ord("0") if chr(byte).isdecimal() else byte for byte in range(128)) + bytes(
    128
)
_TOO_LARGE = "the body holds a number that is too large"
_decode = msgspec.json.decode


def decode(body: bytes) -> tuple[Any, bytes]:
    """Decode a body: one JSON value in UTF-8, which may stand behind a byte order mark.

    Marquez reads the first value and drops the rest, and it reads numbers, bytes and characters
    that nothing after it can hold. Those are answered 400 here, so that what is accepted is whole.

    Returns:
        The value, and the body without its mark.

    Raises:
        ApiError: the body is empty, is no JSON, or holds what JSON readers do not agree about.
    """
    try:
        value = _decode(body)
    except RecursionError as exc:
        raise unreadable("the body is nested too deeply") from exc
    except (msgspec.DecodeError, UnicodeDecodeError):
        body = _only_value(body)
        value = _decode_bounded(body)
    if _MANY_DIGITS in body.translate(_DIGITS_ALIKE):
        _check_numbers(value)
    return value, body


def _decode_bounded(body: bytes) -> Any:
    try:
        return _decode(body)
    except msgspec.ValidationError as exc:
        raise coded(400, _TOO_LARGE) from exc
    except msgspec.DecodeError as exc:
        raise coded(400, "the body holds half of a surrogate pair, which is no character") from exc


def _only_value(body: bytes) -> bytes:
    """Return the JSON value that is the body, or say why it is none."""
    try:
        content = body.decode("utf-8-sig").strip(_BLANKS)
    except UnicodeDecodeError as exc:
        raise coded(400, f"the body is not UTF-8 (byte {exc.start})") from exc
    if not content:
        raise invalid("The request body must not be null")
    try:
        _, end = json.JSONDecoder(parse_constant=_no_constant).raw_decode(content)
    except (json.JSONDecodeError, RecursionError) as exc:
        raise unreadable(f"the body cannot be read: {exc}") from exc
    except ValueError as exc:
        raise coded(400, _TOO_LARGE) from exc
    if content[end:].strip(_BLANKS):
        raise coded(400, f"the body goes on after its JSON (character {end}): send one at a time")
    return content.encode()


def _no_constant(name: str) -> Any:
    raise json.JSONDecodeError(f"unexpected {name}", name, 0)


def _check_numbers(value: Any) -> None:
    """Refuse whole numbers that no float can hold: most readers of JSON make one of them."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
        elif isinstance(item, int) and abs(item) > sys.float_info.max:
            raise coded(400, _TOO_LARGE)


@lru_cache(maxsize=4096)
def is_uri(value: str) -> bool:
    """Return whether `java.net.URI` would accept a text."""
    return _URI.fullmatch(value) is not None
