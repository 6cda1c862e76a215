"""Quarantine: files and lines that could not be read, with place and reason, until they change.

A rejected line or file never stops the rest. When its file changes, the file is read again: its old
rejections are deleted first, so a mended file leaves no trace here. Of many bad lines the first are
listed one by one; the others stay in their file, and are counted here by reason.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from heapq import merge
from typing import Final

from lineage_bridge.errors import ArtifactError
from lineage_bridge.masking import masked

KEPT_OF_A_FILE = 100  # rejections that are listed one by one
KEPT_REASONS = 20  # of the others
KEPT_IN_ALL = 10_000  # if there are as many, only the reasons of a further file are kept
LISTED = 1_000  # rejections that are told to people and programs; all are counted

_OTHER: Final = (None, "other reasons")
_VALUES: Final = re.compile(r"`[^`]*`|'[^']*'|\d[\d,.]*")
_COLUMNS: Final = "path, family, line, field, reason, count"

_Kind = tuple[str | None, str]  # a field, and a reason without the values in it


@dataclass(frozen=True, slots=True)
class Rejected:
    """One file or line that was not read; or several lines that were not for the same reason.

    Attributes:
        path: of the file, absolute.
        family: of its adapter.
        line: counted from 1, the first one of several; 0 is the whole file, and what is below 0
            another thing in it that is no line, such as a row of a database.
        field: that is wrong, if it is one.
        reason: what is wrong, of several lines with the first one.
        count: how many lines they are.
    """

    path: str
    family: str
    line: int
    field: str | None
    reason: str
    count: int = 1


def rejected(path: str, family: str, error: ArtifactError) -> Rejected:
    """Turn an error while reading a file into a rejection, without the secrets that it quotes."""
    field = masked(error.field) if error.field is not None else None
    return Rejected(path, family, error.line or 0, field, masked(error.reason))


@lru_cache(maxsize=1024)
def _kind(field: str | None, reason: str) -> _Kind:
    return field, _VALUES.sub("…", reason)


class FileRejections:
    """The rejections of one file: the first ones, and for each reason how many more there are.

    A file of millions of bad lines would else fill memory and quarantine with the same reason.
    """

    def __init__(self, path: str, family: str) -> None:
        self.path = path
        self.family = family
        self._listed: list[Rejected] = []
        self._passing: list[Rejected] = []
        self._first: dict[_Kind, Rejected] = {}
        self._counts: dict[_Kind, int] = {}

    def __bool__(self) -> bool:
        return bool(self._listed or self._first or self._passing)

    def add(self, error: ArtifactError, *, is_passing: bool = False) -> None:
        """Take a rejection; one that may soon be gone is always listed by itself."""
        if not is_passing and len(self._listed) >= KEPT_OF_A_FILE:
            kind = _kind(error.field, error.reason)
            if kind in self._counts:
                self._counts[kind] += 1
                return
        item = rejected(self.path, self.family, error)
        if is_passing:
            self._passing.append(item)
        else:
            self.take(item)

    def take(self, item: Rejected) -> None:
        """Take a rejection, or several in one, of lines after all that were taken before."""
        if item.count == 1 and len(self._listed) < KEPT_OF_A_FILE:
            self._listed.append(item)
        else:
            self._sum(item)

    def _sum(self, item: Rejected) -> None:
        kind = _kind(item.field, item.reason)
        if kind not in self._counts and len(self._counts) >= KEPT_REASONS:
            kind, item = _OTHER, replace(item, field=None, reason=_OTHER[1])
        self._first.setdefault(kind, item)
        self._counts[kind] = self._counts.get(kind, 0) + item.count

    def extend(self, later: FileRejections) -> None:
        """Take the rejections of later lines of the same file."""
        for item in later._lasting():
            self.take(item)
        self._passing += later._passing

    def rows(self) -> list[Rejected]:
        """Return what is kept."""
        return [*self._lasting(), *self._passing]

    def summed(self) -> FileRejections:
        """Return the same with every reason once."""
        found = FileRejections(self.path, self.family)
        for item in self._lasting():
            found._sum(item)
        found._passing = self._passing
        return found

    def _lasting(self) -> list[Rejected]:
        sums = [replace(item, count=self._counts[kind]) for kind, item in self._first.items()]
        return [*self._listed, *sums]


def put(connection: sqlite3.Connection, items: Iterable[Rejected]) -> None:
    """Save rejections; a new one for the same place replaces the earlier one."""
    connection.executemany(
        f"INSERT OR REPLACE INTO quarantine ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",
        [(i.path, i.family, i.line, i.field, i.reason, i.count) for i in items],
    )


def put_lines(connection: sqlite3.Connection, new: FileRejections, *, after_line: int) -> None:
    """Save the rejections of a file that was read on; those of lines before stay as they are.

    Args:
        connection: within a transaction.
        new: of the lines that were read.
        after_line: how many lines were not read again.
    """
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM quarantine WHERE path = ? AND family = ? ORDER BY line",
        (new.path, new.family),
    ).fetchall()
    if not rows and not new:
        return
    known = FileRejections(new.path, new.family)
    for row in rows:
        item = Rejected(*row)
        if 0 < item.line <= after_line:
            known.take(item)
    known.extend(new)
    forget(connection, new.path, family=new.family)
    put(connection, (known.summed() if _is_full(connection) else known).rows())


def _is_full(connection: sqlite3.Connection) -> bool:
    query = "SELECT 1 FROM quarantine LIMIT 1 OFFSET ?"
    return connection.execute(query, (KEPT_IN_ALL,)).fetchone() is not None


def forget(connection: sqlite3.Connection, path: str, *, family: str | None = None) -> None:
    """Delete a file's rejections; only those of one family where one is named."""
    connection.execute(
        "DELETE FROM quarantine WHERE path = ? AND family = ifnull(?, family)", (path, family)
    )


