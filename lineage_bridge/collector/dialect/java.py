"""Texts, URIs and bodies as Marquez's Java reads them (Jackson, `java.net.URI`)."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

import msgspec

from lineage_bridge.collector.dialect.errors import invalid, unreadable
from lineage_bridge.events import text_of as text

__all__ = ["decode", "is_uri", "text"]

_URI = re.compile(
    r"(?:[A-Za-z][A-Za-z0-9+.\-]*:)?(?:[^\x00-\x20\"<>\\^`{|}%#\x7f]|%[0-9A-Fa-f]{2})*"
    r"(?:#(?:[^\x00-\x20\"<>\\^`{|}%#\x7f]|%[0-9A-Fa-f]{2})*)?"
)
_decode = msgspec.json.decode


def decode(body: bytes) -> tuple[Any, bytes]:
    """Decode the first JSON value of a body; return it with its own bytes.

    Raises:
        ApiError: the body does not begin with a JSON value, or is empty.
    """
    try:
        return _decode(body), body
    except msgspec.DecodeError:
        pass
    except RecursionError as exc:
        raise unreadable("the body is nested too deeply") from exc
    try:
        content = body.decode("utf-8-sig").lstrip(" \t\r\n")
        if not content:
            raise invalid("The request body must not be null")
        _, end = json.JSONDecoder(parse_constant=_no_constant).raw_decode(content)
    except (ValueError, RecursionError) as exc:
        raise unreadable(f"the body cannot be read: {exc}") from exc
    first = content[:end].encode()
    try:
        return _decode(first), first
    except msgspec.DecodeError as exc:
        raise unreadable(f"the body cannot be read: {exc}") from exc


def _no_constant(name: str) -> Any:
    raise ValueError(f"unexpected {name}")


@lru_cache(maxsize=4096)
def is_uri(value: str) -> bool:
    """Return whether `java.net.URI` would accept a text."""
    return _URI.fullmatch(value) is not None
