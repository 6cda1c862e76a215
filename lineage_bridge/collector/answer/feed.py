"""The events feed: run events as they were received, ordered by event time.

Numbers keep their digits: events are decoded and encoded with exact decimals. The total is summed
from hourly counts, so that a page costs the same however many events are stored. Source:
`OpenLineageResource.getLineageEvents`, `OpenLineageDao.getAllLineageEventsDesc`.
"""

from __future__ import annotations

import sqlite3
from decimal import Decimal
from typing import Any

import msgspec

from lineage_bridge.collector.dialect.errors import coded
from lineage_bridge.collector.dialect.requests import Request
from lineage_bridge.collector.dialect.typed import shown_event
from lineage_bridge.collector.fold.reduce import HOUR_US
from lineage_bridge.events import event_time
from lineage_bridge.http import Response
from lineage_bridge.times import EARLIEST_US, LATEST_US

DIRECTIONS = ("DESC", "ASC")
DEFAULT_BEFORE = "2030-01-01T00:00:00+00:00"
DEFAULT_AFTER = "1970-01-01T00:00:00+00:00"

REACHED = "SELECT seq FROM models WHERE name = 'collector'"  # the last event that is counted

_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")


def list_events(connection: sqlite3.Connection, request: Request) -> Response:
    """GET /events/lineage."""
    # Events of before or after the range of times stand at its ends, and bounds there find them.
    before = max(_time(request.text("before") or DEFAULT_BEFORE), EARLIEST_US + 1)
    after = min(_time(request.text("after") or DEFAULT_AFTER), LATEST_US)
    direction = request.choice("sortDirection", DIRECTIONS) or "DESC"
    limit, offset = request.page()
    rows = connection.execute(
        "SELECT body FROM events WHERE kind = 'run' AND time_us >= ? AND time_us < ?"
        f" AND seq <= ({REACHED})"
        f" ORDER BY time_us {direction}, seq {direction} LIMIT ? OFFSET ?",
        (after, before, limit, offset),
    )
    events = [_shown(body) for (body,) in rows]
    total = _count(connection, after, before)
    return Response(_encoder.encode({"totalCount": total, "events": events}))


def _shown(body: bytes) -> Any:
    """Shape an event as the feed shows it; an unchecked one (an import, say) may stay as it is."""
    document = _decoder.decode(body)
    try:
        return shown_event(document)
    except (AttributeError, KeyError, TypeError, ValueError):
        return document


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
