"""Where reading ended: which files were read, up to which byte, and if they are still the same.

A file whose size, time and inode are as they were is not opened again. One that only grew is read
on from where it ended. One that shrank, was replaced, or holds other bytes where it was read before
is read again from its start, and so is one that was rewound. Paths are absolute and real, so a
folder, its parent, and a link to it are the same files. Cursors change in one transaction with what
is remembered of what was read.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

SAMPLE_BYTES = 4096
_COLUMNS = "path, size, mtime_ns, inode, offset, lines, is_clean, fingerprint, version"
REWOUND = -1  # as the size: no file is like that


@dataclass(frozen=True, slots=True)
class Cursor:
    """What is known of a file that was read; `offset` and `lines` say how far.

    `version` is that of the adapter, for whoever has its files read again when that is raised.
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

    @property
    def rewound_lines(self) -> int:
        """How many lines are to be read once more; 0 if the file was not rewound."""
        return self.lines if self.size == REWOUND else 0

    def is_current(self, seen: os.stat_result) -> bool:
        """Is the file, by its metadata, as it was when it was read?"""
        return (self.size, self.mtime_ns, self.inode) == (
            seen.st_size,
            seen.st_mtime_ns,
            seen.st_ino,
        )


def get(connection: sqlite3.Connection, path: str) -> Cursor | None:
    """The cursor of a file, or None if it was never read."""
    query = f"SELECT {_COLUMNS} FROM scanned_files WHERE path = ?"
    row = connection.execute(query, (path,)).fetchone()
    if row is None:
        return None
    name, size, mtime_ns, inode, offset, lines, is_clean, fingerprint, version = row
    clean = bool(is_clean)
    return Cursor(name, size, mtime_ns, inode, offset, lines, clean, fingerprint, version)


def put(connection: sqlite3.Connection, cursor: Cursor) -> None:
    """Keep how far a file was read."""
    put_all(connection, [cursor])


def put_all(connection: sqlite3.Connection, known: Iterable[Cursor]) -> None:
    """Keep how far several files were read."""
    connection.executemany(
        f"INSERT OR REPLACE INTO scanned_files ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                *(c.path, c.size, c.mtime_ns, c.inode, c.offset, c.lines, c.is_clean),
                *(c.fingerprint, c.version),
            )
            for c in known
        ],
    )


def list_paths(connection: sqlite3.Connection) -> list[str]:
    """Every file that was read."""
    return [path for (path,) in connection.execute("SELECT path FROM scanned_files ORDER BY path")]


def rewind(connection: sqlite3.Connection, paths: Iterable[str]) -> None:
    """Have files read again from their start."""
    connection.executemany(
        "UPDATE scanned_files SET size = ? WHERE path = ?", [(REWOUND, path) for path in paths]
    )


def list_rewound(connection: sqlite3.Connection) -> list[str]:
    """The files that are to be read again, as far as they are still there."""
    rows = connection.execute("SELECT path FROM scanned_files WHERE size = ?", (REWOUND,))
    return [path for (path,) in rows if os.path.exists(path)]  # noqa: PTH110 - paths are text here


def resume(cursor: Cursor | None, file: BinaryIO) -> tuple[int, int]:
    """Where to read on in an open file that changed: (offset, lines before it).

    A file with a rejected line is read again from its start, since that line may have been mended.
    """
    if cursor is None or not cursor.is_clean or not cursor.offset or cursor.rewound_lines:
        return 0, 0
    size = os.fstat(file.fileno()).st_size
    if size <= cursor.size or fingerprint(file, cursor.offset) != cursor.fingerprint:
        return 0, 0
    return cursor.offset, cursor.lines


def fingerprint(file: BinaryIO, offset: int) -> bytes:
    """A hash of the first and the last bytes before an offset."""
    file.seek(0)
    sample = file.read(min(SAMPLE_BYTES, offset))
    if offset > SAMPLE_BYTES:
        file.seek(max(SAMPLE_BYTES, offset - SAMPLE_BYTES))
        sample += file.read(min(SAMPLE_BYTES, offset - SAMPLE_BYTES))
    return hashlib.blake2b(sample, digest_size=8).digest()