def forget_below(connection: sqlite3.Connection, folder: str, family: str) -> None:
    """Delete a family's rejections of all that lies below a folder."""
    connection.execute(
        "DELETE FROM quarantine WHERE path > ? AND path < ? AND family = ?",
        (f"{folder}/", f"{folder}0", family),  # `0` comes after `/`
    )


def paths_of(connection: sqlite3.Connection, family: str) -> set[str]:
    """Return the files of a family that have rejections."""
    query = "SELECT DISTINCT path FROM quarantine WHERE family = ?"
    return {path for (path,) in connection.execute(query, (family,))}


def list_rejected(connection: sqlite3.Connection) -> Iterator[Rejected]:
    """Yield everything in quarantine, by path and line."""
    query = f"SELECT path, family, line, field, reason, {_count(connection)} FROM quarantine"
    return (Rejected(*row) for row in connection.execute(f"{query} ORDER BY path, line"))


def count_by_family(connection: sqlite3.Connection) -> list[tuple[str, int]]:
    """Count the files and lines in quarantine, by family."""
    query = f"SELECT family, sum({_count(connection)}) FROM quarantine"
    return connection.execute(f"{query} GROUP BY family ORDER BY family").fetchall()


def _count(connection: sqlite3.Connection) -> str:
    # A home of an earlier version that is only read has no such column yet.
    columns = connection.execute("PRAGMA table_info(quarantine)").fetchall()
    return "count" if "count" in {column[1] for column in columns} else "1"


@dataclass(slots=True)
class Rejections:
    """What people and programs are told of: so many rejections, and the first of them.

    Attributes:
        listed: the first ones by path and line, up to `LISTED`.
        count: of all files and lines.
    """

    listed: list[Rejected] = field(default_factory=list)
    count: int = 0

    def __bool__(self) -> bool:
        return self.count > 0


def told(now: Sequence[Rejected], standing: Iterable[Rejected]) -> Rejections:
    """Return the rejections to tell of.

    Args:
        now: those of this pass alone, which hold where the same place stands in quarantine too.
        standing: those in quarantine, by path and line.
    """
    newest = {_place(item): item for item in now}
    others = (item for item in standing if _place(item) not in newest)
    found = Rejections()
    for item in merge(sorted(newest.values(), key=_place), others, key=_place):
        found.count += item.count
        if len(found.listed) < LISTED:
            found.listed.append(item)
    return found


def _place(item: Rejected) -> tuple[str, int]:
    return item.path, item.line
