"""The days of inference logs that are to be judged: those that are not as they were judged.

Where there is none, no profile is read and numpy is not imported.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from lineage_bridge import __version__
from lineage_bridge.facets.deployment import DeploymentFacet
from lineage_bridge.graph.load import load
from lineage_bridge.observe.content.versions import content_of
from lineage_bridge.observe.drift.due import words_of
from lineage_bridge.observe.drift.reference import References, Trained
from lineage_bridge.observe.logs.hours import (
    DAY_US,
    HOUR_US,
    Answered,
    duplicates_of,
    list_answered,
    list_marks,
)
from lineage_bridge.profiles import VERSION
from lineage_bridge.settings import Settings


class Day(NamedTuple):
    """A day of a log that is to be judged.

    Attributes:
        answered: whose log it is.
        day: counted from 1970-01-01.
        hours: when those that have rows begin, microseconds since 1970.
        repeated: rows that did not count, because their request was there before.
        trained: what the model was trained on; None where that is not known, or was not read.
        made_of: a digest of all that it is judged by.
    """

    answered: Answered
    day: int
    hours: tuple[int, ...]
    repeated: int
    trained: Trained | None
    made_of: bytes

    @property
    def end_us(self) -> int:
        """When its newest hour ends, microseconds since 1970."""
        return self.hours[-1] + HOUR_US


def days_due(connection: sqlite3.Connection, settings: Settings) -> Iterator[Day]:
    """Yield the days that are to be judged, those of a log by time.

    Args:
        connection: on the journal's database, after the graph has caught up.
        settings: give the namespace, and what is expected.
    """
    references = References(load(connection, keys=(DeploymentFacet.key,)), settings.namespace)
    expected = json.dumps(settings.model_dump(mode="json", include={"checks"}))
    for answered in list_answered(connection):
        trained = references.of(answered)
        content = None
        if trained is not None:
            content = content_of(connection, trained.node, trained.version)
        held = trained if content is not None else None
        judged_by = repr((__version__, VERSION, held, content, expected))
        judged = _judged(connection, answered)
        for day in _days(connection, answered, held, judged_by):
            if judged.get(day.day) != day.made_of:
                yield day


def _days(
    connection: sqlite3.Connection, answered: Answered, trained: Trained | None, judged_by: str
) -> Iterator[Day]:
    repeated = duplicates_of(connection, answered)
    marks: Iterable[tuple[int, str]] = list_marks(connection, answered)
    for day, of_day in groupby(marks, key=lambda mark: mark[0] // DAY_US):
        hours = list(of_day)
        again = repeated.get(day * DAY_US, 0)
        said = f"{judged_by} {hours} {again}".encode("utf-8", "surrogatepass")
        begins = tuple(begin_us for begin_us, _ in hours)
        yield Day(answered, day, begins, again, trained, hashlib.sha256(said).digest())


def _judged(connection: sqlite3.Connection, answered: Answered) -> dict[int, bytes]:
    rows = connection.execute(
        "SELECT day, made_of FROM request_days WHERE service = ? AND environment = ?"
        " AND deployment = ? AND model = ? AND version = ?",
        words_of(answered),
    )
    return dict(rows.fetchall())


def keep_judged(connection: sqlite3.Connection, day: Day) -> None:
    """Save that a day was judged, within the caller's transaction."""
    connection.execute(
        "INSERT OR REPLACE INTO request_days VALUES (?, ?, ?, ?, ?, ?, ?)",
        (*words_of(day.answered), day.day, day.made_of),
    )
