"""Files of records: read outside of any transaction, and saved some at a time in a short one.

The reading between two transactions is bounded by files, records and time; a file of many lines is
read in parts (`line_files`). If two processes read one file at the same time, the first one to save
it wins.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lineage_bridge.ingest import memory
from lineage_bridge.ingest.found import Found, found_again
from lineage_bridge.ingest.line_files import LinesReading, read_lines, read_on
from lineage_bridge.ingest.memory import Broken, Mark
from lineage_bridge.ingest.read import Reading, fingerprint, places, read
from lineage_bridge.journal import Journal
from lineage_bridge.observe import cursors, quarantine
from lineage_bridge.observe.cursors import Cursor
from lineage_bridge.observe.tables import raise_records_generation

CHUNK_FILES = 1_000
CHUNK_RECORDS = 5_000
CHUNK_SECONDS = 2.0

# A file, and the number of its records: None if it did not change, -1 if it is of another kind.
Count = Callable[[Found, int | None], None]


@dataclass(slots=True)
class _FileReading:
    """The result of reading one file as a whole."""

    found: Found
    before: Mark | None
    mark: Mark
    reading: Reading

    def save(self, connection: sqlite3.Connection) -> bool:
        """Save the file's results; return whether records changed, or might have."""
        family, path = self.found.family, self.found.path
        if memory.read_mark(connection, family, path) != self.before:
            return False
        for place in places(self.found):
            quarantine.forget(connection, place, family=family)
        if self.found.sort.encloses:
            quarantine.forget_below(connection, path.rpartition("/")[0], family)
        quarantine.put(connection, self.reading.rejected)
        if self.reading.passes:  # it is read again, and what it said before stands
            return False
        memory.keep_file(
            connection,
            family,
            path,
            self.mark,
            self.reading.records,
            is_store=self.found.sort.is_store,
        )
        return self.before is not None or bool(self.reading.records)


_Read = _FileReading | LinesReading
_Known = Mark | Cursor | None


def read_files(
    journal: Journal,
    files: Sequence[Found],
    count: Count,
    report: Callable[[int], None],
    *,
    report_lines: Callable[[int], None] = lambda _: None,
    again: bool = False,
) -> None:
    """Read the files that changed, and save their records and rejections.

    Args:
        journal: of the home, its tables prepared.
        files: in any order.
        count: called for each file.
        report: called with the number of files that are done.
        report_lines: called with the number of lines of a long file that are done.
        again: read unchanged files too.

    Raises:
        JournalError: the results cannot be saved.
    """
    done = 0
    while done < len(files):
        chunk = _read_chunk(journal, files[done : done + CHUNK_FILES], again=again)
        _save(journal, [reading for _, reading in chunk if reading is not None])
        for found, reading in chunk:
            count(found, _number(reading))
        if chunk and isinstance(last := chunk[-1][1], LinesReading):
            _read_on(journal, last, count, report_lines)
        done += len(chunk)
        report(done)


def _read_on(
    journal: Journal, part: LinesReading, count: Count, report: Callable[[int], None]
) -> None:
    """Read the other parts of a file whose first part was saved."""
    while (following := read_on(part)) is not None:
        if part.cursor is not None:
            report(part.cursor.lines)
        _save(journal, [following])
        count(following.found, _number(following))
        part = following


def read_again(
    journal: Journal, broken: Sequence[Broken], scanned: Sequence[Found], count: Count
) -> None:
    """Read the files of records that cannot be decoded; forget those whose files are gone."""
    named = {(found.family, found.path): found for found in scanned}
    files: dict[tuple[str, str], Found] = {}
    for item in broken:
        key = (item.family, item.path)
        found = named.get(key)
        if found is None:
            found = found_again(item.family, item.path, by_line=item.line > 0)
        if found is not None:
            files[key] = found
    read_files(journal, list(files.values()), count, lambda _: None, again=True)
    gone = {(item.family, item.path) for item in broken} - files.keys()
    if gone:
        with journal.transaction() as tx:
            memory.forget_files(tx.connection, gone)
            raise_records_generation(tx.connection)


def _read_chunk(
    journal: Journal, files: Sequence[Found], *, again: bool
) -> list[tuple[Found, _Read | None]]:
    """Read files, at least one, until there is enough to save."""
    with journal.reading() as connection:
        known = _known(connection, files)
    deadline = time.monotonic() + CHUNK_SECONDS
    chunk: list[tuple[Found, _Read | None]] = []
    records = 0
    for found, before in zip(files, known, strict=True):
        reading = _read(found, before, again=again)
        chunk.append((found, reading))
        records += max(0, _number(reading) or 0)
        is_part = isinstance(reading, LinesReading) and not reading.is_last
        if is_part or records >= CHUNK_RECORDS or time.monotonic() >= deadline:
            break
    return chunk


def _known(connection: sqlite3.Connection, files: Sequence[Found]) -> list[_Known]:
    """Load what is known of each file."""
    lines = cursors.get_all(connection, [f.path for f in files if f.form == "lines"])
    marks = memory.read_marks(connection, [(f.family, f.path) for f in files if f.form == "whole"])
    return [
        lines.get(f.path) if f.form == "lines" else marks.get((f.family, f.path)) for f in files
    ]


def _read(found: Found, before: _Known, *, again: bool) -> _Read | None:
    """Read a file; return None if it did not change."""
    if not isinstance(before, Mark) and found.form == "lines":
        return read_lines(found, before, again=again)
    assert not isinstance(before, Cursor)
    if found.is_server:
        reading = read(found)
        mark = Mark(fingerprint(found, reading), found.adapter.version)
        if mark == before and not again:
            return None
        return _FileReading(found, before, mark, reading)
    mark = Mark(fingerprint(found), found.adapter.version)
    if mark == before and not again:
        return None
    return _FileReading(found, before, mark, read(found))


def _number(reading: _Read | None) -> int | None:
    """Count the records of a file: None if it did not change, -1 if it is of another kind."""
    if reading is None:
        return None
    if isinstance(reading, LinesReading):
        return len(reading.records)
    found = reading.reading
    return len(found.records) if found.records or found.rejected else -1


def _save(journal: Journal, readings: Sequence[_Read]) -> None:
    if not readings:
        return
    with journal.transaction() as tx:
        changed = [reading.save(tx.connection) for reading in readings]
        if any(changed):
            raise_records_generation(tx.connection)
