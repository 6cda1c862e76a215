"""Leases: work that only one process may do at a time on a home is done under a lease.

A lease is an exclusive lock on an empty SQLite file in `locks/`, so it ends with its process, on
every operating system. A process that works for long returns the lease after each pass
(`PASS_SECONDS`): several processes take turns, and none of them fails.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lineage_bridge import forks
from lineage_bridge.errors import JournalError

LOCKS = "locks"  # the folder in a home
PASS_SECONDS = 2.0
_POLL_SECONDS = 0.005


@contextmanager
def lease(
    home: Path,
    name: str,
    *,
    wait: Callable[[], bool] = lambda: False,
) -> Iterator[bool]:
    """Try to take a lease, and keep it until the block ends.

    Args:
        home: the data folder.
        name: of the work; the lock's file has this name.
        wait: called while another process has the lease; it may sleep, and returns False to give
            up.

    Yields:
        Whether this process has the lease.

    Raises:
        JournalError: the lock's file cannot be opened for writing.
    """
    path = home / LOCKS / f"{name}.lock"
    try:
        path.parent.mkdir(exist_ok=True)
        connection = forks.connect(path)
        if not os.access(path, os.W_OK):  # SQLite would "lock" it, and so for everybody at once
            connection.close()
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    except (OSError, sqlite3.Error) as exc:
        raise _error(home, name, exc) from exc
    try:
        held = _is_locked(connection, home, name)
        while not held and wait():
            held = _is_locked(connection, home, name)
        yield held
    finally:
        connection.close()


def patient(
    seconds: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Callable[[], bool]:
    """Make a `wait` for `lease` that polls for so many seconds."""
    deadline = clock() + seconds

    def wait() -> bool:
        sleep(_POLL_SECONDS)
        return clock() < deadline

    return wait


def _is_locked(connection: sqlite3.Connection, home: Path, name: str) -> bool:
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as exc:
        if exc.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            return False
        raise _error(home, name, exc) from exc
    return True


def _error(home: Path, name: str, exc: Exception) -> JournalError:
    return JournalError(
        f"Cannot lock `{home}` for {name}: {exc}. `{LOCKS}` there must be a folder that can be "
        "written; if it is damaged, delete it while nothing uses this home: it holds only locks."
    )
