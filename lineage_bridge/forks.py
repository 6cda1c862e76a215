"""All connections to SQLite, and what a fork of the process does to them.

The child of a fork has a copy of SQLite's memory, but not what that memory speaks of. Locks on
files stay with the parent, and a mutex that another thread holds is never given back. So a child
that uses or closes a connection of its parent may hang or damage the file, and a connection of its
own to a file that the parent has open takes the parent's locks for its own.
Source: https://www.sqlite.org/howtocorrupt.html, section 2.6, and SQLite's `os_unix.c`.

- A fork waits until the passages of other threads have ended: a passage is a short use of a home,
  from opening to closing it. None begins meanwhile. The child can then open what it likes.
- If a connection is open all the same, the child is cut off: it opens, uses and closes none. What
  it emits goes into the spool, which needs no SQLite.
- Other code of the process may use SQLite, too. A child opens its first connection in a thread; if
  that does not come back in time, the child is cut off as well.
"""

from __future__ import annotations

import ctypes
import os
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakSet

from lineage_bridge.errors import JournalError

FORK_SECONDS = 5.0  # a fork waits so long for passages; an `emit()` takes up to 2 s, seldom 4
FIRST_SECONDS = 2.0  # a child waits so long for its first connection


class _Connection(sqlite3.Connection):
    """A connection that is listed for as long as it is open."""

    def __init__(self, *args: Any, **options: Any) -> None:
        _open.add(self)
        try:
            super().__init__(*args, **options)
        except BaseException:
            _open.discard(self)
            raise

    def close(self) -> None:
        """Close it; do nothing where the process is cut off."""
        if not is_cut_off():
            super().close()
            _open.discard(self)


class _Gate:
    """Counts the passages under way; none begins while a thread forks, or waits to."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._passages: Counter[int] = Counter()  # by thread
        self._forking: set[int] = set()  # threads

    @contextmanager
    def passage(self) -> Iterator[None]:
        me = threading.get_ident()
        with self._changed:
            self._changed.wait_for(lambda: not self._forking or self._passages[me])
            self._passages[me] += 1
        try:
            yield
        finally:
            with self._changed:
                self._passages -= Counter([me])
                self._changed.notify_all()

    def shut(self) -> None:
        """Wait until no other thread is in a passage; keep the lock, so that none begins one."""
        me = threading.get_ident()
        self._changed.acquire()
        self._forking.add(me)
        self._changed.wait_for(lambda: self._passages.keys() <= {me}, FORK_SECONDS)

    def reopen(self) -> None:
        self._forking.discard(threading.get_ident())
        self._changed.notify_all()
        self._changed.release()

    def reopen_in_child(self) -> None:
        """Begin anew: the other threads are gone, and one of them may have had the lock."""
        me = threading.get_ident()
        self._changed = threading.Condition()
        self._passages = Counter({me: self._passages[me]})
        self._forking = set()


class _Process:
    """How this process may use SQLite.

    Attributes:
        is_cut_off: not at all.
        has_tried: it has opened a connection since it was forked, or was never forked.
    """

    def __init__(self) -> None:
        self.is_cut_off = False
        self.has_tried = True


_open: WeakSet[_Connection] = WeakSet()
_gate = _Gate()
_process = _Process()


def connect(database: str | Path, *, timeout: float = 0.0, uri: bool = False) -> sqlite3.Connection:
    """Open a connection that threads may share and that begins no transaction by itself.

    Args:
        database: the file.
        timeout: how many seconds its statements wait for the locks of others.
        uri: `database` is a URI.

    Raises:
        JournalError: this process is cut off from SQLite.
        sqlite3.Error: the file cannot be opened.
    """
    check()
    opening = partial(
        sqlite3.connect,
        database,
        timeout=timeout,
        uri=uri,
        isolation_level=None,
        check_same_thread=False,
        factory=_Connection,
    )
    return opening() if _process.has_tried else _first(opening)


def passage() -> AbstractContextManager[None]:
    """Enter a passage: all connections that are opened in it are closed in it, soon.

    It waits for a fork of another thread that is under way.
    """
    return _gate.passage()


def is_cut_off() -> bool:
    """Return whether this process is cut off from SQLite; its connections are its parent's."""
    return _process.is_cut_off


def check() -> None:
    """Check that this process may use SQLite.

    Raises:
        JournalError: it is cut off.
    """
    if _process.is_cut_off:
        raise JournalError(
            "This process was forked while SQLite was in use in its parent, so it cannot open a "
            "journal. The OpenLineage transport goes on and keeps events in the spool. For all "
            "else close every journal before the fork, or start a new process instead."
        )


def _first(opening: Callable[[], sqlite3.Connection]) -> sqlite3.Connection:
    """Open the first connection of a child in a thread, where a lost mutex can stop it."""
    future: Future[sqlite3.Connection] = Future()
    thread = threading.Thread(target=_open_in, args=(future, opening), daemon=True)
    try:
        thread.start()
    except RuntimeError:  # the interpreter ends, and starts no more threads
        return opening()
    try:
        connection = future.result(FIRST_SECONDS)
    except TimeoutError:
        _process.is_cut_off = True
        check()
        raise
    thread.join()  # it has nothing left to do; a fork that follows finds one thread less
    _process.has_tried = True
    return connection


def _open_in(future: Future[sqlite3.Connection], opening: Callable[[], sqlite3.Connection]) -> None:
    try:
        future.set_result(opening())
    except BaseException as exc:  # noqa: BLE001 - whoever waits for the future gets it
        future.set_exception(exc)


def _begin_child() -> None:
    _gate.reopen_in_child()
    _process.has_tried = False
    for connection in list(_open):
        _process.is_cut_off = True
        # Even the end of the interpreter must not close it, so it is never freed.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_gate.shut, after_in_parent=_gate.reopen, after_in_child=_begin_child
    )
