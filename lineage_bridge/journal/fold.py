"""Folding: apply the journal's new events to a model's tables, one bite after another.

A bite is a batch that takes a bounded time. It is read and decoded first and then written in one
transaction, so other writers of the derived file wait only for a moment. A large event is split
over several bites. Of several processes on a home only one folds a model at a time; the others wait
until it has reached the event that they need.
"""

from __future__ import annotations

import gc
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Protocol

from lineage_bridge.errors import JournalError
from lineage_bridge.journal.database import Identity
from lineage_bridge.journal.home_tables import Stored
from lineage_bridge.journal.lease import PASS_SECONDS, lease, patient
from lineage_bridge.journal.models import (
    DivisibleModel,
    Model,
    Reached,
    is_current,
    is_of_journal,
    read_reached,
    reset,
    write_reached,
)
from lineage_bridge.journal.store import Journal
from lineage_bridge.journal.trouble import REBUILD_ADVICE, is_damage

BITE_SECONDS = 0.1  # only where more events wait than this; then larger bites cost less
PART_SECONDS = 0.03
BITE_BYTES = 1024 * 1024
LARGE_BYTES = 64 * 1024  # an event over this size is applied piece by piece
MAX_ROWS = 500
WAIT_SECONDS = 600.0  # how long to wait for another process that folds

Progress = Callable[[int, int], None]  # sequence number reached, sequence number to reach


class Sink(Protocol):
    """A file that has the models' tables."""

    def transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        """Open one write transaction."""
        ...


class _OvertakenError(Exception):
    """Another process has folded the model in the meantime."""


class Fold:
    """Folds one model, and remembers how far it has come.

    Attributes:
        journal: the journal's file in which `reached` is a sequence number.

    Args:
        journal: gives the events.
        model: applies them.
        sink: the file with the model's tables; by default the home's derived file.
    """

    def __init__(self, journal: Journal, model: Model, sink: Sink | None = None) -> None:
        self._journal = journal
        self._model = model
        self._divisible = model if isinstance(model, DivisibleModel) else None
        self._sink: Sink = journal.derived if sink is None else sink
        self.journal: Identity | None = None
        self._reached: Reached | None = None
        self._rows = MAX_ROWS
        self._large: Stored | None = None
        self._parts: Iterator[Callable[[], bytes]] | None = None
        self._parts_of: sqlite3.Connection | None = None

    @property
    def reached(self) -> int:
        """Number of the last event that the tables contain, as far as this process knows."""
        return 0 if self._reached is None else self._reached.seq

    def bite(self) -> bool:
        """Apply some events, or a piece of a large one; return False if none was left to read.

        Raises:
            JournalError: the journal cannot be read, or the tables cannot be written.
        """
        try:
            return self._bite()
        except _OvertakenError:
            self.forget()
            return True
        except (sqlite3.Error, OSError) as exc:
            self.forget()
            self._journal.check()
            advice = f" {REBUILD_ADVICE}" if is_damage(exc) else ""
            raise JournalError(
                f"Cannot write what is derived from the journal: {exc}.{advice}"
            ) from exc
        except BaseException:
            self.forget()
            raise

    def forget(self) -> None:
        """Make the next bite read again how far the tables are: others may have changed them."""
        self._reached = self._large = self._parts = self._parts_of = self.journal = None

    def run(self, until: Callable[[], bool]) -> None:
        """Take bites until no event is left or `until()`; at least one, which makes the tables."""
        while self.bite() and not until():
            pass

    def _bite(self) -> bool:
        if self.journal != self._journal.identity:  # another file has taken its place
            self.forget()
        reached = self._reached or self._begin()
        if self._large is not None:
            self._write_part(reached, self._large)
            return True
        events = self._journal.read(reached.seq, self._rows, BITE_BYTES)
        if not events:
            return False
        is_last = len(events) < self._rows and _size(events) < BITE_BYTES
        if self._divisible is not None:
            if _is_large(events[0]):
                self._large = events[0]
                self._write_part(reached, self._large)
                return True
            small = events[: next((i for i, e in enumerate(events) if _is_large(e)), None)]
            is_last = is_last and len(small) == len(events)
            events = small
        began = time.perf_counter()
        with self._sink.transaction() as connection:
            self._check(connection, reached)
            self._model.apply(connection, events)
            self._keep(connection, Reached(reached.version, events[-1].seq, events[-1].received_us))
        self._rows = _fitting(self._rows, len(events), time.perf_counter() - began)
        return not is_last

    def _begin(self) -> Reached:
        """Read how far the tables are; empty them if another version or journal filled them."""
        self.journal = self._journal.identity
        with self._sink.transaction() as connection:
            reached = read_reached(connection, self._model)
        if reached is not None:
            with self._journal.reading() as reader:
                if is_of_journal(reader, self._model, reached):
                    self._reached = reached
                    return reached
            if reached.version == self._model.version:
                self._journal.tell_of_loss()
        with self._sink.transaction() as connection:
            if read_reached(connection, self._model) != reached:
                raise _OvertakenError
            self._reached = reset(connection, self._model)
        return self._reached

    def _write_part(self, reached: Reached, event: Stored) -> None:
        until = time.perf_counter() + PART_SECONDS
        with self._sink.transaction() as connection:
            self._check(connection, reached)
            for save in self._parts_in(connection, event, reached.part):
                if time.perf_counter() >= until:
                    self._keep(connection, replace(reached, part=save()))
                    return
            self._keep(connection, Reached(reached.version, event.seq, event.received_us))
        self._large = self._parts = self._parts_of = None

    def _parts_in(
        self, connection: sqlite3.Connection, event: Stored, done: bytes | None
    ) -> Iterator[Callable[[], bytes]]:
        if self._parts is None or self._parts_of is not connection:
            assert self._divisible is not None
            parts = self._divisible.apply_in_parts(connection, event, done)
            self._parts = _without_collection(parts)
            self._parts_of = connection
        return self._parts

    def _check(self, connection: sqlite3.Connection, reached: Reached) -> None:
        if read_reached(connection, self._model) != reached:
            raise _OvertakenError

    def _keep(self, connection: sqlite3.Connection, reached: Reached) -> None:
        write_reached(connection, self._model, reached)
        self._reached = reached


