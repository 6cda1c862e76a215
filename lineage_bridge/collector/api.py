"""The state that the handlers share: the journal, its writer, and tables that follow it.

When a write returns, its command is in the journal and in the tables; a read sees the tables only.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import msgspec

from lineage_bridge.collector.dialect.errors import coded
from lineage_bridge.collector.fold.model import COMMAND, CollectorModel
from lineage_bridge.events import Event
from lineage_bridge.journal import Journal, Stored, Writer, catch_up
from lineage_bridge.journal.follower import Follower, FollowerThread, Mark

DEFAULT_NAMESPACE = "default"
WRITE_SECONDS = 60.0
_DESCRIPTION = (
    "The default global namespace for dataset, job, and run metadata not belonging to a "
    "user-specified namespace."
)
_TRIED_SEQ = 2**48 - 1  # number of an event that is only tried out; no real event has it

MakeFollower = Callable[[], Follower]


class Api:
    """An open journal as the API's state. `close()` ends the writer, not the journal.

    Args:
        journal: open for writing.
        make_follower: makes what keeps the tables up to date; the default is a thread.
    """

    def __init__(self, journal: Journal, make_follower: MakeFollower | None = None) -> None:
        self.journal = journal
        self._model = CollectorModel()
        catch_up(journal, self._model)
        self.follower = (
            FollowerThread(journal, [self._model]) if make_follower is None else make_follower()
        )
        self._writer = Writer(journal)
        self._thread = threading.local()

    def seed(self, tags: dict[str, str]) -> None:
        """Create what a fresh Marquez has: the default namespace, and the configured tags."""
        with self.reading() as connection:
            has_default = connection.execute(
                "SELECT 1 FROM mq_namespaces WHERE name = ?", (DEFAULT_NAMESPACE,)
            ).fetchone()
            known = dict(connection.execute("SELECT name, description FROM mq_tags").fetchall())
        if has_default is None:
            self.write(
                "put_namespace",
                name=DEFAULT_NAMESPACE,
                owner="anonymous",
                description=_DESCRIPTION,
            )
        for name, description in tags.items():
            if known.get(name) != description:
                self.write("put_tag", name=name, description=description)

    def list_namespaces(self) -> list[str]:
        """List every known namespace, under the names that events gave it."""
        with self.reading() as connection:
            return [name for (name,) in connection.execute("SELECT name FROM mq_namespaces")]

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection on one state of the tables, which may be behind the journal."""
        with self.journal.reading() as connection:
            yield connection

    def submit(self, events: Sequence[Event]) -> Future[list[int | None]]:
        """Append events; the future is done when they are durable."""
        return self._writer.submit_all(events, "http")

    def mark(self, seq: int | None = None) -> Mark:
        """Make the mark of a number in the open journal, by default of its last number."""
        last = self.journal.last_seq() if seq is None else seq
        return Mark(self.journal.identity, last)

    def write(self, op: str, **arguments: Any) -> None:
        """Append a command, and wait until it is durable and in the tables.

        Raises:
            ApiError: it took too long to reach the tables (503); it is durable and will get there.
        """
        body = msgspec.json.encode({"op": op, **arguments})
        (seq,) = self.submit([Event(body, COMMAND, time.time_ns() // 1000)]).result()
        self.follower.wake()
        self._thread.has_written = True
        if seq is not None and not self.follower.watermark.wait(self.mark(seq), WRITE_SECONDS):
            raise coded(503, "The change is kept, and will be visible later.")

    def forget_writing(self) -> None:
        """Begin with a request: nothing was written for it yet in the calling thread."""
        self._thread.has_written = False

    def has_written(self) -> bool:
        """Return whether anything was written in this thread since it began with its request."""
        return getattr(self._thread, "has_written", False)

    def try_out(self, event: Event) -> int:
        """Return the status for an event: apply it to the tables as they are now, and undo that."""
        now = time.time_ns() // 1000
        stored = Stored(_TRIED_SEQ, event.id, event.kind, event.time_us, now, "http", event.body)
        status = 201
        try:
            with self.journal.derived.transaction() as connection:
                status = self._model.try_out(connection, stored)
                raise _TriedOutError  # noqa: TRY301 - this undoes it
        except _TriedOutError:
            return status

    def close(self) -> None:
        """Write all submitted events, then end."""
        self._writer.close()
        self.follower.close()


class _TriedOutError(Exception):
    """Makes a transaction undo the writes that were only tried out."""
