"""Statistics of the last day by the hour, or of the last week by the day.

Events are counted by type; things (jobs, datasets, sources) are totals of all created until then,
hidden ones included. Source: `StatsDao`, `StatsResource`.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lineage_bridge.collector.answer.feed import REACHED
from lineage_bridge.collector.dialect.errors import coded
from lineage_bridge.collector.dialect.instants import format_micros
from lineage_bridge.collector.dialect.requests import Request
from lineage_bridge.collector.fold.reduce import COUNTED_TYPES, HOUR_US
from lineage_bridge.http import Response
from lineage_bridge.times import to_micros

PERIODS = ("DAY", "WEEK")
HOURS = 24
DAYS = 7
THINGS = {"jobs": "mq_jobs", "datasets": "mq_datasets", "sources": "mq_sources"}

# Start and end of an interval, and the start and end that are shown for it.
_Interval = tuple[int, int, int, int]


class Stats:
    """The four statistics at the time of a clock, which returns seconds since the Unix epoch."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock

    def count_events(self, connection: sqlite3.Connection, request: Request) -> Any:
        """GET /stats/lineage-events."""
        period, zone = _period(request)
        if period is None:
            return _bare("Invalid period")
        if period == "WEEK" and zone is None:
            return _bare("Timezone must be specified for period 'WEEK'")
        shown = []
        for start, end, shown_start, shown_end in self._intervals(period, zone):
            counts = _counts(connection, start, end)
            shown.append(
                {
                    "startInterval": format_micros(shown_start),
                    "endInterval": format_micros(shown_end),
                    **{name.lower(): counts.get(name, 0) for name in COUNTED_TYPES},
                }
            )
        return shown

    def count_things(self, kind: str) -> Callable[[sqlite3.Connection, Request], Any]:
        """GET /stats/jobs, /stats/datasets or /stats/sources."""

        def handler(connection: sqlite3.Connection, request: Request) -> Any:
            period, zone = _period(request)
            if period is None:
                return _bare("Invalid period")
            if period == "WEEK" and zone is None:
                return []
            return [
                {
                    "startInterval": format_micros(shown_start),
                    "endInterval": format_micros(shown_end),
                    "count": _things(connection, kind, end),
                }
                for _, end, shown_start, shown_end in self._intervals(period, zone)
            ]

        return handler

    def _intervals(self, period: str, zone: ZoneInfo | None) -> list[_Interval]:
        now = datetime.fromtimestamp(self._clock(), UTC)
        if period == "DAY":
            last = now.replace(minute=0, second=0, microsecond=0)
            hours = [last - timedelta(hours=back) for back in reversed(range(HOURS))]
            starts = [to_micros(hour) for hour in hours]
            return [(start, start + HOUR_US, start, start + HOUR_US) for start in starts]
        today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
        days = [today - timedelta(days=back) for back in reversed(range(-1, DAYS))]
        bounds = [
            (to_micros(day.replace(tzinfo=zone)), to_micros(day.replace(tzinfo=UTC)))
            for day in days
        ]
        return [
            (start, end, shown_start, shown_end)
            for (start, shown_start), (end, shown_end) in pairwise(bounds)
        ]


def _period(request: Request) -> tuple[str | None, ZoneInfo | None]:
    period = request.choice("period", PERIODS)
    name = request.text("timezone")
    if period != "WEEK" or name is None:
        return period, None
    try:
        return period, ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise coded(500, f"time zone {name!r} not recognized") from exc


def _bare(text: str) -> Response:
    return Response(text.encode(), 400)


def _counts(connection: sqlite3.Connection, start: int, end: int) -> dict[str, int]:
    if start % HOUR_US == 0 and end % HOUR_US == 0:
        rows = connection.execute(
            "SELECT type, sum(events) FROM mq_event_hours WHERE hour >= ? AND hour < ?"
            " GROUP BY type",
            (start // HOUR_US, end // HOUR_US),
        )
        return dict(rows.fetchall())
    rows = connection.execute(
        "SELECT body ->> 'eventType', count(*) FROM events"
        f" WHERE kind = 'run' AND time_us >= ? AND time_us < ? AND seq <= ({REACHED}) GROUP BY 1",
        (start, end),
    )
    return dict(rows.fetchall())


def _things(connection: sqlite3.Connection, kind: str, end: int) -> int:
    # The total minus the recent ones: few rows are recent, so counting those is cheap.
    (count,) = connection.execute(
        f"SELECT (SELECT count(*) FROM {THINGS[kind]})"
        f" - (SELECT count(*) FROM {THINGS[kind]} WHERE created_us >= ?)",
        (end,),
    ).fetchone()
    return int(count)
