"""The events feed: run events as they were received, ordered by event time.

The total is summed from hourly counts, so that a page costs the same however many events are
stored. A page is read bit by bit while it is sent, as a hundred events of ten megabytes are too
much to hold. Source:
`OpenLineageResource.getLineageEvents`, `OpenLineageDao.getAllLineageEventsDesc`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager

import msgspec

from lineage_bridge.collector.dialect.encoding import encode_list
from lineage_bridge.collector.dialect.errors import coded
from lineage_bridge.collector.dialect.requests import Request
from lineage_bridge.collector.dialect.shown import shown_event
from lineage_bridge.collector.fold.reduce import HOUR_US
from lineage_bridge.events import event_time
from lineage_bridge.http import Response
from lineage_bridge.times import EARLIEST_US, LATEST_US

Reading = Callable[[], AbstractContextManager[sqlite3.Connection]]

DIRECTIONS = ("DESC", "ASC")
PORTION_BYTES = 1024 * 1024  # of bodies that are read at once
DEFAULT_BEFORE = "2030-01-01T00:00:00+00:00"
DEFAULT_AFTER = "1970-01-01T00:00:00+00:00"

REACHED = "SELECT seq FROM models WHERE name = 'collector'"  # the last event that is counted


def list_events(reading: Reading, request: Request) -> Response:
    """GET /events/lineage; `reading` lends a connection."""
    # Events of before or after the range of times stand at its ends, and bounds there find them.
    before = max(_time(request.text("before") or DEFAULT_BEFORE), EARLIEST_US + 1)
    after = min(_time(request.text("after") or DEFAULT_AFTER), LATEST_US)
    direction = request.choice("sortDirection", DIRECTIONS) or "DESC"
    limit, offset = request.page()
    with reading() as connection:
        rows = connection.execute(
            "SELECT seq, length(body) FROM events WHERE kind = 'run' AND time_us >= ?"
            f" AND time_us < ? AND seq <= ({REACHED})"
            f" ORDER BY time_us {direction}, seq {direction} LIMIT ? OFFSET ?",
            (after, before, limit, offset),
        ).fetchall()
        total = _count(connection, after, before)
    return Response(encode_list("events", _events(reading, rows), totalCount=total))


def _events(reading: Reading, rows: Sequence[tuple[int, int]]) -> Iterator[Iterable[bytes]]:
    """Yield the JSON of events, by number and size; what was pruned meanwhile is left out."""
    for numbers in _portions(rows):
        with reading() as connection:
            found = connection.execute(
                "SELECT seq, body FROM events WHERE seq IN (SELECT value FROM json_each(?))",
                (msgspec.json.encode(numbers).decode(),),
            )
            bodies = dict(found.fetchall())
        for number in numbers:
            if number in bodies:
                yield [shown_event(bodies[number])]


def _portions(rows: Sequence[tuple[int, int]]) -> Iterator[list[int]]:
    """Yield numbers of events of up to `PORTION_BYTES` together; a longer event comes alone."""
    portion: list[int] = []
    size = 0
    for number, length in rows:
        if portion and size + length > PORTION_BYTES:
            yield portion
            portion, size = [], 0
        portion.append(number)
        size += length
    if portion:
        yield portion


def _time(text: str) -> int:
    try:
        return event_time.parse_zoned_micros(text)
    except ValueError as exc:
        raise coded(400, f"Parameter is invalid: {exc}") from exc


def _count(connection: sqlite3.Connection, after: int, before: int) -> int:
    """Count events of all kinds in a range: whole hours from the counts, the rest one by one."""
    if after >= before:
        return 0
    first, last = -(-after // HOUR_US), before // HOUR_US
    if first >= last:
        return _count_one_by_one(connection, after, before)
    (whole,) = connection.execute(
        "SELECT coalesce(sum(events), 0) FROM mq_event_hours WHERE hour >= ? AND hour < ?",
        (first, last),
    ).fetchone()
    return (
        int(whole)
        + _count_one_by_one(connection, after, first * HOUR_US)
        + _count_one_by_one(connection, last * HOUR_US, before)
    )


def _count_one_by_one(connection: sqlite3.Connection, after: int, before: int) -> int:
    (found,) = connection.execute(
        "SELECT count(*) FROM events WHERE kind IN ('run', 'dataset', 'job')"
        f" AND time_us >= ? AND time_us < ? AND seq <= ({REACHED})",
        (after, before),
    ).fetchone()
    return int(found)
