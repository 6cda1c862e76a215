"""Quarantine: files and lines that could not be read, with place and reason, until they change.

A rejected line or file never stops the rest. When its file changes, the file is read again: its old
rejections are deleted first, so a mended file leaves no trace here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from lineage_bridge.errors import ArtifactError


@dataclass(frozen=True, slots=True)
class Rejected:
    """One file or line that was not read."""

    path: str
    family: str
    line: int
    field: str | None
    reason: str


def rejected(path: str, family: str, error: ArtifactError) -> Rejected:
    """Turn an error while reading a file into a rejection."""
    return Rejected(path, family, error.line or 0, error.field, error.reason)


def put(connection: sqlite3.Connection, items: Sequence[Rejected]) -> None:
    """Save rejections; a new one for the same place replaces the earlier one."""
    connection.executemany(
        "INSERT OR REPLACE INTO quarantine (path, line, family, field, reason)"
        " VALUES (?, ?, ?, ?, ?)",
        [(i.path, i.line, i.family, i.field, i.reason) for i in items],
    )


def forget(connection: sqlite3.Connection, path: str, *, after_line: int = -1) -> None:
    """Delete a file's rejections after a line, from which it was read again."""
    connection.execute("DELETE FROM quarantine WHERE path = ? AND line > ?", (path, after_line))


def list_rejected(connection: sqlite3.Connection) -> list[Rejected]:
    """List everything in quarantine, by path and line."""
    rows = connection.execute(
        "SELECT path, family, line, field, reason FROM quarantine ORDER BY path, line"
    )
    return [Rejected(*row) for row in rows]
