"""The journal: events in the order of arrival, in SQLite, in the one file that must not be lost.

The data folder ("home") has two files: `journal.db` has the events and all that cannot be derived
from them; `models.db` has the tables that can (see `derived`). Both use WAL. The journal is written
with `synchronous=FULL`: a committed transaction survives a power cut. One writer at a time, many
readers; several processes may share a home. An epoch is the time in which one and the same file is
the journal.

Invariants: sequence numbers are ordered by commit, so whoever saw n never sees a new n - 1. Inside
a transaction nobody reads a file, uses the network or computes for long.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, Self

from lineage_bridge import forks
from lineage_bridge.errors import HomeGoneError, JournalError
from lineage_bridge.events import KINDS, Event, digest_of
from lineage_bridge.journal import home_tables, takeover
from lineage_bridge.journal.connect import BUSY_SECONDS
from lineage_bridge.journal.database import Database, FileGoneError, Identity, identity_of
from lineage_bridge.journal.derived import Derived
from lineage_bridge.journal.home_tables import Stored, read_events
from lineage_bridge.journal.migrations import Room, has_table, migrate, pending
from lineage_bridge.journal.readers import ReaderPool
from lineage_bridge.journal.trouble import (
    advice_on,
    check_files,
    damaged,
    derived_is_damaged,
    is_damage,
    is_sound,
    no_journal,
    size_of,
)

SHRINK_PAGES = 64  # removed from the file in one transaction: a millisecond or two

_log = logging.getLogger(__name__)

Origin = Literal["artifact", "http", "transport", "follow", "import"]
Progress = Callable[[str, int, int], None]  # name of the step, how much is done, of how much


class Transaction:
    """A write transaction: append events, and change other tables along with them.

    It ends with its block and is useless afterwards.
    """

    def __init__(self, connection: sqlite3.Connection, received_us: int) -> None:
        self._connection: sqlite3.Connection | None = connection
        self._received_us = received_us
        # A pipeline appends to a home of an older version without changing its tables.
        self._keeps_digests = has_table(connection, "digests")

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection, for as long as the transaction lasts."""
        if self._connection is None:
            raise RuntimeError("a transaction is used after its end")
        forks.check()
        return self._connection

    def append(self, event: Event, origin: Origin) -> int | None:
        """Append one event; return its number, or None if the journal has or had it.

        An event of ours is known by its id, anybody else's by its content. What is no event (a
        command, or one that was refused) is appended each time.
        """
        if event.id is not None:
            return None if self._was_pruned(event.id) else self._insert(event, origin)
        if event.kind not in KINDS or not self._keeps_digests:
            return self._insert(event, origin)
        digest = digest_of(event.body)
        if home_tables.has_digest(self.connection, event.time_us, digest):
            return None
        seq = self._insert(event, origin)
        assert seq is not None  # only an id may be there already
        home_tables.keep_digest(self.connection, event.time_us, digest, seq)
        return seq

    def _insert(self, event: Event, origin: Origin) -> int | None:
        cursor = self.connection.execute(
            "INSERT INTO events (id, kind, time_us, received_us, origin, body)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (event.id, event.kind, event.time_us, self._received_us, origin, event.body),
        )
        return cursor.lastrowid if cursor.rowcount == 1 else None

    def _was_pruned(self, event_id: str) -> bool:
        found = self.connection.execute("SELECT 1 FROM pruned_ids WHERE id = ?", (event_id,))
        return found.fetchone() is not None

    def end(self) -> None:
        """End the use of this object: the connection is no longer available from it."""
        self._connection = None


