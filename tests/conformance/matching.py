"""Does an answer match a recorded one?

Recorded answers hold placeholders: `<now>` for the server's clock, `<uuid:1>` for a random UUID
(one number is one UUID throughout a scenario), `<hex>` and `<any>`. Some arrays have no order, or
are ordered by one key only; they match if any order of their items does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Json = Any
Bound = Mapping[str, str]  # which live UUID a placeholder stands for

CLOCK_TOLERANCE = timedelta(minutes=10)
_PLACEHOLDER = re.compile(r"<(now|any|hex|uuid:\d+)>")
_FORMS = {
    "now": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z",
    "any": r"[\s\S]*",
    "hex": r"[0-9a-f]{16}",
    "uuid": r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
}
_BELOW_FACETS = re.compile(r"\.(?:f|inputF|outputF)acets\b")

# Arrays without an order: (path of the request, JSON path in the answer).
_SETS = [
    (re.compile(route), re.compile(path))
    for route, path in (
        (r"/api/v1/namespaces/[^/]*/jobs.*", r"\$\..*(?:in|out)puts"),
        (r"/api/v1/namespaces/[^/]*/jobs.*", r"\$\.(?:in|out)puts"),
        (r"/api/v1/jobs", r"\$\..*(?:in|out)puts"),
        (r"/api/v1/namespaces/[^/]*/jobs/[^/]*/versions", r"\$\.versions"),
        (r"/api/v1/lineage", r"\$\.graph\[\d+\]\.data\.(?:in|out)puts"),
        (r"/api/v1/runlineage/upstream", r"\$\.runs\[\d+\]\.inputs"),
        (r"/api/v1/.*", r"\$\..*(?:in|out)putDatasetVersions"),
        (r"/api/v1/.*", r"\$\.(?:.*\.)?tags"),
        (r"/api/v1/namespaces/[^/]*/datasets/[^/]*", r"\$\.fields"),
        (r"/api/v1/namespaces/[^/]*/datasets/[^/]*/.*tags/[^/]*", r"\$\.fields"),
        (r"/api/v1/namespaces/[^/]*/datasets", r"\$\.datasets\[\d+\]\.fields"),
        (r"/api/v1/namespaces/[^/]*/datasets.*", r"\$\.(?:.*\.)?columnLineage"),
        (
            r"/api/v1/namespaces/[^/]*/datasets.*",
            r"\$\.(?:.*\.)?columnLineage\[\d+\]\.inputFields",
        ),
        (r"/api/v1/column-lineage", r"\$\.graph\[\d+\]\.data\.inputFields"),
        (r"/api/v1/search", r"\$\.results"),
        (r"/.*", r"\$\.errors"),
    )
]

# Arrays ordered by one key: items that are equal there may come in any order among themselves.
_TIES = [
    (re.compile(route), path, key)
    for route, path, key in (
        (r"/api/v1/jobs", "$.jobs", "updatedAt"),
        (r"/api/v1/namespaces/[^/]*/jobs", "$.jobs", "updatedAt"),
        (r"/api/v1/namespaces/[^/]*/jobs/[^/]*/runs", "$.runs", "startedAt"),
        (r"/api/v1/namespaces/[^/]*/datasets/[^/]*/versions", "$.versions", "createdAt"),
        (r"/api/v1/events/lineage", "$.events", "eventTime"),
    )
]


@dataclass
class Matcher:
    """Matches the answer to one request; afterwards `mismatch` tells where it got furthest.

    Args:
        route: the path of the request, without its query.
        unordered: further arrays without an order, as JSON paths.
        now: the time of the request.
    """

    route: str
    unordered: Sequence[str] = ()
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    mismatch: str = ""
    _deepest: int = -1

    def match(self, expected: Json, actual: Json, bound: Bound, path: str = "$") -> Bound | None:
        """Return what the placeholders stand for now; None if the two do not match."""
        if expected == "<any>":
            return bound
        if isinstance(expected, dict) and isinstance(actual, dict):
            return self._objects(expected, actual, bound, path)
        if isinstance(expected, list) and isinstance(actual, list):
            return self._arrays(expected, actual, bound, path)
        if isinstance(expected, str) and isinstance(actual, str):
            found = self._texts(expected, actual, bound)
        else:
            same = expected == actual and isinstance(expected, bool) == isinstance(actual, bool)
            found = bound if same else None
        return self._noted(found, path, expected, actual)

    def _noted(self, found: Bound | None, path: str, expected: Json, actual: Json) -> Bound | None:
        depth = len(path)
        if found is None and depth > self._deepest:
            self._deepest = depth
            self.mismatch = f"{path}: expected {expected!r:.300}, got {actual!r:.300}"
        return found

    def _objects(
        self, expected: dict[str, Json], actual: dict[str, Json], bound: Bound, path: str
    ) -> Bound | None:
        optional = {key for key, value in expected.items() if value == "<any>"}
        if not expected.keys() - optional <= actual.keys() <= expected.keys():
            odd = sorted(expected.keys() ^ actual.keys())
            return self._noted(None, f"{path}.{odd}", sorted(expected), sorted(actual))
        found: Bound | None = bound
        for key in expected.keys() & actual.keys():
            if found is None:
                return None
            found = self.match(expected[key], actual[key], found, f"{path}.{key}")
        return found

    def _arrays(
        self, expected: list[Json], actual: list[Json], bound: Bound, path: str
    ) -> Bound | None:
        if len(expected) != len(actual):
            return self._noted(None, path, expected, actual)
        if self._is_set(path):
            return self._any_order(expected, actual, bound, path)
        found: Bound | None = bound
        for start, end in self._tied(expected, path):
            if found is None:
                return None
            found = self._any_order(expected[start:end], actual[start:end], found, path)
        return found

    def _is_set(self, path: str) -> bool:
        if path in self.unordered:
            return True
        return not _BELOW_FACETS.search(path) and any(
            route.fullmatch(self.route) and pattern.fullmatch(path) for route, pattern in _SETS
        )

    def _tied(self, items: list[Json], path: str) -> Iterable[tuple[int, int]]:
        keys = [key for route, where, key in _TIES if where == path and route.fullmatch(self.route)]
        start = 0
        for end in range(1, len(items) + 1):
            if keys and end < len(items):
                before, after = items[end - 1].get(keys[0]), items[end].get(keys[0])
                if before == after != "<now>":
                    continue
            yield start, end
            start = end

    def _any_order(
        self, expected: list[Json], actual: list[Json], bound: Bound, path: str
    ) -> Bound | None:
        if not expected:
            return bound
        for i, candidate in enumerate(actual):
            found = self.match(expected[0], candidate, bound, f"{path}[{len(actual) - 1}]")
            if found is not None:
                rest = [*actual[:i], *actual[i + 1 :]]
                found = self._any_order(expected[1:], rest, found, path)
            if found is not None:
                return found
        return None

    def _texts(self, expected: str, actual: str, bound: Bound) -> Bound | None:
        names = _PLACEHOLDER.findall(expected)
        if not names:
            return bound if expected == actual else None
        pattern, end = "", 0
        for place in _PLACEHOLDER.finditer(expected):
            form = _FORMS[place[1].partition(":")[0]]
            pattern += re.escape(expected[end : place.start()]) + f"({form})"
            end = place.end()
        live = re.fullmatch(pattern + re.escape(expected[end:]), actual)
        found: Bound | None = bound
        for name, value in zip(names, live.groups() if live else (), strict=bool(live)):
            found = found if found is None else self._value(name, value, found)
        return found if live else None

    def _value(self, name: str, value: str, bound: Bound) -> Bound | None:
        if name == "now":
            live = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", value))
            return bound if abs(live - self.now) <= CLOCK_TOLERANCE else None
        if not name.startswith("uuid:"):
            return bound
        if name in bound:
            return bound if bound[name] == value else None
        return None if value in bound.values() else {**bound, name: value}
