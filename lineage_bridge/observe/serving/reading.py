"""Window files -> windows that wait to be judged, with cursors, rejections and blind counters.

This module writes nothing: it returns its changes as `savings`, functions that the caller runs in
one transaction.
"""

from __future__ import annotations

import sqlite3
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from operator import attrgetter
from os import fstat, stat_result
from typing import BinaryIO

from lineage_bridge.adapters.files import open_file, unreadable
from lineage_bridge.adapters.lines import LineReader
from lineage_bridge.adapters.serving_windows import (
    is_inconsistent,
    judged_facts,
    names_of,
    read_window,
)
from lineage_bridge.errors import ArtifactError
from lineage_bridge.journal import Journal
from lineage_bridge.observe import cursors, quarantine
from lineage_bridge.observe.quarantine import FileRejections
from lineage_bridge.observe.serving.blind_counters import BlindCounters
from lineage_bridge.observe.serving.file_slots import FileSlots, LineFilter, bits_of
from lineage_bridge.observe.serving.files import WindowFile
from lineage_bridge.observe.serving.memory import Pending, Source, Sources
from lineage_bridge.observe.serving.seen_lines import SeenLines
from lineage_bridge.observe.serving.state import Saving, load_pending, pending_saving

FAMILY = "p5"
PART_WAITING = 50_000  # windows that wait to be judged; with more, a file is read in one go

_at_us = attrgetter("at_us")


@dataclass(slots=True)
class WindowsResult:
    """The result of a run over window files."""

    files_unchanged: int = 0
    lines: int = 0
    new: int = 0
    duplicates: int = 0
    events: int = 0


