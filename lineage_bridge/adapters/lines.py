"""Read the lines of a file that may still grow, from a byte offset, with bounded memory.

A last line without a line end is read if it is a whole JSON object by itself. If not, its writer
was killed or is still writing: it is reported as unfinished, and the offset stays before it, so
that it is read when it is complete. A file that is no JSONL at all (compressed, binary, one array,
one document over many lines) is reported once, as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

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
_PRETTY: Final = re.compile(rb"[\[{][ \t]*\r?\n\s*[\"{]")


@dataclass(slots=True)
class LineReader:
    """The complete lines of an open file, without their ends; blank ones are left out.

    Attributes:
        file: open for reading bytes, at any position.
        offset: where to begin; afterwards the end of the last complete line.
        number: how many lines are before the offset, also afterwards.
        problems: lines that cannot be read, each with its number.
        unfinished: the number of a last line that waits for its end, or None.
    """

    file: BinaryIO
    offset: int = 0
    number: int = 0
    problems: list[ArtifactError] = field(default_factory=list)
    unfinished: int | None = None

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
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                self.number += 1
                self.offset += len(line) + 1
                if len(line) > MAX_LINE_BYTES:
                    self._reject_long()
                    continue
                text = self._text(line)
                if text:
                    yield self.number, text
            if len(rest) > MAX_LINE_BYTES:
                self._skip_long(len(rest))
                rest = b""
        if rest:
            yield from self._last(rest)

    def _text(self, line: bytes) -> bytes:
        if self.number == 1 and line.startswith(_BOM):
            line = line[len(_BOM) :]
        return line.strip(_BLANK)

    def _last(self, line: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield a last line without a line end if it is complete; else report it as unfinished."""
        self.number += 1
        text = self._text(line)
        if not text or is_object(text):
            self.offset += len(line)
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

    def _skip_long(self, length: int) -> None:
        """Skip the rest of a line that is too long; reading goes on right after its end.

        Raises:
            ArtifactError: it is so long that looking for its end could take hours.
        """
        while block := self.file.read(BLOCK_BYTES):
            end = block.find(b"\n")
            if end >= 0:
                length += end + 1
                break
            length += len(block)
            if length > MAX_SKIPPED_BYTES:
                raise ArtifactError(
                    f"has over {MAX_SKIPPED_BYTES // 2**20:,} MiB, expected one JSON object; "
                    "the rest of the file is not read",
                    line=self.number + 1,
                )
        self.number += 1
        self.offset += length
        self.file.seek(self.offset)
        self._reject_long()

    def _reject_long(self) -> None:
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
        raise ArtifactError(f"the file is {name}; expected text, one JSON object on each line")
    if b"\x00" in head:
        raise ArtifactError("the file is binary; expected text, one JSON object on each line")
    text = head.removeprefix(_BOM).lstrip()
    if _PRETTY.match(text):
        raise ArtifactError(
            "the file is one JSON document over many lines; expected one object on each line "
            "(`jq -c .` makes that of it)"
        )
    if _ARRAY.match(text):
        raise ArtifactError(
            "the file is one JSON array; expected one object on each line (`jq -c '.[]'` makes "
            "that of it)"
        )
