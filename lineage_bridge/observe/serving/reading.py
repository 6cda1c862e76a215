"""Window files -> windows that wait to be judged, with cursors, rejections and blind counters.

This module writes nothing: it returns its changes as `savings`, functions that the caller runs in
one transaction.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
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
from lineage_bridge.observe.quarantine import FileRejections, Rejected
from lineage_bridge.observe.serving.blind_counters import BlindCounters
from lineage_bridge.observe.serving.file_slots import FileSlots, LineFilter, bits_of
from lineage_bridge.observe.serving.files import WindowFile
from lineage_bridge.observe.serving.memory import Pending, Source, Sources
from lineage_bridge.observe.serving.seen_lines import SeenLines
from lineage_bridge.observe.serving.state import Saving, load_pending, pending_saving

FAMILY = "p5"

_at_us = attrgetter("at_us")


@dataclass(slots=True)
class WindowsResult:
    """The result of a run over window files."""

    files_unchanged: int = 0
    lines: int = 0
    new: int = 0
    duplicates: int = 0
    events: int = 0
    rejected: list[Rejected] = field(default_factory=list)


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
            self._quarantined = {item.path for item in quarantine.list_rejected(connection)}
        self._seen = SeenLines(journal)
        self._of_judged_anew = LineFilter(self._seen.judged_anew)
        self._has_changed = False
        self._cursors: list[cursors.Cursor] = []
        self._mended: list[tuple[str, int]] = []  # paths, and the line after which they were read
        self._rejected: list[Rejected] = []

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
            found.append(
                partial(_save_files, known=self._cursors, mended=self._mended, bad=self._rejected)
            )
        if self._has_changed:
            found.append(pending_saving(self._pending))
        self._quarantined.update(item.path for item in self._rejected)
        self._cursors, self._mended, self._rejected = [], [], []
        self._has_changed = False
        return found

    def read(self, file: WindowFile) -> None:
        """Read one file on from where reading ended last time."""
        bad = FileRejections(file.path, FAMILY)
        try:
            with open_file(file.path) as opened:
                self._read_open(file, opened, bad)
        except ArtifactError as exc:
            bad.add(exc)
        except OSError as exc:
            bad.add(unreadable(exc))
        found = bad.listed()
        self._rejected += found
        self.result.rejected += found

    def _read_open(self, file: WindowFile, opened: BinaryIO, found: FileRejections) -> None:
        seen = fstat(opened.fileno())
        offset, lines = cursors.resume(file.cursor, opened)
        if file.path in self._quarantined:  # its rejected lines are about to be read again
            self._mended.append((file.path, lines if offset else -1))
        reader = LineReader(opened, offset, lines)
        known = file.cursor
        read_before = known.rewound_lines if known is not None else 0
        is_same = known is not None and _is_same(known, seen)
        held: set[Source] = set()
        try:
            for number, line in reader:
                is_first = number > read_before
                if is_same and not is_first and not self._of_judged_anew.may_be(line):
                    continue  # it was counted, and still is
                source = self._read_line(number, line, found, is_first=is_first)
                if source is not None:
                    held.add(source)
        except ArtifactError as exc:
            found.add(exc)
        self._note_slots(file.path, held, is_part=bool(offset) or is_same)
        has_bad_line = len(found) > 0 or len(reader.problems) > (reader.unfinished is not None)
        for problem in reader.problems:
            found.add(problem)
        cursor = cursors.Cursor(
            file.path,
            seen.st_size,
            seen.st_mtime_ns,
            seen.st_ino,
            reader.offset,
            reader.number,
            is_clean=not has_bad_line,
            fingerprint=cursors.fingerprint(opened, reader.offset),
        )
        self._cursors.append(cursor)

    def _read_line(
        self,
        number: int,
        line: bytes,
        found: FileRejections,
        *,
        is_first: bool,  # False: an earlier run counted the line, and its file was rewound
    ) -> Source | None:
        result = self.result
        result.lines += is_first
        try:
            window = read_window(line)
            facts, at_us = judged_facts(window)
            source = self._sources.of(names_of(window))
        except ArtifactError as exc:
            found.add(ArtifactError(exc.reason, field=exc.field, line=number))
            return None
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
    mended: Sequence[tuple[str, int]],
    bad: Sequence[Rejected],
) -> None:
    for path, after_line in mended:
        quarantine.forget(connection, path, family=FAMILY, after_line=after_line)
    quarantine.put(connection, bad)
    cursors.put_all(connection, known)
