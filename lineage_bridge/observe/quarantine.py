"""Quarantine: files and lines that could not be read, with place and reason, until they change.

A rejected line or file never stops the rest. When its file changes, the file is read again: its old
rejections are deleted first, so a mended file leaves no trace here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from lineage_bridge.errors import ArtifactError
from lineage_bridge.masking import masked

KEPT_OF_A_FILE = 1_000  # rejections that are listed one by one


@dataclass(frozen=True, slots=True)
class Rejected:
    """One file or line that was not read."""

    path: str
    family: str
    line: int
    field: str | None
    reason: str


def rejected(path: str, family: str, error: ArtifactError) -> Rejected:
    """Turn an error while reading a file into a rejection, without the secrets that it quotes."""
    field = masked(error.field) if error.field is not None else None
    return Rejected(path, family, error.line or 0, field, masked(error.reason))


class FileRejections:
    """The rejections of one file: the first ones, and one more that counts the others.

    A file of millions of bad lines would else fill memory and quarantine with the same reason.
    """

    def __init__(self, path: str, family: str) -> None:
        self._path = path
        self._family = family
        self._kept: list[Rejected] = []
        self._more = 0
        self._more_from = 0

    def __len__(self) -> int:
        return len(self._kept) + self._more

    def add(self, error: ArtifactError) -> None:
        """Keep a rejection, or just count it."""
        if len(self._kept) < KEPT_OF_A_FILE:
            self._kept.append(rejected(self._path, self._family, error))
            return
        if not self._more:
            self._more_from = error.line or 0
        self._more += 1

    def listed(self, after: int = 0) -> list[Rejected]:
        """Return what is kept after the first ones, and how many more there are from where on."""
        kept = self._kept[after:]
        if not self._more:
            return kept
        reason = f"and {self._more:,} more from line {self._more_from:,} on, for such reasons"
        rest = Rejected(self._path, self._family, self._more_from, None, reason)
        return [*kept, rest]


def put(connection: sqlite3.Connection, items: Sequence[Rejected]) -> None:
    """Save rejections; a new one for the same place replaces the earlier one."""
    connection.executemany(
        "INSERT OR REPLACE INTO quarantine (path, line, family, field, reason)"
        " VALUES (?, ?, ?, ?, ?)",
        [(i.path, i.line, i.family, i.field, i.reason) for i in items],
    )


def forget(
    connection: sqlite3.Connection, path: str, *, family: str | None = None, after_line: int = -1
) -> None:
    """Delete a file's rejections after a line, from which it was read again.

    Only those of one family where one is named: several may read the same file.
    """
    connection.execute(
        "DELETE FROM quarantine WHERE path = ? AND line > ? AND family = ifnull(?, family)",
        (path, after_line, family),
    )


def list_rejected(connection: sqlite3.Connection) -> list[Rejected]:
    """List everything in quarantine, by path and line."""
    rows = connection.execute(
        "SELECT path, family, line, field, reason FROM quarantine ORDER BY path, line"
    )
    return [Rejected(*row) for row in rows]
