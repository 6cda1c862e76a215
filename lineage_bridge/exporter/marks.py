"""High-water marks of every counter: it never shows less than it has shown once.

A total can shrink in the graph: old events were pruned, an event was superseded by one that counts
less, a home was restored from a copy. Prometheus would read each as a restart and count all again.
So a counter shows the highest value that it ever had. It is stored in the journal's database beside
the events; a restarted exporter goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from lineage_bridge.exporter.metric import Reading
from lineage_bridge.journal import Journal
from lineage_bridge.journal.migrations import Room, statements

_EXPORTER = Room(
    "exporter",
    (
        statements(
            "marks",
            """CREATE TABLE IF NOT EXISTS exporter_marks (
    sample TEXT PRIMARY KEY,  -- JSON: metric, part, bound, label values
    value REAL NOT NULL
) WITHOUT ROWID""",
        ),
    ),
)

# Another exporter of the same home may have stored a higher value.
_RAISE = """
INSERT INTO exporter_marks VALUES (?, ?)
ON CONFLICT (sample) DO UPDATE SET value = max(value, excluded.value)
"""


class Marks:
    """The marks of one home.

    Args:
        journal: stores them; None keeps them in memory, for an exporter that shows a past time.
    """

    def __init__(self, journal: Journal | None) -> None:
        self._journal = journal
        self._values: dict[str, float] = {}
        self._epoch: int | None = None  # of the journal that they were read from

    def raised(self, readings: Iterable[Reading]) -> list[Reading]:
        """Return readings of counters, none below its mark; raise the marks that they exceed."""
        if self._journal is not None and self._epoch != self._journal.epoch:
            self._read()
        shown, higher = [], {}
        for reading in readings:
            sample = _sample(reading)
            mark = self._values.get(sample)
            if mark is None or reading.value > mark:
                higher[sample] = reading.value
                shown.append(reading)
            else:
                shown.append(reading._replace(value=mark))
        self._write(higher)
        self._values.update(higher)
        return shown

    def _read(self) -> None:
        assert self._journal is not None
        self._journal.prepare(_EXPORTER)
        self._epoch = self._journal.epoch
        with self._journal.reading() as connection:
            rows = connection.execute("SELECT sample, value FROM exporter_marks")
            self._values = dict(rows.fetchall())

    def _write(self, higher: dict[str, float]) -> None:
        if self._journal is None or not higher:
            return
        with self._journal.transaction() as tx:
            tx.connection.executemany(_RAISE, sorted(higher.items()))


def _sample(reading: Reading) -> str:
    parts = [reading.metric.name, reading.part, reading.bound, *reading.labels]
    return orjson.dumps(parts).decode()
