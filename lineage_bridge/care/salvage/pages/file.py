"""A database's file with its log, as numbered pages, whatever of both is damaged.

What the first hundred bytes say is believed only where something else agrees: the size of a page is
one at which there are pages, and how many there are is what the file has room for.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from typing import BinaryIO, Final, NamedTuple

from lineage_bridge.care.salvage.pages.log import SIZES, Log, read_at, read_log
from lineage_bridge.care.salvage.pages.page import decode_interior, decode_leaf

MAGIC: Final = b"SQLite format 3\x00"
_WRITABLE: Final = range(1, 3)  # versions of the format: without and with a log
USUAL_SIZE: Final = 4096
_LEAST_USABLE: Final = 480  # bytes of a page, by SQLite's own rule
_ENOUGH: Final = 8  # pages that make sense together do so by chance never


class Version(NamedTuple):
    """A version of a page.

    Attributes:
        number: of the page.
        age: of the transaction of the log that wrote it; 0 if it stands in the file itself.
        offset: how many bytes of the file, or of the log, stand before it.
    """

    number: int
    age: int
    offset: int


class Pages:
    """The pages of a database.

    Args:
        main: the file, open for reading.
        log: its write-ahead log, open for reading; None if there is none.

    Attributes:
        size: bytes of a page.
        usable: those that are used: all of them, unless a special build of SQLite made the file.
        count: how many pages there are.
        log: what was found in the log.
    """

    def __init__(self, main: BinaryIO, log: BinaryIO | None = None) -> None:
        self._main = main
        self._log_file = log
        length = main.seek(0, 2)
        found, usable = _page_size(main, length)
        self.log = Log() if log is None else read_log(log, found)
        self.size = self.log.page_size or found or USUAL_SIZE
        self.usable = usable if self.size == found else self.size
        self._in_main = -(-length // self.size)
        self.count = self.log.page_count or self._in_main

    def without_log(self) -> Pages:
        """Return the pages as they were before the log was begun, or as it was copied into them."""
        return Pages(self._main)

    @cached_property
    def header(self) -> bytes:
        """What the database says of itself; empty if it says nothing."""
        header = self.read(self.version(1))[:100]
        return header if header.startswith(MAGIC) else b""

    def version(self, number: int, age: int | None = None) -> Version | None:
        """Return the version of a page that a transaction left behind.

        Args:
            number: of the page.
            age: of the transaction; by default that of the last one that was committed.

        Returns:
            The version; None if it is damaged, or may have been overwritten.
        """
        log = self.log
        places = log.versions.get(number, ())
        for place in reversed(places):
            if log.age_of(place) <= (log.committed if age is None else age):
                return None if place in log.spoiled else self._in_log(number, place)
        if not places or log.age_of(places[0]) > log.committed:
            return self._in_file(number)
        return None  # a younger one was committed, and may have been copied into the file

    def _in_log(self, number: int, place: int) -> Version:
        return Version(number, self.log.age_of(place), place)

    def _in_file(self, number: int) -> Version:
        return Version(number, 0, (number - 1) * self.size)

    def read(self, version: Version | None) -> bytes:
        """Return a page, or as much of it as can be read."""
        if version is None or version.number < 1:
            return b""
        file = self._log_file if version.age else self._main
        return b"" if file is None else read_at(file, version.offset, self.size)

    def versions(self) -> Iterator[Version]:
        """Yield the versions in which each page may be read.

        That is what was committed last, and what was written after it. Where the log is broken,
        what was committed last is not known: those that were overwritten are among them.
        """
        log = self.log
        for number in range(1, self._in_main + 1):
            if log.is_broken or number not in log.versions:
                yield self._in_file(number)
        for number, places in log.versions.items():
            current = self.version(number)
            for version in [self._in_log(number, place) for place in places]:
                is_wanted = log.is_broken or version.age > log.committed or version == current
                if is_wanted and version.offset not in log.spoiled:
                    yield version


def header_problems(main: BinaryIO) -> Iterator[str]:
    """Yield what SQLite overlooks in the header of a database that has no log, when it reads it."""
    length = main.seek(0, 2)
    header = read_at(main, 0, 100)
    size = int.from_bytes(header[16:18], "big")
    pages = int.from_bytes(header[28:32], "big")
    is_counted = header[24:28] == header[92:96]
    if header.startswith(MAGIC) and header[18] not in _WRITABLE:
        yield "by its header it may only be read"
    if header.startswith(MAGIC) and size in SIZES and is_counted and length != size * pages:
        yield f"by its header it has {size * pages:,} bytes, and there are {length:,}"


def _page_size(main: BinaryIO, length: int) -> tuple[int, int]:
    """Return the bytes of a page, and how many of them are used: those that fit to most pages.

    Both are zero if no page makes sense, whatever its size.
    """
    said, reserved = (int.from_bytes(read_at(main, at, size)) for at, size in ((16, 2), (20, 1)))
    likely = [size for size in (65536 if said == 1 else said, USUAL_SIZE) if size in SIZES]
    best, found = 0, (0, 0)
    for size in dict.fromkeys([*likely, *SIZES]):
        for usable in {size, max(size - reserved, _LEAST_USABLE)}:
            sound = _count_sound(main, length, size, usable)
            if sound > best:
                best, found = sound, (size, usable)
        if best == _ENOUGH:
            break
    return found


def _count_sound(main: BinaryIO, length: int, size: int, usable: int) -> int:
    """Count the pages that make sense if they have this size, until there are enough of them."""
    pages = (
        (number, read_at(main, (number - 1) * size, size))
        for number in range(1, length // size + 1)
    )
    sound = (number for number, page in pages if _is_sound(page, number, usable))
    return len(list(islice(sound, _ENOUGH)))


def _is_sound(page: bytes, number: int, usable: int) -> bool:
    leaf = decode_leaf(page, number, usable)
    is_whole = leaf is not None and leaf.is_whole
    return is_whole or decode_interior(page, number, usable) is not None
