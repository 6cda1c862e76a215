"""What was read of logs and may not be in the journal yet: who answered, and from which time on.

It is noted in the transaction that saves the rows, and forgotten once the events are appended: if a
process is killed in between, the next one tells them.
"""

from __future__ import annotations

import sqlite3

from lineage_bridge.journal.migrations import has_table
from lineage_bridge.naming import Slot
from lineage_bridge.observe.logs.hours import Answered, number_of
from lineage_bridge.times import EARLIEST_US

_NOTE = (
    "INSERT INTO log_untold (served, since_us) {values}"
    " ON CONFLICT DO UPDATE SET since_us = min(since_us, excluded.since_us)"
)


def note_rows(connection: sqlite3.Connection, answered: Answered, since_us: int) -> None:
    """Note that rows came, or turned out to be there already, the earliest of them at a time."""
    number = number_of(connection, answered)
    connection.execute(_NOTE.format(values="VALUES (?, ?)"), (number, max(since_us, EARLIEST_US)))


def note_labels(connection: sqlite3.Connection) -> None:
    """Note that labels came, of any requests; one that corrects another changes the past."""
    connection.execute(
        _NOTE.format(values="SELECT number, ? FROM log_served WHERE true"), (EARLIEST_US,)
    )


def note_rows_of(connection: sqlite3.Connection, file: int) -> None:
    """Note that what a file brought is about to be replaced."""
    connection.execute(
        _NOTE.format(values="SELECT DISTINCT served, ? FROM log_requests WHERE file = ?"),
        (EARLIEST_US, file),
    )
    has_labels = connection.execute("SELECT 1 FROM log_labels WHERE file = ? LIMIT 1", (file,))
    if has_labels.fetchone() is not None:
        note_labels(connection)


def list_untold(connection: sqlite3.Connection) -> list[tuple[Answered, int]]:
    """List who answered, and from which time on (microseconds since 1970) it may be untold."""
    if not has_table(connection, "log_untold"):
        return []
    rows = connection.execute(
        "SELECT service, environment, deployment, model, s.version, since_us"
        " FROM log_untold JOIN log_served s ON s.number = served ORDER BY 1, 2, 3, 4, 5"
    )
    return [(Answered(Slot(*slot), model, version), us) for *slot, model, version, us in rows]


def forget_untold(connection: sqlite3.Connection, answered: Answered, since_us: int) -> None:
    """Forget a note, unless more came since."""
    connection.execute(
        "DELETE FROM log_untold WHERE served = ? AND since_us = ?",
        (number_of(connection, answered), since_us),
    )
