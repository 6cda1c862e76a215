"""The events that records call for and the journal does not have yet, handed out by their time."""

from __future__ import annotations

import sqlite3
from collections.abc import Container, Iterable, Sequence

from lineage_bridge.events import decode, view_event, withdrawal
from lineage_bridge.journal import Journal, catch_up
from lineage_bridge.journal.home_tables import read_event
from lineage_bridge.link.calls import Call, Due, difference
from lineage_bridge.link.identities import Identities, Standing
from lineage_bridge.link.identities_model import IDENTITIES
from lineage_bridge.observe.unsaved import Told
from lineage_bridge.times import from_micros

LAST = 9  # the rank of withdrawals: after everything else of that instant


class Outgoing:
    """The events that are due.

    Args:
        journal: gets the events, and says which ones stand.
        namespace: of the records' jobs.
        calls: every event that the records call for; empty if nothing can be due.
        withdraws: whether to withdraw what is not called for; False if a record is missing that
            may call for it.
        changed: see `link.calls.difference`.
    """

    def __init__(
        self,
        journal: Journal,
        namespace: str,
        calls: Iterable[Call] = (),
        *,
        withdraws: bool,
        changed: Container[str] | None = None,
    ) -> None:
        self._journal = journal
        self._namespace = namespace
        self._calls: Sequence[Call] = tuple(calls)
        self._withdraws = withdraws
        self._changed = changed
        self._due: list[Due] = []
        self._next = 0
        self.ids: set[str] = set()  # of everything that was ever due

    def load(self) -> None:
        """Compare with the events that stand now, and keep what is not said yet.

        Raises:
            JournalError: the journal cannot be read.
        """
        self._due, self._next = [], 0
        if not self._calls and not self._withdraws:
            return
        catch_up(self._journal, IDENTITIES)
        with self._journal.reading() as connection:
            identities = Identities(connection, self._namespace)
            standing, gone = identities.standing(), identities.gone()
            found = difference(self._calls, standing, gone, self._changed)
            self._due = found.due
            if self._withdraws:
                self._due += _withdrawals(connection, found.uncalled)
        self._due.sort(key=lambda item: item.order)
        self.ids.update(str(item.event.id) for item in self._due)

    def take_until(self, time_us: int | None, limit: int | None = None) -> list[Told]:
        """Take the events up to and including an instant (None: all), at most `limit` of them."""
        begin = self._next
        end = len(self._due) if limit is None else min(len(self._due), begin + limit)
        while self._next < end:
            if time_us is not None and self._due[self._next].event.time_us > time_us:
                break
            self._next += 1
        return [Told(item.event) for item in self._due[begin : self._next]]


def _withdrawals(connection: sqlite3.Connection, uncalled: Sequence[Standing]) -> list[Due]:
    found = []
    for item in uncalled:
        stored = read_event(connection, item.id)
        if stored is not None:
            event = withdrawal(view_event(decode(stored.body)), from_micros(stored.time_us))
            found.append(Due(item.key, LAST, event))
    return found
