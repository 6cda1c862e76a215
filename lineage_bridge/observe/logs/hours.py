"""Hours of inference logs that the home keeps: for each what its rows look like, as a profile.

A window is the sum of its hours. What each file brought of an hour is kept apart, so a file that
changed replaces what it had brought itself, and nothing else. The columns of such a profile are the
features, and `prediction`, `probability` and `confidence` where no feature has that name.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from lineage_bridge.journal.migrations import has_table
from lineage_bridge.naming import Slot

if TYPE_CHECKING:
    from lineage_bridge.profiles.profile import Profile

HOUR: Final = timedelta(hours=1)
HOUR_US: Final = HOUR // timedelta(microseconds=1)
DAY_US: Final = 24 * HOUR_US

_SERVED: Final = "service, environment, deployment, model, version"


class Answered(NamedTuple):
    """What answered: one version of a model in one deployment."""

    slot: Slot
    model: str
    version: str


class Hour(NamedTuple):
    """An hour of a deployment's inference log, of the rows that one model version answered.

    Attributes:
        begin_us: when it begins, microseconds since 1970.
        rows: how many requests it has.
    """

    slot: Slot
    model: str
    version: str
    begin_us: int
    rows: int

    @property
    def answered_by(self) -> Answered:
        """What answered its requests."""
        return Answered(self.slot, self.model, self.version)


def list_answered(connection: sqlite3.Connection) -> list[Answered]:
    """List every version of which there are hours, by deployment."""
    return [answered for answered, _ in first_hours(connection)]


def first_hours(connection: sqlite3.Connection) -> list[tuple[Answered, int]]:
    """List every version with the begin of its first hour, microseconds since 1970."""
    if not has_table(connection, "log_hours"):
        return []
    rows = connection.execute(
        "SELECT service, environment, deployment, model, s.version, min(begin_us)"
        " FROM log_hours JOIN log_served s ON s.number = served GROUP BY served"
        " ORDER BY 1, 2, 3, 4, 5"
    )
    return [(Answered(Slot(*slot), model, version), us) for *slot, model, version, us in rows]


def list_hours(
    connection: sqlite3.Connection, slot: Slot, since_us: int | None = None
) -> list[Hour]:
    """List the hours of a deployment that have rows, by time.

    Args:
        connection: of the home; it may have no such tables yet.
        slot: the deployment.
        since_us: hours that begin earlier are left out; None: all are listed.
    """
    if not has_table(connection, "log_hours"):
        return []
    rows = connection.execute(
        "SELECT s.model, s.version, h.begin_us, sum(h.rows) FROM log_served s"
        " JOIN log_hours h ON h.served = s.number"
        " WHERE s.service = ? AND s.environment = ? AND s.deployment = ? AND h.begin_us >= ?"
        " GROUP BY s.number, h.begin_us ORDER BY h.begin_us, s.model, s.version",
        (*_names(slot), -(2**63) if since_us is None else since_us),
    )
    return [Hour(slot, *row) for row in rows]


def list_marks(connection: sqlite3.Connection, answered: Answered) -> list[tuple[int, str]]:
    """List the hours of a version by time, each with a text that changes when its rows do."""
    if not has_table(connection, "log_hours"):
        return []
    rows = connection.execute(
        "SELECT h.begin_us, max(h.number), count(*), sum(h.rows), sum(length(h.body))"
        " FROM log_served s JOIN log_hours h ON h.served = s.number"
        " WHERE s.service = ? AND s.environment = ? AND s.deployment = ? AND s.model = ?"
        " AND s.version = ? GROUP BY h.begin_us ORDER BY h.begin_us",
        (*_names(answered.slot), answered.model, answered.version),
    )
    return [(begin_us, " ".join(map(str, mark))) for begin_us, *mark in rows]


def duplicates_of(connection: sqlite3.Connection, answered: Answered) -> dict[int, int]:
    """Return how many rows of each day did not count, by its begin (microseconds since 1970)."""
    rows = connection.execute(
        "SELECT day_us, sum(rows) FROM log_duplicates WHERE served = ? GROUP BY day_us",
        (known_number(connection, answered),),
    )
    return dict(rows.fetchall())


def mark_of_all(connection: sqlite3.Connection) -> str | None:
    """Return a text that changes when any hour does; None if there is none."""
    if not has_table(connection, "log_hours"):
        return None
    (count, *said) = connection.execute(
        "SELECT count(*), max(number), sum(rows), sum(length(body)) FROM log_hours"
    ).fetchone()
    return f"{count} {said}" if count else None


def profile_of(connection: sqlite3.Connection, hour: Hour) -> Profile:
    """Return what the rows of an hour look like, of all files together.

    Raises:
        ValueError: what is kept is not a profile.
    """
    from lineage_bridge.profiles import VERSION
    from lineage_bridge.profiles.encoding import decode
    from lineage_bridge.profiles.profile import Profile

    rows = connection.execute(
        "SELECT h.body FROM log_served s JOIN log_hours h ON h.served = s.number"
        " WHERE s.service = ? AND s.environment = ? AND s.deployment = ? AND s.model = ?"
        " AND s.version = ? AND h.begin_us = ? AND h.version = ? ORDER BY h.file",
        (*_names(hour.slot), hour.model, hour.version, hour.begin_us, VERSION),
    )
    return Profile.sum(decode(body) for (body,) in rows)


def add_hours(
    connection: sqlite3.Connection, file: int, parts: Iterable[tuple[Answered, int, Profile]]
) -> None:
    """Add rows that a file brought to those that it had brought before.

    Args:
        connection: in a transaction; the tables are prepared.
        file: the number of the file.
        parts: who answered, when the hour begins (microseconds since 1970), and the rows.
    """
    from lineage_bridge.profiles import VERSION
    from lineage_bridge.profiles.encoding import decode, encode
    from lineage_bridge.profiles.profile import Profile

    for answered, begin_us, brought in parts:
        served = number_of(connection, answered)
        key = (served, begin_us, file)
        before = connection.execute(
            "SELECT body FROM log_hours WHERE served = ? AND begin_us = ? AND file = ?"
            " AND version = ?",
            (*key, VERSION),
        ).fetchone()
        whole = brought if before is None else Profile.sum([decode(before[0]), brought])
        connection.execute(
            "INSERT OR REPLACE INTO log_hours (served, begin_us, file, rows, version, body)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (*key, whole.rows, VERSION, encode(whole)),
        )


def forget_hours(connection: sqlite3.Connection, file: int) -> None:
    """Delete what a file brought."""
    connection.execute("DELETE FROM log_hours WHERE file = ?", (file,))


def number_of(connection: sqlite3.Connection, answered: Answered) -> int:
    """Return the number in the tables of who answered, a new one where it has none."""
    connection.execute(
        f"INSERT OR IGNORE INTO log_served ({_SERVED}) VALUES (?, ?, ?, ?, ?)", _words(answered)
    )
    number = known_number(connection, answered)
    assert number is not None, "it was put in just now"
    return number


def known_number(connection: sqlite3.Connection, answered: Answered) -> int | None:
    """Return the number in the tables of who answered; None where it has none."""
    row = connection.execute(
        "SELECT number FROM log_served WHERE service = ? AND environment = ? AND deployment = ?"
        " AND model = ? AND version = ?",
        _words(answered),
    ).fetchone()
    return None if row is None else int(row[0])


def _words(answered: Answered) -> tuple[str, ...]:
    return (*_names(answered.slot), answered.model, answered.version)


def _names(slot: Slot) -> tuple[str, str, str]:
    return slot.service, slot.environment, slot.deployment
