"""A stub of Marquez's feed: it may change between, and within, any two requests.

As on the real one (0.51 on PostgreSQL): events are kept as `jsonb` and written back with a null for
each known member that is absent, keys in another order, times in UTC; they are ordered by event
time alone, ties anyhow; dataset and job events are counted and not listed; the range is `after <=
time < before`, and ends at 2030 unless another end is asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any

import httpx

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIME = re.compile(r"(.{19})(?:\.(\d+))?(Z|[+-]\d\d:\d\d)")
KNOWN = {
    "event": ("eventType", "inputs", "outputs", "schemaURL"),
    "run": ("nominalTime", "parent"),
    "job": ("documentation", "sourceCodeLocation", "sql", "jobType"),
    "dataset": (
        "documentation",
        "schema",
        "dataSource",
        "description",
        "lifecycleStateChange",
        "columnLineage",
        "symlinks",
    ),
}


class AFeed:
    """The feed; as a handler of `httpx.MockTransport` it answers a client.

    Args:
        seed: of all that is at random.
        before_answer: called with the number of each request before it is answered, twice: events
            may come between the listing and the counting. It may raise, or return a response.
    """

    def __init__(
        self,
        seed: int = 0,
        before_answer: Callable[[int], httpx.Response | None] = lambda _: None,
    ) -> None:
        self.rows: list[tuple[int, bytes | None]] = []  # None: counted and not listed
        self.asked: list[httpx.Request] = []
        self.before_answer = before_answer
        self.rng = Random(seed)

    @property
    def url(self) -> str:
        return "http://marquez.test:5000"

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self)

    def post(self, *bodies: bytes | dict[str, Any]) -> None:
        """Keep events as Marquez does; each again if it comes again."""
        for body in bodies:
            text = body if isinstance(body, bytes) else json.dumps(body).encode()
            event = json.loads(text, parse_float=Decimal)
            kind = event.get("schemaURL", "").rsplit("/", 1)[-1]
            time_us = micros(event["eventTime"])
            is_listed = kind not in {"DatasetEvent", "JobEvent"}
            self.rows.append((time_us, self._written(event) if is_listed else None))

    def expire(self, count: int) -> None:
        """Delete the oldest rows, as retention does."""
        self.rows.sort(key=lambda row: row[0])
        del self.rows[:count]

    @property
    def requests(self) -> tuple[int, int]:
        """How many requests only counted, and how many listed."""
        counting = sum(request.url.params["limit"] == "0" for request in self.asked)
        return counting, len(self.asked) - counting

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/api/v1/events/lineage"):
            return httpx.Response(404)
        self.asked.append(request)
        number = len(self.asked)
        answer = self.before_answer(number)
        if answer is not None:
            return answer
        asked = request.url.params
        counts_first = self.rng.random() < 0.5
        total = self._total(asked) if counts_first else 0
        listed = self._listed(asked)
        self.before_answer(number)
        total = total if counts_first else self._total(asked)
        content = b'{"totalCount":%d,"events":[%b]}' % (total, b",".join(listed))
        return httpx.Response(200, content=content)

    def _within(self, asked: httpx.QueryParams) -> list[tuple[int, bytes | None]]:
        after = micros(asked.get("after", "1970-01-01T00:00:00Z"))
        before = micros(asked.get("before", "2030-01-01T00:00:00Z"))
        return [row for row in self.rows if after <= row[0] < before]

    def _total(self, asked: httpx.QueryParams) -> int:
        return len(self._within(asked))

    def _listed(self, asked: httpx.QueryParams) -> list[bytes]:
        rows = [(time_us, body) for time_us, body in self._within(asked) if body is not None]
        self.rng.shuffle(rows)
        rows.sort(key=lambda row: row[0], reverse=asked.get("sortDirection", "desc") == "desc")
        offset, limit = int(asked.get("offset", 0)), int(asked.get("limit", 100))
        return [body for _, body in rows[offset : offset + limit]]

    def _written(self, event: dict[str, Any]) -> bytes:
        shown = _with_nulls(event, KNOWN["event"])
        shown["eventTime"] = in_utc(event["eventTime"])
        shown["run"] = _owner(event["run"], "run")
        shown["job"] = _owner(event["job"], "job")
        for side in ("inputs", "outputs"):
            if event.get(side) is not None:
                shown[side] = [_owner(dataset, "dataset") for dataset in event[side]]
        keys = list(shown)
        self.rng.shuffle(keys)
        return "".join(_json({key: shown[key] for key in keys})).encode()


def _owner(owner: dict[str, Any], kind: str) -> dict[str, Any]:
    more = ("inputFacets", "outputFacets") if kind == "dataset" else ()
    shown = _with_nulls(owner, ("facets", *more))
    if shown["facets"] is not None:
        shown["facets"] = _with_nulls(shown["facets"], KNOWN[kind])
    return shown


def _with_nulls(members: dict[str, Any], known: tuple[str, ...]) -> dict[str, Any]:
    """Sort as `jsonb` does, shorter keys first; drop nulls, and add those of known members."""
    there = {
        key: _without_nulls(members[key])
        for key in sorted(members, key=lambda key: (len(key), key))
        if members[key] is not None
    }
    return {**dict.fromkeys(known), **there}


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _without_nulls(value[key])
            for key in sorted(value, key=lambda key: (len(key), key))
            if value[key] is not None
        }
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _json(value: Any) -> Iterator[str]:
    """Write JSON whose numbers keep their digits, without exponents."""
    if isinstance(value, dict):
        members = (f"{json.dumps(key)}:{''.join(_json(item))}" for key, item in value.items())
        yield f"{{{','.join(members)}}}"
    elif isinstance(value, list):
        yield f"[{','.join(''.join(_json(item)) for item in value)}]"
    elif isinstance(value, Decimal):
        yield format(abs(value) if value == 0 else value, "f")
    else:
        yield json.dumps(value)


def in_utc(text: str) -> str:
    """A time as the feed writes it: in UTC, with as few digits as it needs, up to nine."""
    whole, digits, zone = TIME.fullmatch(text).groups()
    instant = datetime.fromisoformat(whole + zone.replace("Z", "+00:00")).astimezone(UTC)
    fraction = f".{digits}".rstrip("0").rstrip(".") if digits else ""
    return f"{instant.replace(tzinfo=None).isoformat()}{fraction}Z"


def micros(text: str) -> int:
    """Microseconds since the epoch, rounded half up as PostgreSQL does."""
    whole, _, digits = in_utc(text).removesuffix("Z").partition(".")
    seconds = int((datetime.fromisoformat(f"{whole}+00:00") - EPOCH).total_seconds())
    return seconds * 1_000_000 + (int(digits.ljust(9, "0")) + 500) // 1000
