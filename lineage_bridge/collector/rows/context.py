"""One record of the journal while it is applied to the tables, and the state that this needs.

A record is an event, a command or a refused event.
"""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from dataclasses import dataclass, field

from lineage_bridge.collector.dialect import hashes
from lineage_bridge.collector.dialect.errors import RefusedEventError
from lineage_bridge.collector.rows import dataset_row, job_row
from lineage_bridge.collector.rows.dataset_row import DatasetRow, VersionRow
from lineage_bridge.collector.rows.job_row import JobRow

OWNER = "anonymous"
SOURCE_TYPE = "POSTGRESQL"  # Marquez gives this type to every source that an event names
_UNFORMATTED = re.compile(r"[^a-zA-Z0-9:/\-_.@+]")


@dataclass(slots=True)
class Batch:
    """Records that are applied together, and the rows that they read and write only once.

    Rows are changed in memory and written by `flush`; code that reads from the tables in between
    must first write the rows that may have changed (see `save_versions`).

    Attributes:
        namespaces: namespaces that are known to exist and to be visible.
        events: counts per hour and type, still to be added to the table.
        sources: by name: URL, first and last mention, still to be written.
        jobs: mentioned jobs, by namespace and name.
        datasets: mentioned datasets, by row; `dataset_ids` has their rows by namespace and name.
        versions: mentioned versions, by row; `version_ids` has their rows by hash.
        changed: the rows of versions that are still to be written.
    """

    namespaces: set[str] = field(default_factory=set)
    events: Counter[tuple[int, str]] = field(default_factory=Counter)
    sources: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    jobs: dict[tuple[str, str], JobRow] = field(default_factory=dict)
    datasets: dict[int, DatasetRow] = field(default_factory=dict)
    dataset_ids: dict[tuple[str, str], int] = field(default_factory=dict)
    versions: dict[int, VersionRow] = field(default_factory=dict)
    version_ids: dict[str, int] = field(default_factory=dict)
    changed: set[int] = field(default_factory=set)

    def save(self, connection: sqlite3.Connection) -> None:
        """Write all changes that are in memory; keep the rows there."""
        self._flush_counts(connection)
        self.save_versions(connection)
        dataset_row.save_datasets(connection, self.datasets.values())
        job_row.save_all(connection, self.jobs.values())

    def flush(self, connection: sqlite3.Connection) -> None:
        """Write all changes that are in memory, and drop the rows that a command may change."""
        self.save(connection)
        self.namespaces.clear()
        self.versions.clear()
        self.version_ids.clear()
        self.datasets.clear()
        self.dataset_ids.clear()
        self.jobs.clear()

    def save_versions(self, connection: sqlite3.Connection) -> None:
        """Write the versions that have changed in memory."""
        versions = [self.versions[version] for version in self.changed]
        dataset_row.save_versions(connection, versions)
        self.changed.clear()

    def _flush_counts(self, connection: sqlite3.Connection) -> None:
        connection.executemany(
            "INSERT INTO mq_event_hours (hour, type, events) VALUES (?, ?, ?)"
            " ON CONFLICT (hour, type) DO UPDATE SET events = events + excluded.events",
            [(hour, kind, events) for (hour, kind), events in self.events.items()],
        )
        self.events.clear()
        connection.executemany(
            "INSERT INTO mq_sources (name, type, url, created_us, updated_us)"
            " VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET type = excluded.type,"
            " url = excluded.url, updated_us = excluded.updated_us",
            [(name, SOURCE_TYPE, *source) for name, source in self.sources.items()],
        )
        self.sources.clear()


@dataclass(slots=True)
class Context:
    """A record while it is applied.

    Attributes:
        connection: within the transaction that stores how far the tables have come.
        batch: the records that are applied together with it.
        seq: the record's number; the ids of new rows are made from it.
        at_us: its event time.
        received_us: its arrival; Marquez uses its own clock instead.
        may_have_nulls: False if its JSON surely has no null.
    """

    connection: sqlite3.Connection
    batch: Batch
    seq: int
    at_us: int
    received_us: int
    may_have_nulls: bool = True

    def uuid(self, purpose: str) -> str:
        """Make the id of a row that this record creates."""
        return hashes.row_uuid(self.seq, purpose)

    def mention_source(self, name: str, url: str) -> None:
        """Note that a source is mentioned; its last mention gives its URL."""
        held = self.batch.sources.get(name)
        first_us = self.at_us if held is None else held[1]
        self.batch.sources[name] = (url, first_us, self.at_us)

    def ensure_namespace(self, name: str) -> None:
        """Create a namespace, or make it visible again."""
        if name in self.batch.namespaces:
            return
        self.batch.namespaces.add(name)
        self.connection.execute(
            "INSERT INTO mq_namespaces (name, created_us, updated_us, owner) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (name) DO UPDATE SET is_hidden = 0 WHERE is_hidden",
            (name, self.at_us, self.at_us, OWNER),
        )


def formatted(namespace: str) -> str:
    """Replace the characters that Marquez replaces in a namespace (`formatNamespaceName`)."""
    return _UNFORMATTED.sub("_", namespace)


def refuse(reason: str, status: int = 500) -> RefusedEventError:
    """Make the error for something that Marquez's database or classes refuse in mid-event."""
    return RefusedEventError(status, reason)
