"""The journal's database: events in the order of arrival, in SQLite.

One file, `journal.db`, in the data folder ("home"). WAL and `synchronous=FULL`: what a committed
transaction holds survives the loss of power. One writer at a time, many readers; several processes
may share a home. Tables of other rooms (scan cursors, derived models) live in the same file, so
that they change in one transaction with the events that they belong to.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from lineage_bridge.errors import JournalError
from lineage_bridge.events import Event
from lineage_bridge.journal.connect import connect_for_reading, connect_for_writing
from lineage_bridge.journal.trouble import (
    DAMAGE_ADVICE,
    READER_ADVICE,
    WRITER_ADVICE,
    is_damage,
    is_unwritable,
)

FORMAT = 2
MAX_IDLE_READERS = 8

Origin = Literal["artifact", "http", "transport", "follow", "import"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT,                      -- lineageBridge_event.id; NULL for other producers' events
    kind TEXT NOT NULL,           -- run, dataset or job
    time_us INTEGER NOT NULL,     -- eventTime, microseconds since the epoch
    received_us INTEGER NOT NULL, -- arrival, microseconds since the epoch
    origin TEXT NOT NULL,
    body BLOB NOT NULL            -- the event as JSON, as it came
);
CREATE UNIQUE INDEX IF NOT EXISTS events_id ON events (id) WHERE id IS NOT NULL;
CREATE INDEX IF NOT EXISTS events_time ON events (kind, time_us, seq);
CREATE TABLE IF NOT EXISTS pruned_ids (  -- of events that were here and must not come again
    id TEXT PRIMARY KEY
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS models (
    name TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    seq INTEGER NOT NULL          -- the last event that the model's tables contain
);
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """An event as it stands in the journal; times in microseconds since the epoch."""

    seq: int
    id: str | None
    kind: str
    time_us: int
    received_us: int
    origin: str
    body: bytes


class Transaction:
    """A write transaction: append events, and change other tables along with them."""

    def __init__(self, connection: sqlite3.Connection, received_us: int) -> None:
        self.connection = connection
        self._received_us = received_us

    def append(self, event: Event, origin: Origin) -> int | None:
        """Append one event; return its sequence number, or None if its id is or was there."""
        if event.id is not None and self._was_pruned(event.id):
            return None
        cursor = self.connection.execute(
            "INSERT INTO events (id, kind, time_us, received_us, origin, body)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (event.id, event.kind, event.time_us, self._received_us, origin, event.body),
        )
        return cursor.lastrowid if cursor.rowcount == 1 else None

    def _was_pruned(self, event_id: str) -> bool:
        found = self.connection.execute("SELECT 1 FROM pruned_ids WHERE id = ?", (event_id,))
        return found.fetchone() is not None


class Journal:
    """An open journal. Threads may share it; close it when done.

    Args:
        home: the data folder; made if it is not there.
        readonly: open an existing journal for reading only.

    Raises:
        JournalError: the folder or the database cannot be opened, or is newer than this version.
    """

    def __init__(self, home: Path, *, readonly: bool = False) -> None:
        self.home = home
        self.path = home / "journal.db"
        self._readonly = readonly
        self._lock = threading.RLock()
        self._readers: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue()
        self._closed = False
        if readonly and not self.path.is_file():
            raise JournalError(
                f"There is no journal in `{home}`. Run `lineage-bridge backfill` first, "
                "or name another data folder with `--home`."
            )
        try:
            if not readonly:
                home.mkdir(parents=True, exist_ok=True)
            self._writer = self._connect()
            self._migrate()
        except (OSError, sqlite3.Error) as exc:
            raise self._error("open", exc) from exc

    def _connect(self) -> sqlite3.Connection:
        return connect_for_reading(self.path) if self._readonly else connect_for_writing(self.path)

    def _migrate(self) -> None:
        (found,) = self._writer.execute("PRAGMA user_version").fetchone()
        if found > FORMAT:
            raise JournalError(
                f"The journal `{self.path}` has format {found}; this version reads up to {FORMAT}. "
                "Use a newer lineage-bridge, or another `--home`."
            )
        if self._readonly or found == FORMAT:
            return
        self._writer.executescript(
            f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT"
        )

    def _error(self, verb: str, exc: Exception) -> JournalError:
        return JournalError(f"Cannot {verb} the journal `{self.path}`: {exc}. {self._advice(exc)}")

    def _advice(self, exc: Exception) -> str:
        if is_damage(exc):
            return DAMAGE_ADVICE
        if is_unwritable(exc):
            return READER_ADVICE if self._readonly else WRITER_ADVICE
        return "Check that the folder can be written and that the disk has room."

    @contextmanager
    def transaction(self, *, received_us: int | None = None) -> Iterator[Transaction]:
        """Write in one durable transaction; all of it is there afterwards, or nothing.

        Raises:
            JournalError: SQLite refused (disk full, folder read-only, locked for too long).
        """
        arrival = time.time_ns() // 1000 if received_us is None else received_us
        with self._lock:
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                try:
                    yield Transaction(self._writer, arrival)
                except BaseException:
                    self._rollback()
                    raise
                self._commit()
            except sqlite3.Error as exc:
                raise self._error("write", exc) from exc

    def _commit(self) -> None:
        try:
            self._writer.execute("COMMIT")
        except BaseException:
            self._rollback()
            raise

    def _rollback(self) -> None:
        if self._writer.in_transaction:
            self._writer.execute("ROLLBACK")

    def append(self, events: Iterable[Event], origin: Origin) -> list[int | None]:
        """Append events in one transaction; they are durable when this returns."""
        with self.transaction() as tx:
            return [tx.append(event, origin) for event in events]

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection on one consistent state; never waits for a writer.

        Raises:
            JournalError: SQLite could not read.
        """
        try:
            connection = self._reader()
        except sqlite3.Error as exc:
            raise self._error("read", exc) from exc
        try:
            connection.execute("BEGIN")
            yield connection
        except sqlite3.Error as exc:
            raise self._error("read", exc) from exc
        finally:
            self._give_back(connection)

    def _reader(self) -> sqlite3.Connection:
        try:
            return self._readers.get_nowait()
        except queue.Empty:
            return self._connect()

    def _give_back(self, connection: sqlite3.Connection) -> None:
        try:
            if connection.in_transaction:
                connection.execute("COMMIT")
        except sqlite3.Error:  # nothing was written; after it has met damage SQLite may refuse
            connection.close()
            return
        if self._closed or self._readers.qsize() >= MAX_IDLE_READERS:
            connection.close()
        else:
            self._readers.put(connection)

    def read(self, after: int = 0, limit: int = 1000) -> list[Stored]:
        """Events after a sequence number, in the order of arrival."""
        with self.reading() as connection:
            return read_events(connection, after, limit)

    def last_seq(self) -> int:
        """The sequence number of the newest event, 0 if there is none."""
        with self.reading() as connection:
            return int(connection.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()[0])

    def bytes_on_disk(self) -> int:
        """The size of the database with its log."""
        files = (self.path, self.path.with_name(self.path.name + "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def vacuum(self) -> None:
        """Give the room of deleted rows back to the disk.

        Raises:
            JournalError: SQLite refused (no room for the copy, locked for too long).
        """
        with self._lock:
            try:
                self._writer.execute("VACUUM")
                self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            except sqlite3.Error as exc:
                raise self._error("vacuum", exc) from exc

    def close(self) -> None:
        """Close all connections; a second call does nothing."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._writer.close()
            while not self._readers.empty():
                self._readers.get_nowait().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_events(connection: sqlite3.Connection, after: int, limit: int) -> list[Stored]:
    """As `Journal.read`, within an open transaction."""
    rows = connection.execute(
        "SELECT seq, id, kind, time_us, received_us, origin, body FROM events"
        " WHERE seq > ? ORDER BY seq LIMIT ?",
        (after, limit),
    )
    return [Stored(*row) for row in rows]