class WindowReading:
    """The windows that were read and not judged yet.

    Args:
        journal: has the memory of earlier runs.
        result: counts lines, windows and rejections.
    """

    def __init__(self, journal: Journal, result: WindowsResult) -> None:
        self.result = result
        self.taken = 0  # windows that were read, for the first time or again
        self._journal = journal
        self._sources = Sources()
        with journal.reading() as connection:
            self._file_slots = FileSlots(connection)
            self._pending = load_pending(connection, self._sources)
            self._blind = BlindCounters(connection)
            self._quarantined = quarantine.paths_of(connection, FAMILY)
        self._seen = SeenLines(journal)
        self._of_judged_anew = LineFilter(self._seen.judged_anew)
        self._has_changed = False
        self._cursors: list[cursors.Cursor] = []
        self._rejected: list[tuple[FileRejections, int | None]] = []  # see `_save_files`

    def judge_before(
        self,
        until_us: int | None,
        judge: Callable[[int, Sequence[Pending]], None],
        may_go_on: Callable[[int], bool],
    ) -> bool:
        """Let the windows be judged that were written before an instant (None: all windows).

        Args:
            until_us: the instant.
            judge: judges an instant with its windows.
            may_go_on: called before each instant; if it returns False, the rest has to wait.

        Returns:
            Whether all these windows were judged.
        """
        self._pending.sort(key=_at_us)
        count = len(self._pending)
        if until_us is not None:
            count = bisect_left(self._pending, until_us, key=_at_us)
        judged = 0
        for at_us, windows in groupby(self._pending[:count], key=_at_us):
            if not may_go_on(at_us):
                break
            together = list(windows)
            judge(at_us, together)
            judged += len(together)
        del self._pending[:judged]
        self._has_changed |= judged > 0
        return judged == count

    def savings(self) -> list[Saving]:
        """Return functions that save everything that changed since the last call."""
        parts = (self._seen, self._blind, self._file_slots)
        found = [saving for part in parts if (saving := part.saving()) is not None]
        if self._cursors or self._rejected:
            found.append(partial(_save_files, known=self._cursors, rejected=self._rejected))
        if self._has_changed:
            found.append(pending_saving(self._pending))
        self._quarantined.update(bad.path for bad, _ in self._rejected if bad)
        self._cursors, self._rejected = [], []
        self._has_changed = False
        return found

    def read(self, file: WindowFile, deadline: float) -> WindowFile | None:
        """Read one file on from where reading ended last time.

        Returns:
            The rest of the file, if it was not read to its end before the deadline.
        """
        bad = FileRejections(file.path, FAMILY)
        try:
            with open_file(file.path) as opened:
                return self._read_open(file, opened, bad, deadline)
        except ArtifactError as exc:
            bad.add(exc)
        except OSError as exc:
            bad.add(unreadable(exc))
        self._rejected.append((bad, None))
        return None

    def _read_open(
        self, file: WindowFile, opened: BinaryIO, bad: FileRejections, deadline: float
    ) -> WindowFile | None:
        seen = fstat(opened.fileno())
        resumed = file.resumed(opened)
        reader = resumed.reader(opened)
        lines = _Lines(deadline)
        if file.cursor is not None:
            lines.read_before = file.cursor.rewound_lines
            lines.is_same = _is_same(file.cursor, seen)
        held = self._read_lines(reader, lines, bad)
        self._note_slots(file.path, held, is_part=bool(resumed.offset) or lines.is_same)
        for problem in reader.problems:
            bad.add(problem, is_passing=problem.line == reader.unfinished)
        if bad or file.path in self._quarantined:
            self._rejected.append((bad, resumed.lines))
        cursor = cursors.Cursor(
            file.path,
            seen.st_size if lines.is_last else reader.offset,
            seen.st_mtime_ns,
            seen.st_ino,
            reader.offset,
            reader.number,
            is_clean=lines.is_whole and reader.bad.part() is None,
            fingerprint=cursors.fingerprint(opened, reader.offset),
            bad=reader.bad.part(),
        )
        self._cursors.append(cursor)
        return None if lines.is_last else replace(file, cursor=cursor, bad=reader.bad)

    def _read_lines(self, reader: LineReader, lines: _Lines, bad: FileRejections) -> set[Source]:
        """Read lines to the end, or to the deadline; return whose windows they are."""
        held: set[Source] = set()
        try:
            for number, line in reader:
                if line and not self._is_counted(number, line, lines):
                    is_first = number > lines.read_before
                    try:
                        held.add(self._read_line(line, is_first=is_first))
                    except ArtifactError as exc:
                        bad.add(ArtifactError(exc.reason, field=exc.field, line=number))
                        reader.reject()
                # What waits to be judged is saved with each part, so a part must be worth that.
                if lines.are_enough() and len(self._pending) <= PART_WAITING:
                    lines.is_last = False
                    break
        except ArtifactError as exc:
            lines.is_whole = False
            bad.add(exc)
        return held

    def _is_counted(self, number: int, line: bytes, lines: _Lines) -> bool:
        """Return whether a line was counted when its file was read before, and still is."""
        return (
            lines.is_same and number <= lines.read_before and not self._of_judged_anew.may_be(line)
        )

    def _read_line(
        self,
        line: bytes,
        *,
        is_first: bool,  # False: an earlier run counted the line, and its file was rewound
    ) -> Source:
        """Read one line.

        Raises:
            ArtifactError: it is no window.
        """
        result = self.result
        result.lines += is_first
        window = read_window(line)
        facts, at_us = judged_facts(window)
        source = self._sources.of(names_of(window))
        if not self._seen.is_new(facts.start_us, line, source.slot):
            result.duplicates += is_first
            return source
        self.taken += 1
        result.new += is_first
        self._blind.look(window)
        sums = (
            window.success_count,
            window.failure_count,
            window.rejected_count,
            window.timeout_count,
        )
        self._pending.append(Pending(at_us, source, facts, sums, is_inconsistent(window)))
        self._has_changed = True
        return source

    def _note_slots(self, path: str, held: Iterable[Source], *, is_part: bool) -> None:
        """Note the deployments of a file; of a part, those of the other part are still its own."""
        before: int | None = 0
        if is_part:
            with self._journal.reading() as connection:
                before = bits_of(connection, path)
        if before is not None:  # else the other part may have any
            self._file_slots.put(path, {source.slot for source in held}, before)


@dataclass(slots=True)
class _Lines:
    """How the lines of a file are read.

    Attributes:
        deadline: when to stop.
        read_before: how many lines are read again, because the file was rewound.
        is_same: whether these are all lines of the file, and no others.
        is_last: whether they are read to the end of the file.
        is_whole: whether the file as a whole can be read.
    """

    deadline: float
    read_before: int = 0
    is_same: bool = False
    is_last: bool = True
    is_whole: bool = True

    def are_enough(self) -> bool:
        """Return whether the deadline is over; what is read again is read in one go."""
        return not self.read_before and time.monotonic() >= self.deadline


def _is_same(cursor: cursors.Cursor, seen: stat_result) -> bool:
    """Return whether a file that was rewound has exactly the lines that were read."""
    return (
        cursor.rewound_lines > 0
        and cursor.is_clean
        and (cursor.offset, cursor.mtime_ns, cursor.inode)
        == (seen.st_size, seen.st_mtime_ns, seen.st_ino)
    )


def _save_files(
    connection: sqlite3.Connection,
    known: Sequence[cursors.Cursor],
    rejected: Sequence[tuple[FileRejections, int | None]],
) -> None:
    """Save cursors, and rejections: each with the lines before it, None if nothing was read."""
    for bad, after_line in rejected:
        if after_line is None:
            quarantine.put(connection, bad.rows())
        else:
            quarantine.put_lines(connection, bad, after_line=after_line)
    cursors.put_all(connection, known)
