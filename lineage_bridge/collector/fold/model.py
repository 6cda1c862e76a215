"""Apply the journal to the collector's tables, record by record.

The tables are a function of the journal alone: `reduce` applies events as Marquez does, `commands`
the other writes of its API. A record that fails half-way keeps its changes so far, since Marquez
has no transaction around an event either; it is listed in `mq_refused`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from lineage_bridge.collector.dialect.errors import RefusedEventError
from lineage_bridge.collector.fold import commands, reduce
from lineage_bridge.collector.fold.done import Done
from lineage_bridge.collector.fold.poison import poison
from lineage_bridge.collector.rows import refused
from lineage_bridge.collector.rows.context import Batch, Context
from lineage_bridge.collector.rows.refused import REFUSED
from lineage_bridge.collector.rows.tables import SCHEMA, TABLES
from lineage_bridge.events import event_time, kind_of
from lineage_bridge.journal import Stored
from lineage_bridge.times import EARLIEST_US, LATEST_US

EVENT_KINDS = ("run", "dataset", "job")
COMMAND = "command"

_decode = msgspec.json.Decoder().decode
_encode_done = msgspec.json.Encoder().encode
_decode_done = msgspec.json.Decoder(Done).decode


class CollectorModel:
    """The model `collector` of a journal (see `lineage_bridge.journal.models`).

    It has no state beside its tables, so a transaction that is rolled back leaves no trace.
    """

    name = "collector"
    version = 7
    schema = SCHEMA
    tables = TABLES

    def apply(self, connection: sqlite3.Connection, events: Sequence[Stored]) -> None:
        """Apply records in the order of arrival, within the caller's transaction."""
        connection.execute("SAVEPOINT records")
        try:
            _take_all(connection, events)
        except sqlite3.OperationalError:
            raise  # the disk is full or the database locked: that is no fault of the records
        except Exception:  # noqa: BLE001 - one bad record must not stop the others: find it
            connection.execute("ROLLBACK TO records")
            for event in events:
                _take_alone(connection, event)
        connection.execute("RELEASE records")

    def apply_in_parts(
        self, connection: sqlite3.Connection, event: Stored, done: bytes | None
    ) -> Iterator[Callable[[], bytes]]:
        """Apply one large event piece by piece (see `journal.models.DivisibleModel`)."""
        if event.kind not in EVENT_KINDS:
            self.apply(connection, [event])
            return
        batch, held = Batch(), Done() if done is None else _decode_done(done)
        document = _decode(event.body)
        context = _context(connection, batch, event, _at_us(event, document))

        def save() -> bytes:
            batch.save(connection)
            return _encode_done(held)

        steps = reduce.take(context, event.kind, document, held)
        while _is_taken_further(steps, connection, event):
            yield save
        reduce.count(context, event.kind, document)
        batch.flush(connection)

    def try_out(self, connection: sqlite3.Connection, event: Stored) -> int:
        """Apply an event and return the status for its POST: 201, or that of its refusal.

        The caller then rolls the transaction back.
        """
        self.apply(connection, [event])
        return refused.status_of(connection, event.seq) or 201


def _is_taken_further(steps: Iterator[None], connection: sqlite3.Connection, event: Stored) -> bool:
    """Do one step; return False after the last one. A step that fails is undone and is the last."""
    connection.execute("SAVEPOINT step")
    try:
        next(steps)
    except StopIteration:
        is_left = False
    except RefusedEventError as exc:
        refused.note(connection, event.seq, exc)
        is_left = False
    except sqlite3.OperationalError:
        raise
    except Exception as exc:  # noqa: BLE001 - whatever it was, it is listed as refused
        connection.execute("ROLLBACK TO step")
        refused.note(connection, event.seq, _unexpected(exc))
        is_left = False
    else:
        is_left = True
    connection.execute("RELEASE step")
    return is_left


def _unexpected(exc: Exception) -> RefusedEventError:
    return RefusedEventError(500, f"{type(exc).__name__}: {exc}")


def _take_alone(connection: sqlite3.Connection, event: Stored) -> None:
    connection.execute("SAVEPOINT record")
    try:
        _take_all(connection, [event])
    except sqlite3.OperationalError:
        raise
    except Exception as exc:  # noqa: BLE001 - whatever it was, it is listed as refused
        connection.execute("ROLLBACK TO record")
        refused.note(connection, event.seq, _unexpected(exc))
        _count(connection, event)
    connection.execute("RELEASE record")


def _take_all(connection: sqlite3.Connection, events: Sequence[Stored]) -> None:
    batch = Batch()
    for event in events:
        try:
            _take(connection, batch, event)
        except RefusedEventError as exc:
            refused.note(connection, event.seq, exc)
    batch.flush(connection)


def _count(connection: sqlite3.Connection, event: Stored) -> None:
    """Count an event that could not be applied, and perhaps not even be decoded."""
    if event.kind in EVENT_KINDS:
        batch = Batch()
        batch.events[event.time_us // reduce.HOUR_US, event.kind] += 1
        batch.flush(connection)


def _take(connection: sqlite3.Connection, batch: Batch, event: Stored) -> None:
    if event.kind == COMMAND:
        context = _context(connection, batch, event, event.time_us)
        batch.flush(connection)
        commands.take(context, _decode(event.body))
        batch.flush(connection)
    elif event.kind == REFUSED:
        document = _decode(event.body)
        raise RefusedEventError(400, poison(document, kind_of(document)) or "refused")
    elif event.kind in EVENT_KINDS:
        document = _decode(event.body)
        context = _context(connection, batch, event, _at_us(event, document))
        reduce.count(context, event.kind, document)
        for _ in reduce.take(context, event.kind, document, Done()):
            pass


def _at_us(event: Stored, document: Any) -> int:
    """Return the event time that is shown; Marquez's range is wider than that of the journal."""
    if EARLIEST_US < event.time_us < LATEST_US:
        return event.time_us
    return event_time.parse_micros(document["eventTime"])


def _context(connection: sqlite3.Connection, batch: Batch, event: Stored, at_us: int) -> Context:
    return Context(
        connection,
        batch,
        event.seq,
        at_us,
        event.received_us,
        may_have_nulls=b"null" in event.body,
    )
