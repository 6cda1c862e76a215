"""Remember which lines were counted, so that each counts once, across folders and runs too.

Each line is stored as eight bytes of hash, in one row for all windows that begin in the same
minute: reading a minute costs one row, and two different lines are not mistaken for each other.

When a deployment is judged anew, all its lines are new again: from then on they are hashed with the
number of that judgement.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from functools import partial
from hashlib import blake2b

from lineage_bridge.assess.lookback import MINUTE_US
from lineage_bridge.journal import Journal
from lineage_bridge.naming import Slot
from lineage_bridge.observe.serving.state import Saving, load_judgements

HASH_BYTES = 8


class SeenLines:
    """The lines that were ever counted, by the minute of their window."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._minutes: dict[int, set[bytes]] = {}
        self._changed: set[int] = set()
        with journal.reading() as connection:
            judgements = load_judgements(connection)
            query = "SELECT max(minute_us) FROM window_lines"
            (newest_us,) = connection.execute(query).fetchone()
        self._salts = {slot: number.to_bytes(8) for slot, number in judgements.items()}
        self._newest_us = newest_us  # later minutes are not in the table

    @property
    def judged_anew(self) -> Collection[Slot]:
        """The deployments whose lines may be new although they were read before."""
        return self._salts.keys()

    def is_new(self, start_us: int, line: bytes, slot: Slot) -> bool:
        """Return whether a line is new, and remember it."""
        minute_us = start_us - start_us % MINUTE_US
        seen, digest = self._minute(minute_us), self._digest(line, slot)
        if digest in seen:
            return False
        seen.add(digest)
        self._changed.add(minute_us)
        return True

    def mark_of(self, start_us: int, line: bytes, slot: Slot) -> tuple[int, bytes] | None:
        """Return the minute and hash that a line is remembered by; None if it was not counted."""
        minute_us = start_us - start_us % MINUTE_US
        seen, digest = self._minute(minute_us), self._digest(line, slot)
        return (minute_us, digest) if digest in seen else None

    def _minute(self, minute_us: int) -> set[bytes]:
        seen = self._minutes.get(minute_us)
        if seen is None:
            seen = self._minutes[minute_us] = self._load(minute_us)
        return seen

    def _digest(self, line: bytes, slot: Slot) -> bytes:
        salt = self._salts.get(slot, b"") if self._salts else b""
        return blake2b(line, digest_size=HASH_BYTES, salt=salt).digest()

    def let_go(self) -> None:
        """Drop the loaded minutes from memory; call this only while none has changed."""
        self._minutes.clear()

    def saving(self) -> Saving | None:
        """Return a function that saves the changed minutes (None: none changed); clear memory."""
        rows = [(m, b"".join(sorted(self._minutes[m]))) for m in sorted(self._changed)]
        self._newest_us = max([*self._changed, self._newest_us or 0], default=None)
        self._minutes.clear()
        self._changed.clear()
        return partial(_save, rows=rows) if rows else None

    def _load(self, minute_us: int) -> set[bytes]:
        if self._newest_us is None or minute_us > self._newest_us:
            return set()
        with self._journal.reading() as connection:
            row = connection.execute(
                "SELECT hashes FROM window_lines WHERE minute_us = ?", (minute_us,)
            ).fetchone()
        blob = row[0] if row else b""
        return {blob[i : i + HASH_BYTES] for i in range(0, len(blob), HASH_BYTES)}


def _save(connection: sqlite3.Connection, rows: Sequence[tuple[int, bytes]]) -> None:
    connection.executemany("INSERT OR REPLACE INTO window_lines VALUES (?, ?)", rows)
