"""The events that records call for and the journal does not have yet, handed out by their time."""

from __future__ import annotations

import sqlite3
from collections.abc import Container, Iterable, Mapping, Sequence
from functools import partial
from operator import attrgetter

from lineage_bridge.events import Event, decode, view_event, withdrawal
from lineage_bridge.journal import Journal, catch_up
from lineage_bridge.journal.home_tables import read_event
from lineage_bridge.link.calls import Call, Due, difference, end_calls
from lineage_bridge.link.identities import Identities, Standing
from lineage_bridge.link.identities_model import IDENTITIES
from lineage_bridge.naming import Slot, observe_job
from lineage_bridge.observe.unsaved import Told
from lineage_bridge.records.ends import AllSeen, Seen
from lineage_bridge.records.start import LinkedStart
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
        starts: every start that is known; empty if nothing can be due.
    """

    def __init__(
        self,
        journal: Journal,
        namespace: str,
        calls: Iterable[Call] = (),
        *,
        withdraws: bool,
        changed: Container[str] | None = None,
        starts: Iterable[LinkedStart] = (),
    ) -> None:
        self._journal = journal
        self._namespace = namespace
        self._calls: Sequence[Call] = tuple(calls)
        self._withdraws = withdraws
        self._changed = changed
        self._starts: dict[Slot, list[LinkedStart]] = {}
        for start in starts:
            self._starts.setdefault(start.slot, []).append(start)
        self._seen: AllSeen = {}
        self._standing: Sequence[Standing] = ()
        self._gone: Mapping[str, str] = {}
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
            self._standing, self._gone = identities.standing(), identities.gone()
            self._seen = identities.seen()
            starts = [start for of_slot in self._starts.values() for start in of_slot]
            calls = [*self._calls, *end_calls(starts, self._seen)]
            found = difference(calls, self._standing, self._gone, self._changed)
            self._due = found.due
            if self._withdraws:
                self._due += _withdrawals(connection, found.uncalled)
        self._due.sort(key=attrgetter("order"))
        self.ids.update(item.id for item in self._due)

    def see(self, slot: Slot, seen: Seen) -> None:
        """Add the ends of runs that follow from what an observer has just found."""
        job = observe_job(slot.predictions)
        known = [*self._seen.get(job, ()), seen]
        self._seen = {**self._seen, job: sorted(known, key=attrgetter("at"))}
        calls = list(end_calls(self._starts.get(slot, ()), self._seen))
        keys = {call.key for call in calls}
        standing = [item for item in self._standing if item.key in keys]
        taken, waiting = self._due[: self._next], self._due[self._next :]
        told = {item.id for item in taken}
        due = difference(calls, standing, self._gone).due
        waiting = [item for item in waiting if item.key not in keys]
        waiting += [item for item in due if item.id not in told]
        self._due = [*taken, *sorted(waiting, key=attrgetter("order"))]
        self.ids.update(item.id for item in due)

    def take_until(self, time_us: int | None, limit: int | None = None) -> list[Told]:
        """Take the events up to and including an instant (None: all), at most `limit` of them."""
        begin = self._next
        end = len(self._due) if limit is None else min(len(self._due), begin + limit)
        while self._next < end:
            if time_us is not None and self._due[self._next].time_us > time_us:
                break
            self._next += 1
        return [Told(item.make()) for item in self._due[begin : self._next]]


def _withdrawals(connection: sqlite3.Connection, uncalled: Sequence[Standing]) -> list[Due]:
    found = []
    for item in uncalled:
        stored = read_event(connection, item.id)
        if stored is not None:
            event = withdrawal(view_event(decode(stored.body)), from_micros(stored.time_us))
            make = partial(_kept, event)
            found.append(Due(item.key, LAST, str(event.id), event.time_us, make))
    return found


def _kept(event: Event) -> Event:
    return event
