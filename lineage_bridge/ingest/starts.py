"""Read the deployment events of JSONL files that grow: each line is one start."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from os import stat_result
from typing import BinaryIO

from lineage_bridge.adapters.lines import LineReader
from lineage_bridge.adapters.p5 import read_event
from lineage_bridge.adapters.records import DeploymentRecord, Source
from lineage_bridge.errors import ArtifactError
from lineage_bridge.ingest import memory
from lineage_bridge.ingest.read import VERSIONS
from lineage_bridge.ingest.scan import Found
from lineage_bridge.observe import cursors, quarantine
from lineage_bridge.observe.cursors import Cursor
from lineage_bridge.observe.quarantine import Rejected, rejected


@dataclass(slots=True)
class StartsReading:
    """The new part of one file; `cursor` is how far it was read, None if it cannot be opened."""

    path: str
    before: Cursor | None
    cursor: Cursor | None = None
    records: list[DeploymentRecord] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)

    def save(self, connection: sqlite3.Connection) -> bool:
        """Save records, rejections and the cursor together; return whether there are records.

        If another process has read the file meanwhile, its results count, and nothing is saved.
        """
        if cursors.get(connection, self.path) != self.before:
            return False
        if self.cursor is not None:
            quarantine.forget(connection, self.path)
            memory.keep_lines(connection, self.records)
            cursors.put(connection, self.cursor)
        quarantine.put(connection, self.rejected)
        return bool(self.records)


def read_starts(found: Found, before: Cursor | None, *, again: bool) -> StartsReading | None:
    """Read the new part of a file; None if it did not change.

    Args:
        found: the file.
        before: how far it was read.
        again: read it from its start, even if it was read before.
    """
    path = str(found.path)
    version = VERSIONS[found.family]
    reading = StartsReading(path, before)
    known = None if again or (before is not None and before.version != version) else before
    try:
        seen = found.path.stat()
        if known is not None and known.is_current(seen):
            return None
        with found.path.open("rb") as file:
            reading.cursor = _read_open(file, found, reading, known, seen)
    except OSError as exc:
        error = ArtifactError(f"cannot be read: {exc.strerror or exc}")
        return StartsReading(path, before, rejected=[rejected(path, found.family, error)])
    return reading


def _read_open(
    file: BinaryIO, found: Found, reading: StartsReading, known: Cursor | None, seen: stat_result
) -> Cursor:
    offset, number = cursors.resume(known, file)
    reader = LineReader(file, offset, number)
    _read_lines(reader, found, reading)
    return Cursor(
        reading.path,
        seen.st_size,
        seen.st_mtime_ns,
        seen.st_ino,
        reader.offset,
        reader.number,
        is_clean=not reading.rejected,
        fingerprint=cursors.fingerprint(file, reader.offset),
        version=VERSIONS[found.family],
    )


def _read_lines(reader: LineReader, found: Found, reading: StartsReading) -> None:
    bad, path = reading.rejected, reading.path
    try:
        for number, line in reader:
            source = Source(found.family, path, found.shown, line=number)
            try:
                reading.records.append(read_event(line, source))
            except ArtifactError as exc:
                error = ArtifactError(exc.reason, field=exc.field, line=number)
                bad.append(rejected(path, found.family, error))
    except ArtifactError as exc:
        bad.append(rejected(path, found.family, exc))
    bad += [rejected(path, found.family, problem) for problem in reader.problems]
