"""Find the window files that changed, and the order to read them in."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import orjson

from lineage_bridge.adapters.files import open_file
from lineage_bridge.adapters.lines import BadLines
from lineage_bridge.journal import Journal
from lineage_bridge.observe import cursors
from lineage_bridge.observe.cursors import Resumed
from lineage_bridge.times import parse_time, to_micros

FILES_AT_ONCE = 1000
FIRST_LINE_BYTES = 64 * 1024
UNKNOWN_MINUTE_US = -(2**62)  # sorts first: nothing may be judged before such a file is read

_MINUTE = re.compile(r"(\d{4})-(\d\d)-(\d\d)[/\\](\d\d)[/\\]metrics_(\d\d)\.jsonl$")


@dataclass(frozen=True, slots=True)
class WindowFile:
    """A file that is new or changed, or the rest of one.

    Attributes:
        minute_us: no window in it was written before.
        path_minute_us: None if its path names no minute.
        cursor: how far it was read.
        bad: the rejected lines before the rest of a file that is being read in parts.
    """

    path: str
    minute_us: int
    path_minute_us: int | None
    cursor: cursors.Cursor | None
    bad: BadLines | None = None

    def resumed(self, file: BinaryIO) -> Resumed:
        """Return where to read on in the open file."""
        if self.bad is None or self.cursor is None:
            return cursors.resume(self.cursor, file)
        if cursors.fingerprint(file, self.cursor.offset) != self.cursor.fingerprint:
            return cursors.resume(None, file)  # it was replaced between two parts
        return Resumed(self.cursor.offset, self.cursor.lines, self.bad)


def changed_files(journal: Journal, files: Iterable[Path | str]) -> tuple[list[WindowFile], int]:
    """Return the files to read, by their minute, and the number of unchanged ones.

    Their paths are absolute and real: no link in them is followed.
    """
    paths = list(dict.fromkeys(os.fspath(file) for file in files))
    found: list[WindowFile] = []
    unchanged = 0
    for begin in range(0, len(paths), FILES_AT_ONCE):
        batch = paths[begin : begin + FILES_AT_ONCE]
        with journal.reading() as connection:
            known = cursors.get_all(connection, batch)
        for path in batch:
            cursor = known.get(path)
            if cursor is not None and _is_current(cursor, path):
                unchanged += 1
                continue
            path_minute_us = _minute_of_path(path)
            minute_us = _minute_of_content(path) if path_minute_us is None else path_minute_us
            found.append(WindowFile(path, minute_us, path_minute_us, cursor))
    return sorted(found, key=lambda f: (f.minute_us, f.path)), unchanged


def _is_current(cursor: cursors.Cursor, path: str) -> bool:
    try:
        return cursor.is_current(os.lstat(path))
    except OSError:
        return False


def _minute_of_path(path: str) -> int | None:
    match = _MINUTE.search(path)
    if match is None:
        return None
    try:
        return to_micros(datetime(*map(int, match.groups()), tzinfo=UTC))  # type: ignore[misc,arg-type]
    except ValueError:
        return None


def _minute_of_content(path: str) -> int:
    try:
        with open_file(path) as file:
            first = orjson.loads(file.readline(FIRST_LINE_BYTES))
        return to_micros(parse_time(first["window_start"]).instant)
    except (OSError, ValueError, TypeError, KeyError):
        return UNKNOWN_MINUTE_US
