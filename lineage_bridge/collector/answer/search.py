"""Search by name in datasets and jobs.

Marquez intends to sort results and does not; here they are sorted by name or by last update.
Source: `SearchDao`, `SearchResource`, `marquez.api.v2beta.SearchResource`.
"""

from __future__ import annotations

import re
import sqlite3
from typing import Any

from lineage_bridge.collector.answer import nodes
from lineage_bridge.collector.dialect import instants
from lineage_bridge.collector.dialect.errors import ApiError, generic, invalid
from lineage_bridge.collector.dialect.instants import format_micros
from lineage_bridge.collector.dialect.requests import Request

FILTERS = ("DATASET", "JOB")
SORTS = ("NAME", "UPDATE_AT")
DEFAULT_LIMIT = 10
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_ORDERS = {"NAME": "name, namespace, type", "UPDATE_AT": "updated_us DESC, name, namespace"}

Json = dict[str, Any]

# SQLite's own LIKE is fast, but ignores the case of ASCII letters only.
_MATCHES = (
    "iif(:is_ascii AND length({name}) = length(CAST({name} AS BLOB)),"
    " {name} LIKE :pattern ESCAPE '\\', ilike({name}, :pattern))"
)
_FOUND = (
    "SELECT 'DATASET' AS type, s.name, d.updated_us, s.namespace FROM mq_symlinks s"
    " JOIN mq_datasets d ON d.id = s.dataset WHERE s.is_hidden = 0 AND"
    f" {_MATCHES.format(name='s.name')}"
    " UNION ALL SELECT 'JOB', name, updated_us, namespace FROM mq_jobs"
    f" WHERE is_hidden = 0 AND {_MATCHES.format(name='name')}"
)


def search(connection: sqlite3.Connection, request: Request) -> Json:
    """GET /search."""
    pattern = _text(request)
    kind = request.choice("filter", FILTERS)
    order = _ORDERS[request.choice("sort", SORTS) or "NAME"]
    limit, _ = request.page(DEFAULT_LIMIT)
    values = {
        "pattern": f"%{pattern}%",
        "is_ascii": pattern.isascii(),
        "type": kind,
        "namespace": request.text("namespace"),
        "before": _day(request, "before"),
        "after": _day(request, "after"),
        "limit": limit,
    }
    connection.create_function("ilike", 2, Ilike(), deterministic=True)
    rows = connection.execute(
        f"SELECT * FROM ({_FOUND}) WHERE (:type IS NULL OR type = :type)"
        " AND (:namespace IS NULL OR namespace = :namespace)"
        " AND (:before IS NULL OR updated_us < :before)"
        f" AND (:after IS NULL OR updated_us > :after) ORDER BY {order} LIMIT :limit",
        values,
    )
    results = [_result(*row) for row in rows]
    return {"totalCount": len(results), "results": results}


def search_index(connection: sqlite3.Connection, request: Request) -> Json:
    """GET /api/v2beta/search/*: answer as a Marquez without OpenSearch does."""
    del connection
    _text(request)
    raise ApiError(503)


def _text(request: Request) -> str:
    text = request.text("q") or ""
    if not text.strip():
        raise invalid("query param q must not be blank", status=400)
    return text


def _day(request: Request, name: str) -> int | None:
    values = request.parameters(name)
    if not values:
        return None
    if not _DAY.fullmatch(values[0]):
        raise invalid(rf'query param {name} must match "^\d{{4}}-\d{{2}}-\d{{2}}$"', status=400)
    try:
        return instants.day_micros(values[0])
    except ValueError as exc:
        raise generic() from exc


def _result(kind: str, name: str, updated_us: int, namespace: str) -> Json:
    node = nodes.dataset_id if kind == "DATASET" else nodes.job_id
    return {
        "type": kind,
        "name": name,
        "updatedAt": format_micros(updated_us),
        "namespace": namespace,
        "nodeId": node(namespace, name),
    }


class Ilike:
    """PostgreSQL's `ILIKE`: ignores case in every script, and knows its wildcards."""

    def __init__(self) -> None:
        self._pattern: str | None = None
        self._regex = re.compile("")

    def __call__(self, text: str, pattern: str) -> bool:
        """Return whether a text matches a pattern."""
        if pattern != self._pattern:
            self._pattern, self._regex = pattern, _regex(pattern)
        return self._regex.fullmatch(_lower(text)) is not None


def _lower(text: str) -> str:
    # One character for one, as PostgreSQL does: `İ` becomes `i`, without a combining dot.
    return text.lower() if text.isascii() else "".join(char.lower()[0] for char in text)


def _regex(pattern: str) -> re.Pattern[str]:
    parts, escaped = [], False
    for char in _lower(pattern):
        if escaped:
            parts.append(re.escape(char))
            escaped = False
        elif char == "\\":
            escaped = True
        else:
            parts.append({"%": ".*", "_": "."}.get(char, re.escape(char)))
    return re.compile("".join(parts), re.DOTALL)
