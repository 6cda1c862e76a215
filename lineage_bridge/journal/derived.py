"""The second file of a home: tables derived from the journal, which may be deleted at any time.

Folding writes here, so it never takes the lock that appending needs. The journal stores a number,
the generation, that tells which file is current: `models.db`, and after the n-th rebuild
`models-<n>.db`. A rebuild makes the new file beside the old one and switches by changing this
number in one transaction, so a reader sees the whole old file or the whole new one.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lineage_bridge.journal.database import Database
from lineage_bridge.journal.trouble import is_damage

_MODELS = """
CREATE TABLE IF NOT EXISTS models (
    name TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    seq INTEGER NOT NULL,         -- the last event that the model's tables contain
    received_us INTEGER,          -- its arrival, by which it is known again
    part BLOB                     -- of the event after it: how much of it the tables contain
)"""
_log = logging.getLogger(__name__)
_FILES = "models*.db*"


def derived_path(home: Path, generation: int) -> Path:
    """Return the path of a generation's file."""
    return home / (f"models-{generation}.db" if generation else "models.db")


def create_models(connection: sqlite3.Connection) -> None:
    """Create the table of models, and add the columns that older homes lack."""
    connection.execute(_MODELS)
    known = {row[1] for row in connection.execute("PRAGMA table_info(models)")}
    for column, kind in (("received_us", "INTEGER"), ("part", "BLOB")):
        if column not in known:
            connection.execute(f"ALTER TABLE models ADD COLUMN {column} {kind}")


def discard_damaged(path: Path) -> None:
    """Delete a file that is no database any more: its content will be derived again."""
    _log.warning("`%s` is damaged; what it held is derived from the journal again.", path)
    for suffix in ("", "-wal", "-shm"):
        path.with_name(f"{path.name}{suffix}").unlink(missing_ok=True)


class Derived:
    """Opens the current generation's file for writing, and the next one's after a rebuild.

    Args:
        home: the data folder.
        generation: returns the number of the current generation.
    """

    def __init__(self, home: Path, generation: Callable[[], int]) -> None:
        self._home = home
        self._generation = generation
        self._database: Database | None = None

    @property
    def path(self) -> Path:
        """The current file; it may not be there yet."""
        return derived_path(self._home, self._generation())

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write in one transaction, without fsync: what a power cut loses is derived again.

        Raises:
            sqlite3.Error: SQLite refused.
        """
        with self._current().transaction() as connection:
            yield connection

    def _current(self) -> Database:
        path = self.path
        if self._database is None or self._database.path != path or not path.exists():
            self.close()
            self._database = self._opened(path)
        return self._database

    def _opened(self, path: Path) -> Database:
        try:
            return Database(path, durable=False, on_open=_prepare)
        except sqlite3.DatabaseError as exc:
            if not is_damage(exc):
                raise
            discard_damaged(path)
            return Database(path, durable=False, on_open=_prepare)

    def close(self) -> None:
        """Close the file."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def remove_others(self) -> None:
        """Delete the files of past generations. Whoever still reads one can go on reading it."""
        current = self.path.name
        for path in self._home.glob(_FILES):
            if not path.name.startswith(current):
                path.unlink(missing_ok=True)


def _prepare(connection: sqlite3.Connection) -> None:
    if not connection.execute("PRAGMA table_info(models)").fetchall():
        create_models(connection)
