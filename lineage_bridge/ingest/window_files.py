"""Which window files changed, and in which order they are to be read."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson

from lineage_bridge.ingest import cursors
from lineage_bridge.times import parse_time, to_micros

FIRST_LINE_BYTES = 64 * 1024
UNKNOWN_MINUTE_US = -(2**62)  # before everything: nothing may be judged until it is read

_MINUTE = re.compile(r"(\d{4})-(\d\d)-(\d\d)[/\\](\d\d)[/\\]metrics_(\d\d)\.jsonl$")


@dataclass(frozen=True, slots=True)
class WindowFile:
    """A file that is new or changed. `path_minute_us` is None where its path tells no minute."""

    path: str
    minute_us: int
    path_minute_us: int | None
    cursor: cursors.Cursor | None


def changed_files(
    connection: sqlite3.Connection,
    files: Iterable[Path],
    root_of: Callable[[Path], Path] | None = None,
) -> tuple[list[WindowFile], int]:
    """The files to read, by their minute, and how many are as they were.

    With `root_of`, a link that leads out of the folder that was named is left out.
    """
    real_folders: dict[str, str] = {}
    found: dict[str, WindowFile] = {}
    unchanged: set[str] = set()
    for file in files:
        path = _real_path(file, real_folders)
        if path in found or path in unchanged:
            continue
        was_link = path != os.fspath(file)
        if was_link and root_of is not None and not _is_within(path, root_of(file)):
            continue
        cursor = cursors.get(connection, path)
        if cursor is not None and _is_current(cursor, path):
            unchanged.add(path)
            continue
        path_minute_us = _minute_of_path(path)
        minute_us = _minute_of_content(path) if path_minute_us is None else path_minute_us
        found[path] = WindowFile(path, minute_us, path_minute_us, cursor)
    return sorted(found.values(), key=lambda f: (f.minute_us, f.path)), len(unchanged)


def _real_path(file: Path, real_folders: dict[str, str]) -> str:
    # Resolving every file costs more than reading it; one minute's files share their folder.
    folder, name = os.path.split(file)
    if folder not in real_folders:
        real_folders[folder] = os.path.realpath(folder)
    path = os.path.join(real_folders[folder], name)  # noqa: PTH118 - a Path costs ten times that
    return os.path.realpath(path) if os.path.islink(path) else path  # noqa: PTH114 - as above


def _is_within(path: str, root: Path) -> bool:
    real_root = os.path.realpath(root)
    return path == real_root or path.startswith(real_root.rstrip(os.sep) + os.sep)


def _is_current(cursor: cursors.Cursor, path: str) -> bool:
    try:
        return cursor.is_current(os.stat(path))  # noqa: PTH116 - as above
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
        with open(path, "rb") as file:  # noqa: PTH123 - as above
            first = orjson.loads(file.readline(FIRST_LINE_BYTES))
        return to_micros(parse_time(first["window_start"])[0])
    except (OSError, ValueError, TypeError, KeyError):
        return UNKNOWN_MINUTE_US
