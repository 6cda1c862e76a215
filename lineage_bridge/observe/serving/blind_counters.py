"""Blind counters: a service never fills them, so the faults that they count cannot be seen.

A counter is blind if it was 0 or absent in every window of the service that was ever read; `doctor`
reports it as a note.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from operator import attrgetter
from typing import Any

from lineage_bridge.adapters.serving_windows import COUNTERS, Window
from lineage_bridge.observe.serving.state import Saving, list_blind_counters


class BlindCounters:
    """The counters of each service that were 0 or absent in all its windows."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._blind: dict[str, tuple[str, ...]] = list_blind_counters(connection)
        self._values_of: dict[str, Callable[[Window], tuple[Any, ...]]] = {}
        self._changed: set[str] = set()

    def look(self, window: Window) -> None:
        """Take a window's counters into account."""
        service = window.service_name
        values_of = self._values_of.get(service)
        if values_of is None:
            values_of = self._watch(service, self._blind.get(service, COUNTERS))
        values = values_of(window)
        if any(values):
            seen = zip(self._blind[service], values, strict=False)
            self._watch(service, tuple(name for name, value in seen if not value))

    def _watch(self, service: str, blind: tuple[str, ...]) -> Callable[[Window], tuple[Any, ...]]:
        # One name more than needed: with a single name `attrgetter` would not return a tuple.
        values_of = attrgetter(*blind, blind[0]) if blind else _nothing
        self._blind[service], self._values_of[service] = blind, values_of
        self._changed.add(service)
        return values_of

    def saving(self) -> Saving | None:
        """Return a function that saves the services that changed; None if none did."""
        if not self._changed:
            return None
        rows = [(service, ",".join(self._blind[service])) for service in sorted(self._changed)]
        self._changed.clear()
        return partial(_save, rows=rows)


def _save(connection: sqlite3.Connection, rows: Sequence[tuple[str, str]]) -> None:
    connection.executemany("INSERT OR REPLACE INTO window_services VALUES (?, ?)", rows)


def _nothing(_: Window) -> tuple[Any, ...]:
    return ()
