"""Turns: what only one process may do at a time on a home, it does while it holds a lease.

A lease is an exclusive lock on an empty SQLite file in `locks/`, so it is gone when its process is,
on every system. Whoever works for long gives it back after each pass (`PASS_SECONDS`), so that
several processes take turns and none of them fails.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

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
    """Hold the lease of a name within the block, where it can be had.

    Args:
        home: the data folder.
        name: of what is done by one at a time; the lock's file is called by it.
        wait: asked while another process holds it; it may sleep, and gives up by returning False.

    Yields:
        Whether it is held.

    Raises:
        JournalError: the lock's file cannot be opened.
    """
    folder = home / LOCKS
    try:
        folder.mkdir(exist_ok=True)
        connection = sqlite3.connect(
            folder / f"{name}.lock", timeout=0, isolation_level=None, check_same_thread=False
        )
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
    """A `wait` that polls for so many seconds."""
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
    return JournalError(f"Cannot lock `{home}` for {name}: {exc}.")
