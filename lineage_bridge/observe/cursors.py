"""Cursors: which files were read, up to which byte, and whether they are still the same.

A file whose size, time and inode have not changed is not opened again. One that only grew is read
on from where it ended, if it has the same bytes at its start, at that end, and from its first
rejected line to its last. One that shrank, was replaced, or has other bytes there is read again
from its start, and so is one that was rewound. Paths are absolute and real, so a file is the same
through its folder, the folder's parent or a link. Cursors are saved in one transaction with the
results of reading.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

from lineage_bridge.adapters.lines import BadLines, BadPart, LineReader

SAMPLE_BYTES = 4096
PATHS_AT_ONCE = 500  # in one query
_COLUMNS = (
    "path, size, mtime_ns, inode, offset, lines, is_clean, fingerprint, version,"
    " bad_begin, bad_end, bad_digest"
)
REWOUND = -1  # a size that marks a file to be read again from its start


@dataclass(frozen=True, slots=True)
class Cursor:
    """A file that was read, its metadata, and how far it was read: `offset` and `lines`.

    `version` is the adapter's; a reader may use it to read files again after the adapter changed.
    `bad` is the part with the rejected lines; None if there are none, or it is not known.
    """

    path: str
    size: int
    mtime_ns: int
    inode: int
    offset: int = 0
    lines: int = 0
    is_clean: bool = True
    fingerprint: bytes = b""
    version: int = 1
    bad: BadPart | None = None

    @property
    def rewound_lines(self) -> int:
        """How many lines are to be read again; 0 if the file was not rewound."""
        return self.lines if self.size == REWOUND else 0

    def is_current(self, seen: os.stat_result) -> bool:
        """Return whether the file's metadata is the same as when it was read."""
        return (self.size, self.mtime_ns, self.inode) == (
            seen.st_size,
            seen.st_mtime_ns,
            seen.st_ino,
        )


def get(connection: sqlite3.Connection, path: str) -> Cursor | None:
    """Return the cursor of a file, or None if it was never read."""
    return get_all(connection, [path]).get(path)


def get_all(connection: sqlite3.Connection, paths: Sequence[str]) -> dict[str, Cursor]:
    """Return the cursors of files by path, without those that were never read."""
    found: dict[str, Cursor] = {}
    for begin in range(0, len(paths), PATHS_AT_ONCE):
        some = paths[begin : begin + PATHS_AT_ONCE]
        marks = ", ".join("?" * len(some))
        query = f"SELECT {_COLUMNS} FROM scanned_files WHERE path IN ({marks})"
        for (
            name,
            size,
            mtime_ns,
            inode,
            offset,
            lines,
            is_clean,
            fingerprint,
            version,
            *bad,
        ) in connection.execute(query, some):
            clean = bool(is_clean)
            part = None if bad[2] is None else BadPart(*bad)
            found[name] = Cursor(
                name, size, mtime_ns, inode, offset, lines, clean, fingerprint, version, part
            )
    return found


def put(connection: sqlite3.Connection, cursor: Cursor) -> None:
    """Save the cursor of a file."""
    put_all(connection, [cursor])


def put_all(connection: sqlite3.Connection, known: Iterable[Cursor]) -> None:
    """Save the cursors of several files."""
    connection.executemany(
        f"INSERT OR REPLACE INTO scanned_files ({_COLUMNS})"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                *(c.path, c.size, c.mtime_ns, c.inode, c.offset, c.lines, c.is_clean),
                *(c.fingerprint, c.version, *(c.bad or (None, None, None))),
            )
            for c in known
        ],
    )


def rewind(connection: sqlite3.Connection, paths: Iterable[str]) -> None:
    """Mark files to be read again from their start."""
    connection.executemany(
        "UPDATE scanned_files SET size = ? WHERE path = ?", [(REWOUND, path) for path in paths]
    )


def list_rewound(connection: sqlite3.Connection) -> list[str]:
    """List the files that are to be read again and still exist."""
    rows = connection.execute("SELECT path FROM scanned_files WHERE size = ?", (REWOUND,))
    return [path for (path,) in rows if os.path.exists(path)]  # noqa: PTH110 - paths are text here


class Resumed(NamedTuple):
    """Where to read on in a file.

    Attributes:
        offset: bytes that need not be read again.
        lines: lines in them.
        bad: the rejected lines among them.
    """

    offset: int
    lines: int
    bad: BadLines

    def reader(self, file: BinaryIO) -> LineReader:
        """Return a reader of the other lines."""
        return LineReader(file, self.offset, self.lines, bad=self.bad)


def resume(cursor: Cursor | None, file: BinaryIO) -> Resumed:
    """Return where to read on in an open file that changed.

    If a rejected line may have been mended, that is at its start.
    """
    start = Resumed(0, 0, BadLines())
    if cursor is None or not cursor.offset or cursor.rewound_lines:
        return start
    size = os.fstat(file.fileno()).st_size
    if size <= cursor.size or fingerprint(file, cursor.offset) != cursor.fingerprint:
        return start
    if cursor.is_clean:
        return Resumed(cursor.offset, cursor.lines, BadLines())
    if cursor.bad is None or cursor.bad.end > cursor.offset:
        return start
    bad = BadLines.again(file, cursor.bad, cursor.offset)
    return start if bad is None else Resumed(cursor.offset, cursor.lines, bad)


def fingerprint(file: BinaryIO, offset: int) -> bytes:
    """Hash the first and the last bytes before an offset."""
    file.seek(0)
    sample = file.read(min(SAMPLE_BYTES, offset))
    if offset > SAMPLE_BYTES:
        file.seek(max(SAMPLE_BYTES, offset - SAMPLE_BYTES))
        sample += file.read(min(SAMPLE_BYTES, offset - SAMPLE_BYTES))
    return hashlib.blake2b(sample, digest_size=8).digest()
