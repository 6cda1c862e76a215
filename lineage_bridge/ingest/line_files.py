"""Read the new lines of files that are read by lines, such as deployment events, part by part."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from lineage_bridge.adapters.files import open_file
from lineage_bridge.adapters.lines import BadLines, LineReader
from lineage_bridge.errors import ArtifactError
from lineage_bridge.ingest import memory
from lineage_bridge.ingest.found import Found
from lineage_bridge.ingest.read import read_line
from lineage_bridge.observe import cursors, quarantine
from lineage_bridge.observe.cursors import Cursor, Resumed
from lineage_bridge.observe.quarantine import FileRejections
from lineage_bridge.records import Record

PART_LINES: Final = 5_000
PART_SECONDS: Final = 2.0


@dataclass(slots=True)
class LinesReading:
    """One part of the new lines of a file.

    Attributes:
        before: the cursor before this part.
        after_line: how many lines before this part were not read again.
        cursor: how far the file was read, None if it cannot be opened.
        bad_lines: where in the file the rejected lines are, to go on from.
        is_last: whether the file was read to its end.
        is_lost: whether another process read the file meanwhile, so that its results count.
    """

    found: Found
    before: Cursor | None
    bad: FileRejections
    after_line: int = 0
    cursor: Cursor | None = None
    bad_lines: BadLines | None = None
    records: list[Record] = field(default_factory=list)
    is_last: bool = True
    is_lost: bool = False

    def save(self, connection: sqlite3.Connection) -> bool:
        """Save records, rejections and the cursor together; return whether there are records."""
        self.is_lost = cursors.get(connection, self.found.path) != self.before
        if self.is_lost:
            return False
        if self.cursor is None:
            quarantine.put(connection, self.bad.rows())
            return False
        memory.keep_lines(connection, self.records)
        cursors.put(connection, self.cursor)
        quarantine.put_lines(connection, self.bad, after_line=self.after_line)
        return bool(self.records)


def read_lines(found: Found, before: Cursor | None, *, again: bool) -> LinesReading | None:
    """Read the first part of what is new in a file; None if it did not change.

    Args:
        found: the file.
        before: how far it was read.
        again: read it from its start, even if it was read before.
    """
    is_outdated = before is not None and before.version != found.adapter.version
    known = None if again or is_outdated else before
    if known is not None and _is_current(found, known):
        return None
    return _read(found, before, lambda file: cursors.resume(known, file))


def read_on(part: LinesReading) -> LinesReading | None:
    """Read the part after one that was saved; None if there is no more, or the file has changed."""
    if part.is_last or part.is_lost or part.cursor is None:
        return None
    return _read(part.found, part.cursor, lambda file: _following(part, file))


def _is_current(found: Found, known: Cursor) -> bool:
    try:
        return known.is_current(found.seen or os.lstat(found.path))
    except OSError:
        return False


def _following(part: LinesReading, file: BinaryIO) -> Resumed | None:
    """Return where the part after another one begins; None if the file was replaced."""
    end = part.cursor
    assert end is not None
    if cursors.fingerprint(file, end.offset) != end.fingerprint:
        return None  # it will be read again
    return Resumed(end.offset, end.lines, part.bad_lines or BadLines())


def _read(
    found: Found, before: Cursor | None, resume: Callable[[BinaryIO], Resumed | None]
) -> LinesReading | None:
    reading = LinesReading(found, before, FileRejections(found.path, found.family))
    try:
        with open_file(found.path, found.root) as file:
            resumed = resume(file)
            if resumed is None:
                return None
            reading.after_line, reading.bad_lines = resumed.lines, resumed.bad
            reading.cursor = _read_open(file, reading, resumed.reader(file))
    except ArtifactError as exc:
        reading.bad.add(exc)
    except OSError as exc:
        reading.bad.add(ArtifactError(f"cannot be read: {exc.strerror or exc}"))
    return reading


def _read_open(file: BinaryIO, reading: LinesReading, reader: LineReader) -> Cursor:
    seen = os.fstat(file.fileno())
    is_whole = _read_some(reader, reading)
    return Cursor(
        reading.found.path,
        # A part ends where it ends, so the file is not taken for read.
        seen.st_size if reading.is_last else reader.offset,
        seen.st_mtime_ns,
        seen.st_ino,
        reader.offset,
        reader.number,
        is_clean=is_whole and reader.bad.part() is None,
        fingerprint=cursors.fingerprint(file, reader.offset),
        version=reading.found.adapter.version,
        bad=reader.bad.part(),
    )


def _read_some(reader: LineReader, reading: LinesReading) -> bool:
    """Read a part; return whether the file as a whole can be read."""
    is_whole = True
    deadline = time.monotonic() + PART_SECONDS
    try:
        for count, (number, line) in enumerate(reader, start=1):
            try:
                if line:
                    reading.records += read_line(reading.found, number, line)
            except ArtifactError as exc:
                reading.bad.add(ArtifactError(exc.reason, field=exc.field, line=number))
                reader.reject()
            if count >= PART_LINES or time.monotonic() >= deadline:
                reading.is_last = False
                break
    except ArtifactError as exc:
        is_whole = False
        reading.bad.add(exc)
    for problem in reader.problems:
        reading.bad.add(problem, is_passing=problem.line == reader.unfinished)
    return is_whole