class Journal:
    """An open journal. Threads may share it; close it when done.

    Args:
        home: the data folder; created if it is not there.
        readonly: open an existing journal for reading only.
        busy_seconds: how long to wait for other writers.
        take_over: convert a home of an older version to this one's format; without that, events
            can be appended to it, and nothing more.
        progress: called with how far the conversion is.

    Attributes:
        epoch: how often another file has taken the place of the one that was open. Anything
            remembered of the journal's content is valid for one epoch only.
        identity: the file that is open.

    Raises:
        JournalError: the folder or the database cannot be opened, or is newer than this version.
    """

    def __init__(
        self,
        home: Path,
        *,
        readonly: bool = False,
        busy_seconds: float = BUSY_SECONDS,
        take_over: bool = True,
        progress: Progress | None = None,
    ) -> None:
        self.home = home
        self.path = home / "journal.db"
        self.epoch = -1
        self.identity: Identity | None = None
        self._readonly = readonly
        self._busy_seconds = busy_seconds
        self._take_over = take_over
        self._progress = progress
        self._pool = ReaderPool(home, self.path, readonly=readonly)
        self._prepared: set[str] = set()
        self._database: Database | None = None
        self._closed = False
        self._is_gone = False
        self._is_loss_told = False
        self._found_sound: bool | None = None
        check_files(self.path)
        if readonly and not self.path.is_file():
            raise no_journal(home)
        self.derived = Derived(home, self._generation)
        try:
            if readonly:
                self._pool.give_back(self._pool.take(self._followed()))
            else:
                home.mkdir(parents=True, exist_ok=True)
                self._database = Database(
                    self.path, busy_seconds=busy_seconds, on_open=self._begin_epoch
                )
        except (OSError, sqlite3.Error) as exc:
            raise self._error("open", exc) from exc

    def _begin_epoch(self, connection: sqlite3.Connection) -> None:
        self.epoch += 1
        self.identity = identity_of(self.path)
        self._prepared.clear()
        home_tables.check_format(connection, self.path)
        takeover.take_over(
            connection,
            self.home,
            self._progress,
            move=self._take_over,
            busy_seconds=self._busy_seconds,
        )

    def _error(self, verb: str, exc: Exception) -> JournalError:
        if isinstance(exc, FileGoneError):
            return self._gone()
        if is_damage(exc):
            return damaged(self.path, verb, str(exc))
        advice = advice_on(exc, readonly=self._readonly)
        return JournalError(f"Cannot {verb} the journal `{self.path}`: {exc}. {advice}")

    def _gone(self) -> HomeGoneError:
        told = HomeGoneError(
            f"The journal `{self.path}` is no longer there: its folder was moved or deleted. "
            "Nothing is taken until it is there again."
        )
        if not self._is_gone:  # one log line, however many callers find it gone
            self._is_gone = True
            _log.error("%s", told)
        return told

    def prepare(self, room: Room) -> None:
        """Run the pending migrations of a room's tables in this home.

        Raises:
            JournalError: a newer version changed them, or SQLite refused.
        """
        if room.name in self._prepared:
            return
        with self.reading() as connection:
            is_due = bool(pending(connection, room))
        if is_due:
            with self.transaction() as tx:
                migrate(tx.connection, room)
        self._prepared.add(room.name)

    @contextmanager
    def transaction(self, *, received_us: int | None = None) -> Iterator[Transaction]:
        """Write in one durable transaction: it keeps all changes, or none of them.

        Raises:
            JournalError: SQLite refused (disk full, folder read-only, locked for too long), or the
                journal is no longer where it was.
        """
        if self._database is None or self._closed:
            raise JournalError(f"The journal `{self.path}` is not open for writing.")
        try:
            with self._database.transaction() as connection:
                arrival = time.time_ns() // 1000 if received_us is None else received_us
                tx = Transaction(connection, arrival)
                try:
                    yield tx
                finally:
                    tx.end()
        except (FileGoneError, sqlite3.Error) as exc:
            raise self._error("write", exc) from exc

    def append(self, events: Iterable[Event], origin: Origin) -> list[int | None]:
        """Append events in one transaction; they are durable when this returns."""
        listed = list(events)  # a generator runs before the transaction, not in it
        with self.transaction() as tx:
            return [tx.append(event, origin) for event in listed]

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection that sees one consistent state of both files; never wait for a writer.

        The derived tables that it sees are never ahead of the events that it sees.

        Raises:
            JournalError: SQLite could not read.
        """
        try:
            reader = self._pool.take(self._followed())
        except (OSError, sqlite3.Error) as exc:
            raise self._error("read", exc) from exc
        try:
            yield reader.connection
        except sqlite3.Error as exc:
            if reader.path is not None and is_damage(exc) and self._is_sound(reader.connection):
                raise derived_is_damaged(f"{exc} (`{reader.path}`)") from exc
            raise self._error("read", exc) from exc
        finally:
            self._pool.give_back(reader)

    def _is_sound(self, connection: sqlite3.Connection) -> bool:
        """Return whether the journal's own file is sound; it is read through once."""
        if self._found_sound is None:
            self._found_sound = is_sound(connection)
        return self._found_sound

    def tell_of_loss(self) -> None:
        """Log once that something was derived from events that the journal does not have."""
        if not self._is_loss_told:
            self._is_loss_told = True
            _log.warning(
                "The journal `%s` does not have events from which something was derived already: "
                "its log (`journal.db-wal`) was lost or damaged, or an earlier copy was put back.",
                self.path,
            )

    def check(self) -> None:
        """Check that the journal is still there, and follow it into a file that replaced it.

        Raises:
            HomeGoneError: the journal's file is gone.
        """
        try:
            self._followed()
        except FileGoneError as exc:
            raise self._gone() from exc

    def _followed(self) -> Identity:
        """Return which file the journal is now; if it is another one, begin a new epoch."""
        identity = identity_of(self.path)
        if identity is None:
            raise FileGoneError(str(self.path))
        if self._is_gone:
            self._is_gone = False
            _log.warning("The journal `%s` is there again.", self.path)
        if identity != self.identity and not self._closed:
            if self._database is not None:
                self._database.follow()
            else:
                self.epoch += 1
            self.identity = identity
        return identity

    def _generation(self) -> int:
        with self.reading() as connection:
            return home_tables.generation(connection)

    def read(self, after: int = 0, limit: int = 1000, max_bytes: int | None = None) -> list[Stored]:
        """Read events after a sequence number, in the order of arrival.

        Args:
            after: only events with greater numbers are read.
            limit: read at most so many.
            max_bytes: stop once their bodies together have this size.
        """
        with self.reading() as connection:
            return read_events(connection, after, limit, max_bytes)

    def last_seq(self) -> int:
        """Return the sequence number of the newest event, 0 if there is none."""
        with self.reading() as connection:
            return int(connection.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()[0])

    def is_readable(self) -> bool:
        """Return whether the journal is where it was, and its events can be read."""
        try:
            self.last_seq()
        except JournalError:
            return False
        return True

    def bytes_on_disk(self) -> int:
        """Return the size of both files with their logs."""
        return sum(
            size_of(path)
            for base in (self.path, self.derived.path)
            for path in (base, base.with_name(f"{base.name}-wal"))
        )

    def shrink(self) -> None:
        """Shrink the file after rows were deleted, a few pages at a time (incremental vacuum).

        Raises:
            JournalError: SQLite refused (no room for the log, locked for too long).
        """
        while True:
            with self.transaction() as tx:
                (free,) = tx.connection.execute("PRAGMA freelist_count").fetchone()
                tx.connection.execute(f"PRAGMA incremental_vacuum({SHRINK_PAGES})").fetchall()
                (left,) = tx.connection.execute("PRAGMA freelist_count").fetchone()
            if not left or left >= free:  # a file without `auto_vacuum` keeps its free pages
                return

    def checkpoint(self) -> None:
        """Copy the log into the file, as far as readers allow; wait for nobody.

        Raises:
            JournalError: SQLite refused.
        """
        assert self._database is not None
        try:
            with self._database.alone() as connection:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except (FileGoneError, sqlite3.Error) as exc:
            raise self._error("write", exc) from exc

    def close(self) -> None:
        """Close all connections; a second call does nothing, nor does one in a forked process."""
        if self._closed or forks.is_cut_off():
            return
        self._closed = True
        if self._database is not None:
            self._database.close()
        self.derived.close()
        self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
