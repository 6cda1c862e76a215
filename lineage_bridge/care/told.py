"""What the events of a journal say of each other, as far as renaming asks: on disk, not in memory.

A home may have more events than fit into memory, so this is kept in a temporary database that
SQLite deletes when it is closed. It is read from the journal alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self

from lineage_bridge import forks
from lineage_bridge.care.former import start_told
from lineage_bridge.errors import EventError
from lineage_bridge.events import decode, supersedes_of
from lineage_bridge.facets.deployment import DeploymentFacet
from lineage_bridge.journal import Journal
from lineage_bridge.naming import Slot, former_name

OURS = "id IS NOT NULL AND kind = 'run' AND origin IN ('artifact', 'import')"
_BATCH = 500
_SUPERSEDING = """CREATE TABLE superseding (
    old TEXT NOT NULL,            -- the id of an event
    new TEXT NOT NULL,            -- the id of one that takes its place
    PRIMARY KEY (old, new)
) WITHOUT ROWID"""
_STARTS = """CREATE TABLE starts (
    run_id TEXT PRIMARY KEY,      -- of a serving run
    time TEXT NOT NULL
) WITHOUT ROWID"""
_CUT = """CREATE TABLE cut (
    name TEXT PRIMARY KEY,        -- a former name that does not hold all of these words
    service TEXT NOT NULL, environment TEXT NOT NULL, deployment TEXT NOT NULL
) WITHOUT ROWID"""


class Told:
    """Which event takes another's place, when each serving run started, and whose cut names are.

    Args:
        journal: is read up to an event.
        until: that event's number.
    """

    def __init__(self, journal: Journal, until: int) -> None:
        self._tables = forks.connect("")  # a file without a name
        for statement in (_SUPERSEDING, _STARTS, _CUT):
            self._tables.execute(statement)
        self._tables.execute("BEGIN")
        for event_id, body in _telling(journal, until):
            try:
                self._take(event_id, decode(body))
            except EventError:
                continue

    def _take(self, event_id: str, document: Mapping[str, Any]) -> None:
        before, start = supersedes_of(document), start_told(document)
        if before is not None and before != event_id:
            self._tables.execute(
                "INSERT OR IGNORE INTO superseding VALUES (?, ?)", (before, event_id)
            )
        if start is not None:
            run_id, time, slot = start
            self._tables.execute("INSERT OR IGNORE INTO starts VALUES (?, ?)", (run_id, time))
            self._take_cut(slot)

    def _take_cut(self, slot: Slot) -> None:
        name = slot.former_predictions
        if former_name(name) is None:
            words = (name, slot.service, slot.environment, slot.deployment)
            self._tables.execute("INSERT OR IGNORE INTO cut VALUES (?, ?, ?, ?)", words)

    def superseding(self, event_id: str) -> list[str]:
        """List the events that take an event's place; none if it stands."""
        rows = self._tables.execute(
            "SELECT new FROM superseding WHERE old = ? ORDER BY new", (event_id,)
        )
        return [new for (new,) in rows]

    def start_of(self, run_id: str) -> str | None:
        """Return the time at which a serving run started, as its event has it."""
        row = self._tables.execute("SELECT time FROM starts WHERE run_id = ?", (run_id,)).fetchone()
        return None if row is None else str(row[0])

    def slot_of_cut(self, predictions: str) -> Slot | None:
        """Return the deployment of a former name that is too long to hold all of its words."""
        row = self._tables.execute(
            "SELECT service, environment, deployment FROM cut WHERE name = ?", (predictions,)
        ).fetchone()
        return None if row is None else Slot(*row)

    def close(self) -> None:
        """Delete what was kept."""
        self._tables.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _telling(journal: Journal, until: int) -> Iterator[tuple[str, bytes]]:
    """Read the events that supersede another or start a serving run, a few at a time."""
    after = 0
    while True:
        with journal.reading() as connection:
            rows = connection.execute(
                f"SELECT seq, id, body FROM events WHERE seq > ? AND seq <= ? AND {OURS}"
                " AND (instr(body, ?) OR instr(body, ?)) ORDER BY seq LIMIT ?",
                (after, until, b'"supersedes"', DeploymentFacet.key.encode(), _BATCH),
            ).fetchall()
        yield from ((event_id, body) for _, event_id, body in rows)
        if len(rows) < _BATCH:
            return
        after = rows[-1][0]
