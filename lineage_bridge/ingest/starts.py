"""Read the deployment events of JSONL files that grow: each line is one start."""

from __future__ import annotations

import sqlite3

from lineage_bridge.adapters.p5 import read_event
from lineage_bridge.adapters.records import DeploymentRecord, Source
from lineage_bridge.errors import ArtifactError
from lineage_bridge.ingest import cursors, memory, quarantine
from lineage_bridge.ingest.lines import LineReader
from lineage_bridge.ingest.quarantine import Rejected, rejected
from lineage_bridge.ingest.scan import Found


def read_starts(connection: sqlite3.Connection, found: Found) -> int | None:
    """Read what is new in a file, within the caller's transaction; None if it did not change.

    Records, rejections and the cursor change together. Returns how many starts were read.
    """
    path = str(found.path)
    known = cursors.get(connection, path)
    try:
        seen = found.path.stat()
        if known is not None and known.is_current(seen):
            return None
        with found.path.open("rb") as file:
            offset, number = cursors.resume(known, file)
            reader = LineReader(file, offset, number)
            records, bad = _read_lines(reader, found)
            fingerprint = cursors.fingerprint(file, reader.offset)
    except OSError as exc:
        error = ArtifactError(f"cannot be read: {exc.strerror or exc}")
        quarantine.put(connection, [rejected(path, found.family, error)])
        return 0
    quarantine.forget(connection, path)
    quarantine.put(connection, bad)
    memory.add_records(connection, records)
    clean = not bad
    cursor = cursors.Cursor(
        path,
        seen.st_size,
        seen.st_mtime_ns,
        seen.st_ino,
        reader.offset,
        reader.number,
        clean,
        fingerprint,
    )
    cursors.put(connection, cursor)
    return len(records)


def _read_lines(reader: LineReader, found: Found) -> tuple[list[DeploymentRecord], list[Rejected]]:
    records: list[DeploymentRecord] = []
    bad: list[Rejected] = []
    path = str(found.path)
    try:
        for number, line in reader:
            source = Source(found.family, path, found.shown, line=number)
            try:
                records.append(read_event(line, source))
            except ArtifactError as exc:
                error = ArtifactError(exc.reason, field=exc.field, line=number)
                bad.append(rejected(path, found.family, error))
    except ArtifactError as exc:
        bad.append(rejected(path, found.family, exc))
    bad += [rejected(path, found.family, problem) for problem in reader.problems]
    return records, bad
