"""The journal taken into the collector's tables, record by record.

The tables are a function of the journal alone: events as Marquez takes them (`reduce`), and the
other writes of its API (`commands`). A record that fails half-way keeps what it did before, as
there is no transaction around an event in Marquez either, and is listed in `mq_refused`.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Sequence

import msgspec

from lineage_bridge.collector import commands, reduce
from lineage_bridge.collector.context import Batch, Context
from lineage_bridge.collector.errors import RefusedEventError
from lineage_bridge.collector.poison import poison
from lineage_bridge.collector.tables import SCHEMA, TABLES
from lineage_bridge.events import kind_of
from lineage_bridge.journal import Stored

EVENT_KINDS = ("run", "dataset", "job")
COMMAND = "command"
REFUSED = "refused"
MAX_REMEMBERED = 10_000

_decode = msgspec.json.Decoder().decode


class CollectorModel:
    """The model `collector` of a journal (see `lineage_bridge.journal.models`)."""

    name = "collector"
    version = 2
    schema = SCHEMA
    tables = TABLES

    def __init__(self) -> None:
        self._statuses: OrderedDict[int, int] = OrderedDict()

    def apply(self, connection: sqlite3.Connection, events: Sequence[Stored]) -> None:
        """Take in records in the order of arrival, within the caller's transaction."""
        connection.execute("SAVEPOINT records")
        try:
            self._take_all(connection, events)
        except sqlite3.OperationalError:
            raise  # the disk is full or the database locked: nothing to do with the records
        except Exception:  # noqa: BLE001 - one record must not stop the others: find it
            connection.execute("ROLLBACK TO records")
            for event in events:
                self._take_alone(connection, event)
        connection.execute("RELEASE records")

    def status_of(self, seq: int | None) -> int:
        """What the POST of a record that was just taken in is answered with."""
        return 201 if seq is None else self._statuses.pop(seq, 201)

    def _take_alone(self, connection: sqlite3.Connection, event: Stored) -> None:
        connection.execute("SAVEPOINT record")
        try:
            self._take_all(connection, [event])
        except sqlite3.OperationalError:
            raise
        except Exception as exc:  # noqa: BLE001 - whatever it was, it is listed as refused
            connection.execute("ROLLBACK TO record")
            self._refused(connection, event, RefusedEventError(500, f"{type(exc).__name__}: {exc}"))
            _count(connection, event)
        connection.execute("RELEASE record")

    def _take_all(self, connection: sqlite3.Connection, events: Sequence[Stored]) -> None:
        batch = Batch()
        for event in events:
            try:
                _take(connection, batch, event)
            except RefusedEventError as exc:
                self._refused(connection, event, exc)
        batch.flush(connection)

    def _refused(
        self, connection: sqlite3.Connection, event: Stored, exc: RefusedEventError
    ) -> None:
        connection.execute(
            "INSERT OR REPLACE INTO mq_refused (seq, status, reason) VALUES (?, ?, ?)",
            (event.seq, exc.status, exc.reason),
        )
        self._statuses[event.seq] = exc.status
        if len(self._statuses) > MAX_REMEMBERED:
            self._statuses.popitem(last=False)


def _count(connection: sqlite3.Connection, event: Stored) -> None:
    """Count an event that could not be taken in: the feed shows it all the same."""
    if event.kind in EVENT_KINDS:
        batch = Batch()
        batch.events[event.time_us // reduce.HOUR_US, event.kind] += 1
        batch.flush(connection)


def _take(connection: sqlite3.Connection, batch: Batch, event: Stored) -> None:
    context = Context(
        connection,
        batch,
        event.seq,
        event.time_us,
        event.received_us,
        may_have_nulls=b"null" in event.body,
    )
    if event.kind == COMMAND:
        batch.flush(connection)
        commands.take(context, _decode(event.body))
        batch.flush(connection)
    elif event.kind == REFUSED:
        document = _decode(event.body)
        raise RefusedEventError(400, poison(document, kind_of(document)) or "refused")
    elif event.kind in EVENT_KINDS:
        reduce.take(context, event.kind, _decode(event.body))
