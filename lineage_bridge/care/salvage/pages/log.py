"""The sound pages of a write-ahead log, also behind a damaged one.

A log is a header and frames, each a page with a checksum over all frames before it. SQLite stops at
the first frame whose checksum is wrong. Here each frame is checked by the checksum that the frame
before it has, so one that is damaged costs itself, and the next one if it was the checksum.
"""

from __future__ import annotations

import struct
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

HEADER: Final = 32
FRAME_HEADER: Final = 24
SIZES: Final = (512, 1024, 2048, 4096, 8192, 16384, 32768, 65536)  # that a page can have
_MAGIC: Final = 0x377F0682  # the last bit says in which order the bytes of checksums are
_VERSION: Final = 3007000
_MASK: Final = 0xFFFFFFFF

Sums = tuple[int, int]


@dataclass(slots=True)
class Log:
    """What was found in a log.

    A transaction is known by its age: the first is 1, and what is in no log has age 0.

    Attributes:
        page_size: in bytes; 0 without any sound frame.
        versions: page -> places of its versions, the oldest first.
        spoiled: places of versions that are damaged.
        commits: the place of the last page of each transaction.
        torn: ages of transactions that are damaged; each may be several, whose ends are lost.
        page_count: of the database by the last commit; 0 without one.
        is_broken: something before the last commit is damaged: newer versions may be missing.
        broken: the places of the frames that are; none where it is the header.
        is_cut: what follows the last commit is of one without a sound end: a process was killed in
            the middle of it, or the log is damaged there.
    """

    page_size: int = 0
    versions: dict[int, list[int]] = field(default_factory=dict)
    spoiled: set[int] = field(default_factory=set)
    commits: list[int] = field(default_factory=list)
    torn: set[int] = field(default_factory=set)
    page_count: int = 0
    is_broken: bool = False
    broken: set[int] = field(default_factory=set)
    is_cut: bool = False

    @property
    def committed(self) -> int:
        """The age of the last transaction that was committed."""
        return len(self.commits)

    def age_of(self, place: int) -> int:
        """Return the age of the transaction that wrote the version at a place."""
        return 1 + bisect_left(self.commits, place)


@dataclass(frozen=True, slots=True)
class _Frame:
    place: int
    page: int
    commit: int  # pages of the database after this commit; 0 if the transaction goes on
    salt: bytes
    sums: Sums


@dataclass(frozen=True, slots=True)
class _Generation:
    """What the frames have in common that were written since the log was last begun anew."""

    page_size: int
    is_big: bool
    salt: bytes
    sums: Sums | None  # that the first frame's checksum goes on from; None if they are lost


def read_log(file: BinaryIO, page_size: int = 0) -> Log:
    """Read a log.

    Args:
        file: open for reading.
        page_size: of the database, if it is known: used where the log's own header is damaged.
    """
    size = file.seek(0, 2)
    if not size:
        return Log()
    generation = _of_header(read_at(file, 0, HEADER)) or _of_frames(file, size, page_size)
    if generation is None:  # the log of no database
        return Log(is_broken=True)
    log = Log(generation.page_size, is_broken=generation.sums is None)
    _read(log, file, size, generation)
    return log


def read_at(file: BinaryIO, place: int, size: int) -> bytes:
    """Read so many bytes, or as many as there are; none if they cannot be read."""
    try:
        file.seek(place)
        return file.read(size)
    except OSError:  # a bad sector
        return b""


def _of_header(header: bytes) -> _Generation | None:
    header = header.ljust(HEADER, b"\0")
    magic, version, page_size = struct.unpack_from(">III", header)
    is_big = bool(magic & 1)
    stored: Sums = struct.unpack_from(">II", header, 24)
    if magic & ~1 != _MAGIC or version != _VERSION or page_size not in SIZES:
        return None
    if _sums(header[:24], (0, 0), is_big=is_big) != stored:
        return None
    return _Generation(page_size, is_big, header[16:24], stored)


def _of_frames(file: BinaryIO, size: int, page_size: int) -> _Generation | None:
    """Find out from the frames what the header should say: the first two that fit together."""
    for candidate in [page_size] if page_size else SIZES:
        before: _Frame | None = None
        for frame in _frames(file, size, candidate):
            if before is not None and before.salt == frame.salt and frame.page:
                data = _data(file, frame, candidate)
                for is_big in (False, True):
                    if _sums(data, before.sums, is_big=is_big) == frame.sums:
                        return _Generation(candidate, is_big, frame.salt, None)
            before = frame
    return None


def _read(log: Log, file: BinaryIO, size: int, generation: _Generation) -> None:
    sums = generation.sums
    damaged: set[int] = set()  # since the last commit
    for frame in _frames(file, size, generation.page_size):
        before, sums = sums, frame.sums
        if frame.salt != generation.salt:  # left from before, unless frames of now follow
            damaged.add(frame.place)
            continue
        log.is_cut = True
        data = _data(file, frame, generation.page_size)
        place = frame.place + FRAME_HEADER
        log.versions.setdefault(frame.page, []).append(place)
        if not frame.page or before is None or not _fits(data, before, frame, generation):
            damaged.add(frame.place)
            log.spoiled.add(place)
        elif frame.commit:
            log.commits.append(place)
            log.page_count = frame.commit
            if damaged:
                log.is_broken = True
                log.broken |= damaged
                log.torn.add(log.committed)
            log.is_cut, damaged = False, set()


def _fits(data: bytes, before: Sums, frame: _Frame, generation: _Generation) -> bool:
    return _sums(data, before, is_big=generation.is_big) == frame.sums


def _frames(file: BinaryIO, size: int, page_size: int) -> Iterator[_Frame]:
    for place in range(HEADER, size - FRAME_HEADER - page_size + 1, FRAME_HEADER + page_size):
        head = read_at(file, place, FRAME_HEADER).ljust(FRAME_HEADER, b"\0")
        page, commit = struct.unpack_from(">II", head)
        yield _Frame(place, page, commit, head[8:16], struct.unpack_from(">II", head, 16))


def _data(file: BinaryIO, frame: _Frame, page_size: int) -> bytes:
    """Read what a frame's checksum is about: the beginning of its header, and its page."""
    length = FRAME_HEADER + page_size
    data = read_at(file, frame.place, length).ljust(length, b"\0")
    return data[:8] + data[FRAME_HEADER:]


def _sums(data: bytes, before: Sums, *, is_big: bool) -> Sums:
    words = array("I", data)
    if is_big != (sys.byteorder == "big"):
        words.byteswap()
    first, second = before
    for one, other in _pairs(words):
        first = (first + one + second) & _MASK
        second = (second + other + first) & _MASK
    return first, second


def _pairs(words: Iterable[int]) -> Iterator[tuple[int, int]]:
    each = iter(words)
    return zip(each, each, strict=True)
