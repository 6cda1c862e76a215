"""Whether an observer's finding is told: compared with the event that stands for the same run.

An observer makes its events from what it sees, and the same sight makes the same event. One that
says what stands already is not due; one that says something else takes its place.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from lineage_bridge.events import Event, EventView, compute_id, decode, view_event
from lineage_bridge.journal.home_tables import Stored, read_event
from lineage_bridge.link.identities import Identities, Key

Making = Callable[[str | None], Event]


class Standing:
    """An observer's event that stands.

    Args:
        stored: the event, one of ours.
    """

    def __init__(self, stored: Stored) -> None:
        self.id = str(stored.id)
        self.time_us = stored.time_us
        self._document = decode(stored.body)

    @property
    def view(self) -> EventView:
        """What it says."""
        return view_event(self._document)

    @property
    def content(self) -> str | None:
        """The id that it would have if it superseded nothing; None if it is spelt unlike ours."""
        try:
            return compute_id(self._document, None)
        except (KeyError, TypeError, AttributeError):
            return None


def standing_of(
    connection: sqlite3.Connection, identities: Identities, key: Key
) -> Standing | None:
    """Return the event that stands for a run of an observer, of several the latest; or None.

    Args:
        connection: on the journal's database.
        identities: of the same database, caught up.
        key: job, run and type.
    """
    found = all_standing_of(connection, identities, key)
    return found[-1] if found else None


def all_standing_of(
    connection: sqlite3.Connection, identities: Identities, key: Key
) -> list[Standing]:
    """List the events that stand for a run of an observer, in the order of their arrival."""
    stored = (read_event(connection, found.id) for found in identities.findings(key))
    return [Standing(event) for event in stored if event is not None]


def due(identities: Identities, standing: Standing | None, make: Making) -> Event | None:
    """Return the event to append; None if what stands says the same.

    Args:
        identities: what the journal says, caught up.
        standing: the event that stands for the same job, run and type.
        make: makes the event, in place of the one whose id it is given.
    """
    event = make(None)
    if standing is not None:
        return None if standing.content == event.id else make(standing.id)
    # Where it was said before and taken back, only what replaces that counts again.
    while (by := identities.gone_by(str(event.id))) is not None:
        event = make(by)
    return event
