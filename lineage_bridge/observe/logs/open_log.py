"""A file of an inference log while it is read: what is saved together with its rows."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from typing import BinaryIO, Final

from lineage_bridge.inference.columns import Columns
from lineage_bridge.inference.log import LogFile
from lineage_bridge.inference.values import Served
from lineage_bridge.observe import cursors
from lineage_bridge.observe.cursors import Cursor, Resumed
from lineage_bridge.observe.logs.log_files import FAMILY, KnownFile, LogState, Words, state_of
from lineage_bridge.observe.logs.slots import KnownSlots
from lineage_bridge.observe.quarantine import FileRejections, Rejected
from lineage_bridge.settings import InferenceLog

_MOST_WORDS: Final = 1_000  # different ones for who answered, of one file


class OpenLog:
    """A file while it is read: what is saved with its rows.

    Args:
        file: as it was known before.
        state: what is known of it by now; it is changed while the file is read.
        log: its rows.
        declared: the map that the settings have for it.
        opened: the file itself.
        seen: the file's metadata when it was opened.
        resumed: where reading goes on; None: it begins with the first row.

    Attributes:
        columns: of its profiles.
        unknown: words that leave open who answered: the field, and why.
    """

    def __init__(
        self,
        file: KnownFile,
        state: LogState,
        log: LogFile,
        declared: InferenceLog,
        opened: BinaryIO,
        seen: os.stat_result,
        resumed: Resumed | None,
    ) -> None:
        self.file, self.state, self.declared = file, state, declared
        self._log, self._opened, self._seen = log, opened, seen
        self._before = _reached(file.state)
        self._lines = resumed.lines if resumed is not None else 0
        self.columns = Columns.of_answers(log.fields, log.head)
        self.unknown: dict[Served, tuple[str, str]] = {
            words.served: words.unknown for words in state.words if words.unknown is not None
        }

    def is_as_before(self, connection: sqlite3.Connection) -> bool:
        """Return whether no other process has read the file since."""
        now = state_of(connection, self.file.number)
        return now is not None and _reached(now) == self._before

    def saved(self) -> None:
        """Note that the state was saved."""
        self._before = _reached(self.state)
        self._lines = self._log.line

    def cursor(self) -> Cursor | None:
        """Return how far the file was read; None if it cannot be read on."""
        if self._log.growing is None:
            return None
        reader, seen = self._log.growing.reader, self._seen
        return Cursor(
            self.file.path,
            reader.offset,  # so that a part counts as what grew
            seen.st_mtime_ns,
            seen.st_ino,
            reader.offset,
            reader.number,
            is_clean=reader.bad.part() is None,
            fingerprint=_fingerprint(self._opened, reader.offset),
            bad=reader.bad.part(),
        )

    def rejections(self) -> tuple[FileRejections, int]:
        """Return what was rejected since the last saving, and the last line before that."""
        found = self._log.rejected.take()
        self.state.rejected += found.total
        rejections = FileRejections(self.file.path, FAMILY)
        listed = found.in_order()
        for error in listed:
            rejections.add(error)
        if (more := found.total - len(listed)) > 0:
            line = (listed[-1].line or 0) + 1
            rejections.take(Rejected(self.file.path, FAMILY, line, None, "other reasons", more))
        return rejections, self._lines

    def add_words(self, counts: Mapping[Served, int], known: KnownSlots) -> None:
        """Count rows by their words for who answered."""
        listed = {words.served: words for words in self.state.words}
        for served, rows in counts.items():
            if served in listed:
                listed[served].rows += rows
            elif len(listed) < _MOST_WORDS:
                unknown = self.unknown.get(served)
                listed[served] = Words(served, rows, known.key(served), unknown)
        self.state.words = [*listed.values()]


def _reached(state: LogState) -> tuple[object, ...]:
    """Return what differs when more of a file was read."""
    return state.kind, state.mark, state.cursor, state.rows, state.labels, state.duplicates


def _fingerprint(opened: BinaryIO, offset: int) -> bytes:
    """Take the fingerprint of the file up to there; reading goes on where it was."""
    place = opened.tell()
    found = cursors.fingerprint(opened, offset)
    opened.seek(place)
    return found
