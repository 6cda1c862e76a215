"""Open a database's file: for writing, or for reading in a folder that may be read-only.

A connection begins no transaction by itself. `database.begin_immediate` begins one, and waits there
for other writers.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from lineage_bridge import forks
from lineage_bridge.journal.trouble import is_unwritable, size_of

BUSY_SECONDS = 30.0
BUSY_RETRY_SECONDS = 0.005


def connect_for_writing(
    path: Path, *, durable: bool = True, busy_seconds: float = BUSY_SECONDS
) -> sqlite3.Connection:
    """Open a connection that can write; create the file if it is not there.

    Args:
        path: the file.
        durable: a commit returns only when it is on the disk.
        busy_seconds: how long to wait for others to open the file.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    connection = forks.connect(path.absolute().as_uri(), timeout=busy_seconds, uri=True)
    deadline = time.monotonic() + busy_seconds
    try:
        (pages,) = _patiently(connection, "PRAGMA page_count", deadline)
        if not pages:  # only an empty file accepts this mode, in which it can shrink bit by bit
            _patiently(connection, "PRAGMA auto_vacuum = INCREMENTAL", deadline)
        _patiently(connection, "PRAGMA journal_mode = WAL", deadline)
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        return _tuned(connection)
    except BaseException:
        connection.close()
        raise


def connect_for_reading(path: Path) -> sqlite3.Connection:
    """Open a connection that can only read.

    Raises:
        sqlite3.Error: it cannot be opened in any way.
    """
    refused: sqlite3.Error | None = None
    for database in _ways(path):
        connection = forks.connect(database, timeout=BUSY_SECONDS, uri=True)
        try:
            connection.execute("PRAGMA query_only = ON")
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()  # this opens the files
        except sqlite3.OperationalError as exc:
            connection.close()
            if not is_unwritable(exc):
                raise
            refused = refused or exc
        else:
            return _tuned(connection)
    assert refused is not None
    raise refused


def attach_for_reading(connection: sqlite3.Connection, path: Path, name: str) -> None:
    """Attach a second file to a connection that can only read.

    Raises:
        sqlite3.Error: it cannot be opened in any way.
    """
    refused: sqlite3.Error | None = None
    for database in _ways(path):
        try:
            connection.execute(f"ATTACH ? AS {name}", (database,))
            connection.execute(f"SELECT 1 FROM {name}.sqlite_master").fetchone()
        except sqlite3.DatabaseError as exc:
            if any(row[1] == name for row in connection.execute("PRAGMA database_list")):
                connection.execute(f"DETACH {name}")
            if not is_unwritable(exc):
                raise
            refused = refused or exc
        else:
            return
    assert refused is not None
    raise refused


def _ways(path: Path) -> Iterator[str]:
    # A reader too opens the file for writing where it may: WAL needs the shared-memory file.
    uri = path.absolute().as_uri()
    yield f"{uri}?mode=rw"
    yield f"{uri}?mode=ro"  # in a read-only folder this reads the log if its shared memory exists
    if not size_of(path.with_name(path.name + "-wal")):
        # Nobody has the journal open for writing, and all of it is in the one file. If there were
        # a log, this way of opening would miss the latest writes.
        yield f"{uri}?mode=ro&immutable=1"


def _tuned(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.execute("PRAGMA cache_size = -8192")
    # A page that many commits change is copied back once, not at each of many small checkpoints.
    connection.execute("PRAGMA wal_autocheckpoint = 8000")
    return connection


def _patiently(connection: sqlite3.Connection, statement: str, deadline: float) -> tuple[int, ...]:
    # Several processes may open a new home at once; SQLite itself waits for none of these locks.
    while True:
        try:
            return connection.execute(statement).fetchone() or ()
        except sqlite3.OperationalError as exc:
            if exc.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(BUSY_RETRY_SECONDS)
