"""Read the new lines of files that are read by lines, such as deployment events, part by part."""

from __future__ import annotations

import os
import sqlite3
import time
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from lineage_bridge.adapters.files import open_file
from lineage_bridge.adapters.lines import LineReader
from lineage_bridge.errors import ArtifactError
from lineage_bridge.ingest import memory
from lineage_bridge.ingest.read import read_line
from lineage_bridge.ingest.scan import Found
from lineage_bridge.observe import cursors, quarantine
from lineage_bridge.observe.cursors import Cursor
from lineage_bridge.observe.quarantine import FileRejections
from lineage_bridge.records import Record

PART_LINES: Final = 5_000
PART_SECONDS: Final = 2.0


@dataclass(slots=True)
class LinesReading:
    """One part of the new lines of a file.

    Attributes:
        before: the cursor before this part.
        bad: the rejections of this part and of the ones before it.
        cursor: how far the file was read, None if it cannot be opened.
        told: how many rejections the parts before it have saved.
        is_first: whether it is the first part, which replaces all earlier rejections.
        is_last: whether the file was read to its end.
        is_lost: whether another process read the file meanwhile, so that its results count.
    """

    found: Found
    before: Cursor | None
    bad: FileRejections
    cursor: Cursor | None = None
    records: list[Record] = field(default_factory=list)
    told: int = 0
    is_first: bool = True
    is_last: bool = True
    is_lost: bool = False

    def save(self, connection: sqlite3.Connection) -> bool:
        """Save records, rejections and the cursor together; return whether there are records."""
        path = self.found.path
        self.is_lost = cursors.get(connection, path) != self.before
        if self.is_lost:
            return False
        if self.cursor is not None:
            if self.is_first:
                quarantine.forget(connection, path, family=self.found.family)
            memory.keep_lines(connection, self.records)
            cursors.put(connection, self.cursor)
        quarantine.put(connection, self.bad.listed(self.told))
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
    return _read(LinesReading(found, before, FileRejections(found.path, found.family)), known)


def read_on(part: LinesReading) -> LinesReading | None:
    """Read the part after one that was saved; None if there is no more, or the file has changed."""
    if part.is_last or part.is_lost or part.cursor is None:
        return None
    return _read(
        LinesReading(part.found, part.cursor, part.bad, told=len(part.bad), is_first=False),
        part.cursor,
    )


def _is_current(found: Found, known: Cursor) -> bool:
    try:
        return known.is_current(found.seen or os.lstat(found.path))
    except OSError:
        return False


def _read(reading: LinesReading, known: Cursor | None) -> LinesReading | None:
    found = reading.found
    try:
        with open_file(found.path, found.root) as file:
            if reading.is_first:
                offset, number = cursors.resume(known, file)
            elif known is None or cursors.fingerprint(file, known.offset) != known.fingerprint:
                return None  # it was replaced between two parts: it will be read again
            else:
                offset, number = known.offset, known.lines
            reading.cursor = _read_open(file, reading, LineReader(file, offset, number))
    except ArtifactError as exc:
        reading.bad.add(exc)
    except OSError as exc:
        reading.bad.add(ArtifactError(f"cannot be read: {exc.strerror or exc}"))
    return reading


def _read_open(file: BinaryIO, reading: LinesReading, reader: LineReader) -> Cursor:
    seen = os.fstat(file.fileno())
    _read_some(reader, reading)
    return Cursor(
        reading.found.path,
        # A part ends where it ends, so the file is not taken for read.
        seen.st_size if reading.is_last else reader.offset,
        seen.st_mtime_ns,
        seen.st_ino,
        reader.offset,
        reader.number,
        is_clean=not len(reading.bad),
        fingerprint=cursors.fingerprint(file, reader.offset),
        version=reading.found.adapter.version,
    )


def _read_some(reader: LineReader, reading: LinesReading) -> None:
    deadline = time.monotonic() + PART_SECONDS
    try:
        for count, (number, line) in enumerate(reader, start=1):
            try:
                reading.records += read_line(reading.found, number, line)
            except ArtifactError as exc:
                reading.bad.add(ArtifactError(exc.reason, field=exc.field, line=number))
            if count >= PART_LINES or time.monotonic() >= deadline:
                reading.is_last = False
                break
    except ArtifactError as exc:
        reading.bad.add(exc)
    for problem in reader.problems:
        reading.bad.add(problem)
