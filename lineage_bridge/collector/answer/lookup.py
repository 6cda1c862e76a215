"""The row of what a request names; answered 404 if it is not there."""

from __future__ import annotations

import sqlite3

from lineage_bridge.collector.answer import namespaces
from lineage_bridge.collector.dialect.errors import not_found
from lineage_bridge.collector.dialect.requests import Request


def find_job(connection: sqlite3.Connection, request: Request) -> int:
    """Find the row of the job that a path names.

    Raises:
        ApiError: its namespace or the job does not exist, or the job is hidden.
    """
    namespace, name = request.names["namespace"], request.names["job"]
    namespaces.check(connection, namespace)
    row = connection.execute(
        "SELECT id FROM mq_jobs WHERE namespace = ? AND name = ? AND NOT is_hidden",
        (namespace, name),
    ).fetchone()
    if row is None:
        raise not_found(f"Job '{name}' not found.")
    return int(row[0])


def find_run(connection: sqlite3.Connection, uuid: str) -> int:
    """Find the row of a run.

    Raises:
        ApiError: there is no such run.
    """
    row = connection.execute("SELECT id FROM mq_runs WHERE uuid = ?", (uuid,)).fetchone()
    if row is None:
        raise not_found(f"Run '{uuid}' not found.")
    return int(row[0])
