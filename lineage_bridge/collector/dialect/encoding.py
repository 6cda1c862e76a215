"""JSON of answers: at once, or of a long list bit by bit."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec


class Packed:
    """JSON that stays deflated until the answer that shows it is encoded."""

    __slots__ = ("_content",)

    def __init__(self, content: bytes) -> None:
        self._content = content

    def raw(self) -> msgspec.Raw:
        """Return the JSON itself."""
        return msgspec.Raw(zlib.decompress(self._content))


encode = msgspec.json.Encoder(enc_hook=Packed.raw).encode


def encode_list(name: str, items: Iterable[Iterable[bytes]], **others: Any) -> Iterator[bytes]:
    """Yield the JSON of an object with a list, a part of an item at a time.

    Args:
        name: of the list.
        items: the JSON of each item, in parts.
        others: the other members of the object.
    """
    yield encode({**others, name: []})[:-2]
    for number, item in enumerate(items):
        if number:
            yield b","
        yield from item
    yield b"]}"
