"""Read a file of events line by line, plain or gzip, with bounded memory.

A file may be cut off or damaged: what comes before that is read, and `broken` says the rest.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from lineage_bridge.adapters.lines import format_of
from lineage_bridge.errors import ArtifactError

MAX_LINE_BYTES = 64 * 1024 * 1024
BLOCK_BYTES = 256 * 1024
GZIP_SUFFIX = ".gz"
_GZIP = b"\x1f\x8b"
_GZIP_BITS = 31  # zlib reads gzip's header and checks its sum
_HEAD_BYTES = 16
_BOM = b"\xef\xbb\xbf"
_BLANK = b" \t\r\n"

# Takes the number of a line that is too long, and its parts, all of which it must read.
TakeLong = Callable[[int, Iterable[bytes]], None]


class EventLines:
    """The lines of an open file, without their ends; blank ones are left out.

    Args:
        file: open for reading bytes, at its beginning; a pipe will do.
        name: of the file, for messages and by its suffix.
        take_long: is handed each line that has more than `MAX_LINE_BYTES`.

    Attributes:
        number: of the line that was read last.
        broken: why the file could not be read to its end; None if it could.
    """

    def __init__(self, file: BinaryIO, name: str, take_long: TakeLong) -> None:
        self.number = 0
        self.broken: str | None = None
        self._file = file
        self._name = name
        self._take_long = take_long

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """Yield (number from 1, line).

        Raises:
            ArtifactError: the file as a whole is no text, or cannot be read at all.
        """
        parts: list[bytes] = []
        size = 0
        blocks = self._unbroken(self._text())
        left = b""
        while block := left or next(blocks, b""):
            *ended, rest = block.split(b"\n")
            for end in ended:
                yield from self._line([*parts, end], size + len(end))
                parts, size = [], 0
            parts.append(rest)
            size += len(rest)
            left = b""
            if size > MAX_LINE_BYTES:
                left = self._skip(parts, blocks)
                parts, size = [], 0
        if size:
            yield from self._line(parts, size)

    def _line(self, parts: list[bytes], size: int) -> Iterator[tuple[int, bytes]]:
        self.number += 1
        if size > MAX_LINE_BYTES:
            self._take_long(self.number, parts)
            return
        line = b"".join(parts).removeprefix(_BOM).strip(_BLANK)
        if line:
            yield self.number, line

    def _skip(self, parts: list[bytes], blocks: Iterator[bytes]) -> bytes:
        """Hand over a line that is too long, as it is read; return what follows its end."""
        left = b""

        def all_parts() -> Iterator[bytes]:
            nonlocal left
            yield from parts
            for block in blocks:
                end, is_end, left = block.partition(b"\n")
                yield end
                if is_end:
                    return

        self.number += 1
        self._take_long(self.number, all_parts())
        return left

    def _unbroken(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Yield blocks up to where the file breaks off; a file that begins so is an error."""
        any_read = False
        try:
            for block in blocks:
                any_read = True
                yield block
        except (OSError, EOFError, zlib.error) as exc:
            reason = f"it is damaged ({exc})" if isinstance(exc, zlib.error) else str(exc)
            if not any_read:
                raise ArtifactError(f"Cannot read `{self._name}`: {reason}.") from exc
            self.broken = reason

    def _text(self) -> Iterator[bytes]:
        head = self._file.read(_HEAD_BYTES)
        blocks: Iterator[bytes] = chain((head,) if head else (), iter(self._read, b""))
        if head.startswith(_GZIP):
            blocks = _inflated(blocks)
            head = next(blocks, b"")
            blocks = chain((head,), blocks)
        elif Path(self._name).suffix == GZIP_SUFFIX:
            raise EOFError("it is empty") if not head else OSError("Not a gzipped file")
        self._check(head)
        yield from blocks

    def _read(self) -> bytes:
        # What a pipe has now is read at once: its writer may wait for long before it goes on.
        read = getattr(self._file, "read1", self._file.read)
        return bytes(read(BLOCK_BYTES))

    def _check(self, head: bytes) -> None:
        found = format_of(head) or ("binary" if b"\0" in head[:4] else None)
        if found is not None:
            raise ArtifactError(
                f"Cannot read `{self._name}`: the file is {found}; expected UTF-8 text, one event "
                "on each line."
            )


def _inflated(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the content of gzip members, one after the other; zeros may pad the file.

    Raises:
        EOFError: the last member is not complete.
        zlib.error: a member is damaged, or something else follows.
    """
    member, is_begun = zlib.decompressobj(_GZIP_BITS), False
    for block in blocks:
        rest = block if is_begun else block.lstrip(b"\0")
        while rest:
            is_begun = True
            yield from filter(None, (member.decompress(rest, BLOCK_BYTES),))
            rest = member.unconsumed_tail
            if member.eof:
                rest = member.unused_data.lstrip(b"\0")
                member, is_begun = zlib.decompressobj(_GZIP_BITS), False
    if is_begun:
        yield from filter(None, (member.flush(),))
        if not member.eof:
            raise EOFError("it is cut off")
