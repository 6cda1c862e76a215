"""Read the lines of a file that may still grow, from a byte offset, with bounded memory.

A last line without a line end is read if it is a whole JSON object by itself. If not, its writer
was killed or is still writing: it is reported as unfinished, and the offset stays before it, so
that it is read when it is complete. A file that is no JSONL at all (compressed, binary, one array,
one document over many lines) is reported once, as a whole.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final, NamedTuple, Self

import orjson

from lineage_bridge.errors import ArtifactError

MAX_LINE_BYTES: Final = 16 * 1024 * 1024
MAX_SKIPPED_BYTES: Final = 1024**3  # of one line, which may be a file's hole of any size
BLOCK_BYTES: Final = 1024 * 1024
HEAD_BYTES: Final = 4096

_BOM: Final = b"\xef\xbb\xbf"
_BLANK: Final = b" \t\r\n"
_BINARY: Final = {
    b"\x1f\x8b": "gzip",
    b"PAR1": "Parquet",
    b"PK\x03\x04": "ZIP",
    b"SQLite format 3\x00": "SQLite",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"BZh": "bzip2",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
_ARRAY: Final = re.compile(rb"\[\s*\{")
_LINES: Final = re.compile(rb"\n+|[^\n]+\n")  # a line, or empty ones in a row
_PRETTY: Final = re.compile(rb"[\[{][ \t]*\r?\n\s*[\"{]")


class BadPart(NamedTuple):
    """The part of a file from its first rejected line to the end of its last one.

    While these bytes stay as they are, no line in them was mended.

    Attributes:
        begin: where it begins.
        end: where it ends.
        digest: of the bytes between.
    """

    begin: int
    end: int
    digest: bytes


class BadLines:
    """Finds the bad part of a file while its lines are read: hashes them from the first bad one."""

    def __init__(self) -> None:
        self._begin = self._end = 0
        self._hash: hashlib.blake2b | None = None
        self._until_last: hashlib.blake2b | None = None

    @classmethod
    def again(cls, file: BinaryIO, part: BadPart, offset: int) -> Self | None:
        """Go on from an offset behind a part, None if the part is not as it was."""
        found = cls()
        found.open(part.begin)
        file.seek(part.begin)
        found._feed_until(part.end, file)
        found.close(part.end)
        if found.part() != part:
            return None
        found._feed_until(offset, file)
        return found

    def _feed_until(self, end: int, file: BinaryIO) -> None:
        while block := file.read(min(BLOCK_BYTES, end - file.tell())):
            self.feed(block)

    def open(self, begin: int) -> None:
        """Begin with what comes next, unless a line was rejected before."""
        if self._hash is None:
            self._begin, self._hash = begin, hashlib.blake2b(digest_size=16)

    def feed(self, content: bytes) -> None:
        """Take the next bytes of the file."""
        if self._hash is not None:
            self._hash.update(content)

    def reject(self, line: bytes, end: int) -> None:
        """Note that the line that ends here, and was taken last, is rejected."""
        if self._hash is None:
            self.open(end - len(line))
            self.feed(line)
        self.close(end)

    def close(self, end: int) -> None:
        """Note that what was taken until here ends with a rejected line."""
        assert self._hash is not None
        self._end, self._until_last = end, self._hash.copy()

    def part(self) -> BadPart | None:
        """Return the part, None if no line was rejected."""
        if self._until_last is None:
            return None
        return BadPart(self._begin, self._end, self._until_last.digest())


@dataclass(slots=True)
class LineReader:
    """The complete lines of an open file, without their ends; blank ones are left out.

    Where nothing but blank lines is found in a block, an empty line is given, so that whoever reads
    may do something else now and then.

    Attributes:
        file: open for reading bytes, at any position.
        offset: where to begin; afterwards the end of the last complete line.
        number: how many lines are before the offset, also afterwards.
        problems: lines that cannot be read, each with its number.
        unfinished: the number of a last line that waits for its end, or None.
        bad: knows the part of the file with lines that cannot be read, or that were rejected.
    """

    file: BinaryIO
    offset: int = 0
    number: int = 0
    problems: list[ArtifactError] = field(default_factory=list)
    unfinished: int | None = None
    bad: BadLines = field(default_factory=BadLines)
    _line: bytes = b""

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """Yield (line number from 1, line).

        Raises:
            ArtifactError: the file as a whole is no JSONL.
        """
        self.file.seek(0)
        if self.offset == 0:
            check_head(self.file.read(HEAD_BYTES))
        self.file.seek(self.offset)
        rest = b""
        while block := self.file.read(BLOCK_BYTES):
            found = rest + block
            end = found.rfind(b"\n") + 1
            is_blank = end > 0 and not found[:end].strip(_BLANK)
            for line in _LINES.findall(found, 0, end):
                if text := self._next(line):
                    yield self.number, text
            rest = found[end:]
            if len(rest) > MAX_LINE_BYTES:
                self._skip_long(rest)
                rest = b""
            if is_blank:
                yield self.number, b""
        if rest:
            yield from self._last(rest)

    def reject(self) -> None:
        """Note that whoever reads has rejected the last line."""
        self.bad.reject(self._line, self.offset)

    def _next(self, line: bytes) -> bytes:
        """Take a line with its end, or the ends of blank lines; return its text."""
        self._line = line
        self.offset += len(line)
        self.bad.feed(line)
        if line.startswith(b"\n"):
            self.number += len(line)
            return b""
        self.number += 1
        if len(line) > MAX_LINE_BYTES + 1:
            self.reject()
            self._say_long()
            return b""
        return self._text(line)

    def _text(self, line: bytes) -> bytes:
        if self.number == 1 and line.startswith(_BOM):
            line = line[len(_BOM) :]
        return line.strip(_BLANK)

    def _last(self, line: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield a last line without a line end if it is complete; else report it as unfinished."""
        self.number += 1
        text = self._text(line)
        if not text or is_object(text):
            self._line = line
            self.offset += len(line)
            self.bad.feed(line)
            if text:
                yield self.number, text
            return
        self.unfinished = self.number
        self.problems.append(
            ArtifactError(
                "the last line is not finished; it will be read again when it is complete",
                line=self.number,
            )
        )
        self.number -= 1

    def _skip_long(self, line: bytes) -> None:
        """Skip the rest of a line that is too long; reading goes on right after its end.

        Raises:
            ArtifactError: it is so long that looking for its end could take hours.
        """
        self.bad.open(self.offset)
        self.bad.feed(line)
        length = len(line)
        while block := self.file.read(BLOCK_BYTES):
            end = block.find(b"\n") + 1
            part = block[:end] if end else block
            self.bad.feed(part)
            length += len(part)
            if end:
                break
            if length > MAX_SKIPPED_BYTES:
                raise ArtifactError(
                    f"has over {MAX_SKIPPED_BYTES // 2**20:,} MiB, expected one JSON object; "
                    "the rest of the file is not read",
                    line=self.number + 1,
                )
        self.number += 1
        self.offset += length
        self.bad.close(self.offset)
        self.file.seek(self.offset)
        self._say_long()

    def _say_long(self) -> None:
        self.problems.append(
            ArtifactError(
                f"the line has over {MAX_LINE_BYTES // 1024**2} MiB; expected one JSON object",
                line=self.number,
            )
        )


def is_object(text: bytes) -> bool:
    """Return whether a text is one whole JSON object."""
    if not text.startswith(b"{") or not text.endswith(b"}"):
        return False
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def format_of(head: bytes) -> str | None:
    """Return the name of a file's format by its first bytes; None for what may be UTF-8 text."""
    return next((name for magic, name in _BINARY.items() if head.startswith(magic)), None)


def check_head(head: bytes) -> None:
    """Check the beginning of a file.

    Raises:
        ArtifactError: the file is compressed, binary, or JSON other than one object a line.
    """
    name = format_of(head)
    if name is not None:
        raise ArtifactError(f"is {name}; expected text, one JSON object on each line")
    if b"\x00" in head:
        raise ArtifactError("is binary; expected text, one JSON object on each line")
    text = head.removeprefix(_BOM).lstrip()
    if _PRETTY.match(text):
        raise ArtifactError(
            "is one JSON document over many lines; expected one object on each line "
            "(`jq -c .` makes that of it)"
        )
    if _ARRAY.match(text):
        raise ArtifactError(
            "is one JSON array; expected one object on each line (`jq -c '.[]'` makes that of it)"
        )
