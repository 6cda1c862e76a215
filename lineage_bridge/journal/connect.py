"""Opening a database's file: for writing, or for reading where the folder may be read-only.

A connection begins no transaction by itself. Where one that writes waits for others is in
`database.begin_immediate`.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from lineage_bridge.journal.trouble import is_unwritable

BUSY_SECONDS = 30.0
BUSY_RETRY_SECONDS = 0.005


def connect_for_writing(
    path: Path, *, durable: bool = True, busy_seconds: float = BUSY_SECONDS
) -> sqlite3.Connection:
    """A connection that writes; the file is made if it is not there.

    Args:
        path: of the file.
        durable: a commit returns when it is on the disk.
        busy_seconds: how long to wait for others to open the file.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    connection = _connect(path.absolute().as_uri(), busy_seconds)
    deadline = time.monotonic() + busy_seconds
    (pages,) = _patiently(connection, "PRAGMA page_count", deadline)
    if not pages:  # only an empty file listens: its free pages can be given back bit by bit
        _patiently(connection, "PRAGMA auto_vacuum = INCREMENTAL", deadline)
    _patiently(connection, "PRAGMA journal_mode = WAL", deadline)
    connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
    return _tuned(connection)


def connect_for_reading(path: Path) -> sqlite3.Connection:
    """A connection that can only read.

    Raises:
        sqlite3.Error: it cannot be opened in any way.
    """
    refused: sqlite3.Error | None = None
    for database in _ways(path):
        connection = _connect(database, BUSY_SECONDS)
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
    """Open another file beside the one of a connection that can only read.

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
    # A reader opens the file for writing too, where it may: WAL needs its shared memory.
    uri = path.absolute().as_uri()
    yield f"{uri}?mode=rw"
    yield f"{uri}?mode=ro"  # in a read-only folder the log is read if its shared memory is there
    log = path.with_name(path.name + "-wal")
    if not log.exists() or not log.stat().st_size:
        # Nobody has the journal open for writing, and all of it is in the one file. With a log
        # this way would leave out what was written last.
        yield f"{uri}?mode=ro&immutable=1"


def _connect(uri: str, busy_seconds: float) -> sqlite3.Connection:
    return sqlite3.connect(
        uri, timeout=busy_seconds, isolation_level=None, check_same_thread=False, uri=True
    )


def _tuned(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.execute("PRAGMA cache_size = -8192")
    # Pages that many commits change are copied back once, not at each small checkpoint.
    connection.execute("PRAGMA wal_autocheckpoint = 8000")
    return connection


def _patiently(connection: sqlite3.Connection, statement: str, deadline: float) -> tuple[int, ...]:
    # Several may open a new home at once, and SQLite waits for none of these locks by itself.
    while True:
        try:
            return connection.execute(statement).fetchone() or ()
        except sqlite3.OperationalError as exc:
            if exc.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(BUSY_RETRY_SECONDS)
