"""Opening the journal's database: for writing, or for reading where the folder may be read-only.

A connection waits for others, and begins no transaction by itself.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from lineage_bridge.journal.trouble import is_unwritable

BUSY_SECONDS = 30.0
BUSY_RETRY_SECONDS = 0.01


def connect_for_writing(path: Path) -> sqlite3.Connection:
    """A connection that makes every commit durable; the file is made if it is not there.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    connection = _connect(path.absolute().as_uri())
    _use_wal(connection)
    connection.execute("PRAGMA synchronous = FULL")
    return _tuned(connection)


def connect_for_reading(path: Path) -> sqlite3.Connection:
    """A connection that can only read.

    Raises:
        sqlite3.Error: it cannot be opened in any way.
    """
    refused: sqlite3.Error | None = None
    for database in _ways(path):
        connection = _connect(database)
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


def _ways(path: Path) -> Iterator[str]:
    # A reader opens the file for writing too, where it may: WAL needs its shared memory.
    uri = path.absolute().as_uri()
    yield uri
    yield f"{uri}?mode=ro"  # in a read-only folder the log is read if its shared memory is there
    log = path.with_name(path.name + "-wal")
    if not log.exists() or not log.stat().st_size:
        # Nobody has the journal open for writing, and all of it is in the one file. With a log
        # this way would leave out what was written last.
        yield f"{uri}?mode=ro&immutable=1"


def _connect(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(
        uri, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, uri=True
    )


def _tuned(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.execute("PRAGMA cache_size = -8192")
    # Pages that many commits change are copied back once, not at each small checkpoint.
    connection.execute("PRAGMA wal_autocheckpoint = 8000")
    return connection


def _use_wal(connection: sqlite3.Connection) -> None:
    # Here SQLite does not wait for a lock by itself: several may open a new home at once.
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as exc:
            if exc.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(BUSY_RETRY_SECONDS)
        else:
            return