def _without_collection(parts: Iterator[Callable[[], bytes]]) -> Iterator[Callable[[], bytes]]:
    # A large event decodes to a million objects that live until its last piece is applied: looking
    # for garbage among them again and again takes a quarter of the time.
    first = next(parts, None)
    if first is None:
        return
    gc.freeze()
    try:
        yield first
        yield from parts
    finally:
        gc.unfreeze()


def _size(events: Sequence[Stored]) -> int:
    return sum(len(event.body) for event in events)


def _is_large(event: Stored) -> bool:
    return len(event.body) > LARGE_BYTES


def _fitting(rows: int, taken: int, seconds: float) -> int:
    """Choose how many events the next bite reads, by how long this one took."""
    if seconds > BITE_SECONDS:
        return max(1, taken // 2)
    return min(MAX_ROWS, rows * 2) if taken == rows else rows


def catch_up(journal: Journal, model: Model, progress: Progress | None = None) -> int:
    """Apply every event that is in the journal now; return the sequence number that is reached.

    Raises:
        JournalError: the tables cannot be written, or another process folds them and is stuck.
    """
    with journal.reading() as connection:
        target = _last(connection)
        if is_current(connection, model):
            return target
    fold = Fold(journal, model)
    while True:
        reached = _take_turn(journal, model, fold, target, progress)
        if reached >= target:
            return reached


def lease_of(model: str) -> str:
    """Return the name of the lease under which a model of this name is folded."""
    return f"fold-{model}"


def _take_turn(
    journal: Journal, model: Model, fold: Fold, target: int, progress: Progress | None
) -> int:
    """Fold for one pass, or wait while another process folds; return the number reached."""
    soon = patient(WAIT_SECONDS)

    def wait() -> bool:
        return soon() and _reached(journal, model) < target

    with lease(journal.home, lease_of(model.name), wait=wait) as held:
        if not held:
            reached = _reached(journal, model)
            if reached < target:
                raise JournalError(
                    f"Another process derives `{model.name}` from the journal of this home, and "
                    "does not come to an end. Stop it, or try again later."
                )
            return reached
        deadline = time.monotonic() + PASS_SECONDS

        def enough() -> bool:
            if progress is not None:
                progress(fold.reached, target)
            return fold.reached >= target or time.monotonic() > deadline

        fold.run(enough)
    return fold.reached


def _last(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()[0])


def _reached(journal: Journal, model: Model) -> int:
    with journal.reading() as connection:
        reached = read_reached(connection, model)
        if reached is None or not is_of_journal(connection, model, reached):
            return -1
        return reached.seq
