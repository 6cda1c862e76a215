"""Take events of a feed into the journal: each once, and none that the journal has already.

An event that this home forwarded comes back in the feed. If it is one of ours it has its id; if it
is a pipeline's, the journal's events of the same time are compared with it in their plain form. An
event that is listed again, in the same bytes, is known by these and not read.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lineage_bridge.errors import EventError
from lineage_bridge.events import Event, digest_of
from lineage_bridge.follow import tables
from lineage_bridge.follow.audit import Read, Seen
from lineage_bridge.follow.identity import plain_form, read
from lineage_bridge.follow.tables import Gains
from lineage_bridge.journal.store import Journal

BITE = 250  # events that one transaction appends: some milliseconds
BITE_BYTES = 1024 * 1024

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event that is listed in bytes that it was not listed in before.

    Attributes:
        seen: its time and identity.
        spelling: a digest of these bytes.
        event: None if it is none that the journal can hold.
        is_known: the journal has it, though neither its id nor its digest tells.
    """

    seen: Seen
    spelling: bytes
    event: Event | None
    is_known: bool = False


def look_at(
    journal: Journal, source: int, asked: Read, bodies: Sequence[bytes]
) -> tuple[list[Seen], list[Arrival]]:
    """Read the events of a page; return what was listed, and what of it may be new.

    Args:
        journal: of the home.
        source: the feed.
        asked: the question that the page answers.
        bodies: of the events, as listed.
    """
    listed: list[Seen] = []
    arrivals: list[Arrival] = []
    with journal.reading() as connection:
        most = asked.offset + len(bodies)
        known = tables.spellings(connection, source, asked.start, asked.end, most)
        own = _OwnEvents(connection)
        time_us = asked.start
        for body in bodies:
            spelling = digest_of(body)
            seen = known.get(spelling)
            if seen is None:
                arrival = _arrival(body, spelling, own, asked, time_us)
                arrivals.append(arrival)
                seen = arrival.seen
            listed.append(seen)
            time_us = seen.time_us
    return listed, arrivals


def take_in(journal: Journal, source: int, arrivals: Sequence[Arrival]) -> Gains:
    """Append events that are new, a few at a time; return what was gained."""
    gains = Gains()
    for some in _bites(arrivals):
        gains.add(_append(journal, source, some))
    return gains


def _arrival(body: bytes, spelling: bytes, own: _OwnEvents, asked: Read, before_us: int) -> Arrival:
    """Read an event; if nobody can, it counts as one of the time of the event before it."""
    try:
        event, identity = read(body)
    except EventError as exc:
        _log.warning("An event of the feed is left out: %s", exc)
        return Arrival(Seen(before_us, spelling), spelling, None)
    time_us = min(max(event.time_us, asked.start), asked.end - 1)
    return Arrival(Seen(time_us, identity), spelling, event, own.has(event, identity))


class _OwnEvents:
    """The events without an id that came into the journal in other ways than from a feed."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._instant: int | None = None
        self._identities: frozenset[bytes] = frozenset()

    def has(self, event: Event, identity: bytes) -> bool:
        """Return whether the journal has an event; one with an id is known when it is appended."""
        if event.id is not None:
            return False
        if event.time_us != self._instant:  # a thousand may have one instant
            self._instant = event.time_us
            self._identities = frozenset(_identities_at(self._connection, event.time_us))
        return identity in self._identities


def _identities_at(connection: sqlite3.Connection, time_us: int) -> Iterator[bytes]:
    rows = connection.execute(
        "SELECT body FROM events WHERE kind = 'run' AND time_us BETWEEN ? AND ?"
        " AND id IS NULL AND origin <> 'follow'",
        # Earlier versions may have read a time with nanoseconds one microsecond off.
        (time_us - 1, time_us + 1),
    )
    for (body,) in rows:
        try:
            yield digest_of(plain_form(body))
        except EventError:  # nothing that a Marquez could have
            continue


def _bites(arrivals: Sequence[Arrival]) -> Iterator[list[Arrival]]:
    some: list[Arrival] = []
    size = 0
    for arrival in arrivals:
        some.append(arrival)
        size += 0 if arrival.event is None else len(arrival.event.body)
        if len(some) == BITE or size > BITE_BYTES:
            yield some
            some, size = [], 0
    if some:
        yield some


def _append(journal: Journal, source: int, arrivals: Sequence[Arrival]) -> Gains:
    gains = Gains()
    with journal.transaction() as tx:
        for arrival in arrivals:
            listed = source, arrival.seen, arrival.spelling
            if not tables.keep(tx.connection, *listed):
                gains.gone -= tables.came_back(tx.connection, *listed)
            elif arrival.event is None:
                gains.unreadable += 1
            elif arrival.is_known or tx.append(arrival.event, "follow") is None:
                gains.recognised += 1
            else:
                gains.appended += 1
        tables.add(tx.connection, source, gains)
    return gains
