"""What the handlers share: the journal, its writer, and tables that are never behind.

A write is in the journal, and in the tables, when it returns; a read waits for the tables only if
someone else has appended to the journal since.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import msgspec

from lineage_bridge.collector.model import COMMAND, CollectorModel
from lineage_bridge.events import Event
from lineage_bridge.journal import Journal, Writer, catch_up
from lineage_bridge.journal.models import is_current

DEFAULT_NAMESPACE = "default"
_DESCRIPTION = (
    "The default global namespace for dataset, job, and run metadata not belonging to a "
    "user-specified namespace."
)


class Api:
    """An open journal as the API's state. `close()` ends the writer, not the journal."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.model = CollectorModel()
        catch_up(journal, self.model)
        self._writer = Writer(journal, self.model)

    def seed(self, tags: dict[str, str]) -> None:
        """Make what a fresh Marquez has: its default namespace, and the configured tags."""
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

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A consistent state that holds all that is in the journal now."""
        with self.journal.reading() as connection:
            behind = not is_current(connection, self.model)
        if behind:
            catch_up(self.journal, self.model)
        with self.journal.reading() as connection:
            yield connection

    def submit(self, events: Sequence[Event]) -> Future[list[int | None]]:
        """Append events; the future is done when they are durable and in the tables."""
        return self._writer.submit_all(events, "http")

    def write(self, op: str, **arguments: Any) -> None:
        """Append a command, and wait until it is durable and in the tables."""
        body = msgspec.json.encode({"op": op, **arguments})
        self.submit([Event(body, COMMAND, time.time_ns() // 1000)]).result()

    def close(self) -> None:
        """Write what was submitted, then end."""
        self._writer.close()
