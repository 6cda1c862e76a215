"""Files of inference logs that the home knows: how far each was read, and what was in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Literal, NamedTuple

import msgspec

from lineage_bridge.inference.values import Served
from lineage_bridge.journal.migrations import has_table
from lineage_bridge.observe.cursors import Cursor

FAMILY: Final = "logs"

# How a file came to be one: its folder was named for logs, the settings have a map for it, or its
# first rows look like one; of the last it is not said that it is none.
Cause = Literal["named", "declared", "found"]
Kind = Literal["log", "labels", "none"]


class Words(msgspec.Struct, array_like=True):
    """Rows of a file that have the same words for who answered.

    Attributes:
        rows: how many there are.
        key: changes when the words mean somebody else; see `slots.KnownSlots.key`.
        unknown: the field that leaves open who it was, and why; None: it is known.
    """

    served: Served
    rows: int
    key: str
    unknown: tuple[str, str] | None = None


class LogState(msgspec.Struct):
    """What is known of a file.

    Attributes:
        cause: how it came to be one.
        kind: None: it was not read yet.
        asked: a digest of what the settings say of it.
        mark: size, time and inode of the file when it was read; empty: not to its end.
        depends: a digest of what else its reading depends on.
        cursor: how far a file that grows was read.
        rows: requests in it, without those that were in another file.
        labels: rows that are no request, but tell what was true of one.
        duplicates: requests that were in another file or further up.
        untimed: requests without a time, which are in no hour.
        rejected: rows that could not be read.
        first_us: the time of the first request, microseconds since 1970.
        last_us: that of the last one.
        words: who answered, as the rows have it.
    """

    cause: Cause
    kind: Kind | None = None
    asked: str = ""
    mark: str = ""
    depends: str = ""
    cursor: Cursor | None = None
    rows: int = 0
    labels: int = 0
    duplicates: int = 0
    untimed: int = 0
    rejected: int = 0
    first_us: int | None = None
    last_us: int | None = None
    words: list[Words] = []

    @property
    def is_read(self) -> bool:
        """Whether the file was read to its end."""
        return self.mark != ""


class KnownFile(NamedTuple):
    """A file with its number in the tables."""

    number: int
    path: str
    state: LogState


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(LogState)


def list_files(connection: sqlite3.Connection) -> list[KnownFile]:
    """List all files that still have their names, by path."""
    if not has_table(connection, "log_files"):
        return []
    rows = connection.execute(
        "SELECT number, path, body FROM log_files WHERE path IS NOT NULL ORDER BY path"
    )
    return [KnownFile(number, path, _DECODER.decode(body)) for number, path, body in rows]


def list_states(connection: sqlite3.Connection) -> Iterator[LogState]:
    """Yield what is known of all files, also of those whose names others have now."""
    if has_table(connection, "log_files"):
        for (body,) in connection.execute("SELECT body FROM log_files"):
            yield _DECODER.decode(body)


def add_files(connection: sqlite3.Connection, found: Iterable[tuple[str, Cause]]) -> None:
    """Take in files that may be logs; what is known of one already stays."""
    connection.executemany(
        "INSERT OR IGNORE INTO log_files (path, body) VALUES (?, ?)",
        [(path, _ENCODER.encode(LogState(cause))) for path, cause in found],
    )


def take_files(connection: sqlite3.Connection, states: Mapping[str, LogState]) -> None:
    """Take in files by their paths, or what is known of them by now."""
    connection.executemany(
        "INSERT INTO log_files (path, body) VALUES (?, ?)"
        " ON CONFLICT DO UPDATE SET body = excluded.body",
        [(path, _ENCODER.encode(state)) for path, state in states.items()],
    )


def state_of(connection: sqlite3.Connection, number: int) -> LogState | None:
    """Return what is known of a file; None if it was forgotten."""
    row = connection.execute("SELECT body FROM log_files WHERE number = ?", (number,)).fetchone()
    return None if row is None else _DECODER.decode(row[0])


def put_state(connection: sqlite3.Connection, number: int, state: LogState) -> None:
    """Save what is known of a file."""
    body = _ENCODER.encode(state)
    connection.execute("UPDATE log_files SET body = ? WHERE number = ?", (body, number))


def rename_file(connection: sqlite3.Connection, number: int, path: str | None) -> None:
    """Give what was read of a file to another name; None: to none, as its own is another's now."""
    if path is not None:
        connection.execute("DELETE FROM log_files WHERE path = ?", (path,))
    connection.execute("UPDATE log_files SET path = ? WHERE number = ?", (path, number))
