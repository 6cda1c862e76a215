"""A pool of connections that read both files of a home as one database."""

from __future__ import annotations

import queue
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from lineage_bridge import forks
from lineage_bridge.errors import JournalError
from lineage_bridge.journal.connect import attach_for_reading, connect_for_reading
from lineage_bridge.journal.database import Identity, identity_of
from lineage_bridge.journal.derived import derived_path, discard_damaged
from lineage_bridge.journal.home_tables import generation
from lineage_bridge.journal.trouble import is_damage

MAX_IDLE = 8


@dataclass(slots=True)
class Reader:
    """A connection within a transaction, and which files it has open.

    Attributes:
        connection: its main file is the journal; the derived file is attached as `models`.
        journal: identity of the journal's file.
        derived: identity of the derived file.
        path: path of the derived file.
        is_attached: whether the derived file is attached; one that is no database is not.
    """

    connection: sqlite3.Connection
    journal: Identity
    derived: Identity | None = None
    path: Path | None = None
    is_attached: bool = False


class ReaderPool:
    """The readers of a home. Threads may share it.

    Args:
        home: the data folder.
        path: of the journal's file.
        readonly: never delete a derived file, even a damaged one.
    """

    def __init__(self, home: Path, path: Path, *, readonly: bool) -> None:
        self._home = home
        self._path = path
        self._readonly = readonly
        self._idle: queue.LifoQueue[Reader] = queue.LifoQueue()
        self._is_closed = False

    def take(self, journal: Identity) -> Reader:
        """Return a reader of the current files, in a transaction.

        The derived tables that it sees are never ahead of the events that it sees.

        Raises:
            JournalError: this is a forked process, and the journal was opened before the fork.
            sqlite3.Error: a file cannot be read.
        """
        forks.check()
        reader = self._idle_reader(journal)
        try:
            while not self._begin(reader):
                pass
        except BaseException:
            reader.connection.close()
            raise
        return reader

    def _idle_reader(self, journal: Identity) -> Reader:
        while True:
            try:
                reader = self._idle.get_nowait()
            except queue.Empty:
                return Reader(connect_for_reading(self._path), journal)
            if reader.journal == journal:
                return reader
            reader.connection.close()

    def _begin(self, reader: Reader) -> bool:
        """Begin a transaction; if the derived file is a new one, attach that and return False."""
        connection = reader.connection
        connection.execute("BEGIN")
        if reader.is_attached:  # read this file first: its state is then older than the events'
            connection.execute("SELECT 1 FROM models.sqlite_master LIMIT 1").fetchone()
        path = derived_path(self._home, generation(connection))
        identity = identity_of(path)
        if identity == reader.derived and (identity is None or path == reader.path):
            return True
        connection.execute("COMMIT")
        if reader.is_attached:
            connection.execute("DETACH models")
        reader.derived, reader.path, reader.is_attached = identity, path, False
        if identity is not None:
            reader.is_attached = self._attach(connection, path)
        return False

    def _attach(self, connection: sqlite3.Connection, path: Path) -> bool:
        """Attach the derived file to the journal's; return False if it is no database any more."""
        try:
            attach_for_reading(connection, path, "models")
        except sqlite3.DatabaseError as exc:
            if path.is_dir():
                raise JournalError(
                    f"`{path}` is a folder, where the file of what is derived from the journal "
                    "should be. Move it away; the file is made again."
                ) from exc
            if not is_damage(exc):
                raise
            if not self._readonly:
                discard_damaged(path)
            return False
        return True

    def give_back(self, reader: Reader) -> None:
        """End a reader's transaction, and keep the reader for the next caller."""
        if forks.is_cut_off():
            return
        if not reader.is_attached:  # a file that is made anew may get the inode of a damaged one
            reader.derived = None
        try:
            if reader.connection.in_transaction:
                reader.connection.execute("COMMIT")
        except sqlite3.Error:  # SQLite may refuse after it met damage; nothing was written anyway
            reader.connection.close()
            return
        if self._is_closed or self._idle.qsize() >= MAX_IDLE:
            reader.connection.close()
        else:
            self._idle.put(reader)

    def close(self) -> None:
        """Close the idle readers now, and the others when they are given back."""
        self._is_closed = True
        while not self._idle.empty():
            self._idle.get_nowait().connection.close()
