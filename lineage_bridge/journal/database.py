"""One SQLite file that this process writes: short transactions, and never into a file that is gone.

Invariant: when `transaction()` has committed, the rows are in the file that the path names at that
time. A file that was deleted or replaced while a connection has it open would accept every write
without an error, and all of them would be lost.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lineage_bridge import forks
from lineage_bridge.journal.connect import BUSY_SECONDS, connect_for_writing

_FIRST_PAUSE_SECONDS = 0.0005
_LONGEST_PAUSE_SECONDS = 0.01

Identity = tuple[int, int]  # device and inode


class FileGoneError(OSError):
    """The file is no longer there."""


def identity_of(path: Path) -> Identity | None:
    """Return which file a path names now; None if there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - asked before each transaction: a Path costs more
    except OSError:
        return None
    return found.st_dev, found.st_ino


class Database:
    """A file that one thread of this process writes at a time. Other processes may write too.

    Args:
        path: the file; created if it is not there.
        durable: a commit is on the disk when it returns; else it may still be in the operating
            system's memory, and a power cut brings back an older state.
        busy_seconds: how long to wait for other writers.
        on_open: called with each new connection: when the file is opened, and again when another
            file has taken its place.
    """

    def __init__(
        self,
        path: Path,
        *,
        durable: bool = True,
        busy_seconds: float = BUSY_SECONDS,
        on_open: Callable[[sqlite3.Connection], None] | None = None,
    ) -> None:
        self.path = path
        self.identity: Identity | None = None
        self._durable = durable
        self._busy_seconds = busy_seconds
        self._on_open = on_open
        self._lock = threading.RLock()
        self._open()

    def _open(self) -> None:
        self._connection = connect_for_writing(
            self.path, durable=self._durable, busy_seconds=self._busy_seconds
        )
        self.identity = identity_of(self.path)
        try:
            if self._on_open is not None:
                self._on_open(self._connection)
        except BaseException:
            self._connection.close()
            self.identity = None  # the next transaction opens it again
            raise

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write in one transaction: it keeps all changes, or none of them.

        Raises:
            FileGoneError: the file is no longer there.
            JournalError: this is a forked process, and the file was opened before the fork.
            sqlite3.Error: SQLite refused.
        """
        with self._locked():
            self.begin()
            try:
                yield self._connection
            except BaseException:
                self._rollback()
                raise
            self._commit()

    def begin(self) -> None:
        """Begin a write transaction, after other writers, in the file that is there now."""
        self._follow_path()
        begin_immediate(self._connection, self._busy_seconds)
        if identity_of(self.path) != self.identity:  # replaced while this waited for others
            self._rollback()
            self._follow_path()
            begin_immediate(self._connection, self._busy_seconds)

    def follow(self) -> None:
        """Open the file that the path names now, if it is another one.

        Raises:
            FileGoneError: there is no file.
            sqlite3.Error: SQLite refused.
        """
        with self._locked():
            self._follow_path()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        forks.check()  # first, since a thread that the fork left behind may have the lock
        with self._lock:
            yield

    def _follow_path(self) -> None:
        found = identity_of(self.path)
        if found is None:
            raise FileGoneError(f"`{self.path}` is no longer there")
        if found != self.identity:
            self._connection.close()
            self._open()

    def _commit(self) -> None:
        forks.check()
        try:
            self._connection.execute("COMMIT")
        except BaseException:
            self._rollback()
            raise

    def _rollback(self) -> None:
        if self._connection.in_transaction and not forks.is_cut_off():
            self._connection.execute("ROLLBACK")

    @contextmanager
    def alone(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection outside of a transaction, where SQLite requires that."""
        with self._locked():
            self._follow_path()
            yield self._connection

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._connection.close()


def begin_immediate(connection: sqlite3.Connection, seconds: float) -> None:
    """Begin a write transaction as soon as nobody else has one.

    SQLite's own waiting sleeps up to a tenth of a second at a time, while the other writers here
    take about a millisecond.

    Raises:
        sqlite3.OperationalError: other writers left no gap for so many seconds.
    """
    deadline = time.monotonic() + seconds
    pause = _FIRST_PAUSE_SECONDS
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        while not _has_begun(connection, deadline):
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")


def _has_begun(connection: sqlite3.Connection, deadline: float) -> bool:
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as exc:
        if exc.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
            raise
        return False
    return True
