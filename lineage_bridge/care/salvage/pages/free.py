"""Which pages of a database are free: what stands on them was deleted, or moved elsewhere.

A database that can shrink bit by bit has a map of all pages; others have a list of the free ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Final

from lineage_bridge.care.salvage.pages.file import Pages, Version

_PENDING_BYTE: Final = 0x40000000  # the page that has it is never used
_ENTRY: Final = 5  # bytes of the map for a page: a kind and the number of its parent
_FREE: Final = 2
_KINDS: Final = range(1, 6)


class FreePages:
    """The free pages of a database, as far as they can be known.

    Attributes:
        is_known: False once it was asked about a page of which nothing tells whether it is free.
    """

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._maps: dict[int, tuple[int, bytes]] = {}
        self.is_known = True

    def __contains__(self, version: Version) -> bool:
        is_free = self._says(version)
        self.is_known = self.is_known and is_free is not None
        return is_free or False

    def is_used(self, version: Version) -> bool:
        """Return whether a page is known to be in use; False if nothing tells."""
        return self._says(version) is False

    def _says(self, version: Version) -> bool | None:
        """Return whether a page is free; None if nothing tells, or only what is older than it."""
        number = version.number
        if number <= 2:  # the first page, and the second: a map, or one that is never given back
            return False
        if not self._has_map:
            begin = self._pages.version(1)
            is_known = begin is not None and self._is_as_new(begin.age, version)
            return number in self._listed if is_known and self._listed is not None else None
        at = self._map_of(number)
        if number == at:
            return False
        age, entries = self._entries(at)
        if not entries or not self._is_as_new(age, version):
            return None
        return entries[_ENTRY * (number - at - 1)] == _FREE

    def _is_as_new(self, age: int, version: Version) -> bool:
        """Return whether what was written in a transaction can tell of a version of a page."""
        return age > version.age or (age == version.age and age not in self._pages.log.torn)

    def _entries(self, at: int) -> tuple[int, bytes]:
        """Return a page of the map with its age; empty unless it is sound."""
        if at not in self._maps:
            version = self._pages.version(at)
            page = self._pages.read(version)
            is_sound = version is not None and self._is_map(page, at)
            self._maps[at] = (version.age, page) if version and is_sound else (0, b"")
        return self._maps[at]

    def _read(self, number: int) -> bytes:
        return self._pages.read(self._pages.version(number))

    @cached_property
    def _has_map(self) -> bool:
        says_so = any(self._pages.header[52:56])
        return says_so or self._is_map(self._read(2), 2)

    @cached_property
    def _pending(self) -> int:
        return _PENDING_BYTE // self._pages.size + 1

    def _map_of(self, number: int) -> int:
        """Return the page of the map that tells of a page."""
        each = self._pages.usable // _ENTRY + 1
        found = (number - 2) // each * each + 2
        return found + 1 if found == self._pending else found

    def _is_map(self, page: bytes, at: int) -> bool:
        """Return whether a page has a sound entry for every page that it should tell of."""
        told = min(self._pages.count - at, self._pages.usable // _ENTRY)
        return len(page) >= _ENTRY * told > 0 and all(
            page[_ENTRY * i] in _KINDS or at + 1 + i == self._pending for i in range(told)
        )

    @cached_property
    def _listed(self) -> frozenset[int] | None:
        """The list of free pages; None unless there are as many as the database says."""
        header = self._pages.header
        found = frozenset(self._list(int.from_bytes(header[32:36], "big")))
        return found if header and len(found) == int.from_bytes(header[36:40], "big") else None

    def _list(self, trunk: int) -> Iterator[int]:
        for _ in range(self._pages.count):
            if not trunk:
                return
            page = self._read(trunk)
            leaves = int.from_bytes(page[4:8], "big")
            if leaves > self._pages.usable // 4 - 2:
                return
            yield trunk
            yield from (int.from_bytes(page[8 + 4 * i : 12 + 4 * i], "big") for i in range(leaves))
            trunk = int.from_bytes(page[:4], "big")
