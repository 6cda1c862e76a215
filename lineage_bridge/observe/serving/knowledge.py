"""What judging windows needs from those who read the other artifacts: starts, and their events."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Protocol

from lineage_bridge.naming import Slot
from lineage_bridge.observe.serving.activations import Activation
from lineage_bridge.observe.unsaved import Told
from lineage_bridge.records.ends import Seen


class Waiting(Protocol):
    """Events of records (builds, trainings, starts) that are still to be appended, by time."""

    def load(self) -> None:
        """Compare with the events that were emitted so far, and keep the new ones."""
        ...

    def see(self, slot: Slot, seen: Seen) -> None:
        """Take note that all instances of a deployment have shut down, which ends their runs."""
        ...

    def take_until(self, time_us: int | None, limit: int | None = None) -> Sequence[Told]:
        """Take the events up to and including an instant (None: all), but at most `limit`."""
        ...


class Knowledge(Protocol):
    """What the reading of windows needs from the records."""

    @property
    def activations(self) -> Sequence[Activation]:
        """Every known start, from earlier runs too."""
        ...

    @property
    def outgoing(self) -> Waiting:
        """The records' own events, to be appended between those of windows by their time."""
        ...

    @property
    def settled(self) -> int | None:
        """The generation of observers' memory in which nothing was left to be told.

        None if something that judging depends on has changed since, or may have.
        """
        ...

    def is_current(self, connection: sqlite3.Connection) -> bool:
        """Return whether the records are still those that were linked."""
        ...
