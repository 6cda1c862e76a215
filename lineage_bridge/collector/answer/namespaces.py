"""Namespaces, sources and tags as the API shows them.

Source: `NamespaceResource`, `SourceResource`, `TagResource` and their DAOs.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from lineage_bridge.collector.dialect.errors import generic, not_found
from lineage_bridge.collector.dialect.instants import format_micros
from lineage_bridge.collector.dialect.requests import Request

Json = dict[str, Any]

_NAMESPACES = (
    "SELECT name, created_us, updated_us, owner, description, is_hidden FROM mq_namespaces"
)
_SOURCES = "SELECT type, name, created_us, updated_us, url, description FROM mq_sources"


def check(connection: sqlite3.Connection, name: str) -> None:
    """Check that a namespace exists, hidden or not.

    Raises:
        ApiError: it does not exist.
    """
    if connection.execute("SELECT 1 FROM mq_namespaces WHERE name = ?", (name,)).fetchone() is None:
        raise not_found(f"Namespace '{name}' not found.")


def show_namespace(connection: sqlite3.Connection, name: str) -> Json:
    """Return one namespace."""
    check(connection, name)
    return _namespace(connection.execute(f"{_NAMESPACES} WHERE name = ?", (name,)).fetchone())


def get_namespace(connection: sqlite3.Connection, request: Request) -> Json:
    """GET /namespaces/{namespace}."""
    return show_namespace(connection, request.names["namespace"])


def list_namespaces(connection: sqlite3.Connection, request: Request) -> Json:
    """GET /namespaces."""
    rows = connection.execute(f"{_NAMESPACES} ORDER BY name LIMIT ? OFFSET ?", request.page())
    return {"namespaces": [_namespace(row) for row in rows]}


def _namespace(row: Any) -> Json:
    name, created_us, updated_us, owner, description, is_hidden = row
    return {
        "name": name,
        "createdAt": format_micros(created_us),
        "updatedAt": format_micros(updated_us),
        "ownerName": owner,
        "description": description,
        "isHidden": bool(is_hidden),
    }


def show_source(connection: sqlite3.Connection, name: str) -> Json:
    """Return one source.

    Raises:
        ApiError: it does not exist, or has no URL: Marquez cannot show such a source.
    """
    row = connection.execute(f"{_SOURCES} WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise not_found(f"Source '{name}' not found.")
    return _source(row)


def get_source(connection: sqlite3.Connection, request: Request) -> Json:
    """GET /sources/{source}."""
    return show_source(connection, request.names["source"])


def list_sources(connection: sqlite3.Connection, request: Request) -> Json:
    """GET /sources."""
    rows = connection.execute(f"{_SOURCES} ORDER BY name LIMIT ? OFFSET ?", request.page())
    return {"sources": [_source(row) for row in rows]}


def _source(row: Any) -> Json:
    kind, name, created_us, updated_us, url, description = row
    if not url:
        raise generic()
    return {
        "type": kind,
        "name": name,
        "createdAt": format_micros(created_us),
        "updatedAt": format_micros(updated_us),
        "connectionUrl": url,
        "description": description,
    }


def list_tags(connection: sqlite3.Connection, request: Request) -> Json:
    """GET /tags."""
    rows = connection.execute(
        "SELECT name, description FROM mq_tags ORDER BY name LIMIT ? OFFSET ?", request.page()
    )
    return {"tags": [{"name": name, "description": text} for name, text in rows]}


def show_tag(connection: sqlite3.Connection, name: str) -> Json:
    """Return one tag."""
    row = connection.execute(
        "SELECT name, description FROM mq_tags WHERE name = ?", (name,)
    ).fetchone()
    return {"name": row[0], "description": row[1]}
