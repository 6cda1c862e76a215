"""Rows of jobs in memory: read once, changed there by events, written once per batch."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

_COLUMNS: Final = (
    "j.id, j.namespace, j.name, j.simple_name, j.type, j.description, j.location,"
    " j.current_inputs, j.parent, p.name, j.created_us, j.updated_us, j.current_version,"
    " j.current_run, j.current_run_us"
)
_SELECT: Final = f"SELECT {_COLUMNS} FROM mq_jobs j LEFT JOIN mq_jobs p ON p.id = j.parent"


@dataclass(slots=True)
class JobRow:
    """A row of `mq_jobs`, with its parent's name; the schema in `tables` explains its columns."""

    id: int
    namespace: str
    name: str
    simple_name: str
    type: str
    description: str | None
    location: str | None
    current_inputs: str | None
    parent: int | None
    parent_name: str | None
    created_us: int
    updated_us: int
    current_version: int | None = None
    current_run: int | None = None
    current_run_us: int | None = None

    @property
    def is_streaming(self) -> bool:
        """Whether the last event called it a streaming job."""
        return self.type == "STREAM"

    @property
    def hashed_name(self) -> str:
        """Its name in the hash of its version: always prefixed with its parent's name."""
        return self.name if self.parent_name is None else f"{self.parent_name}.{self.simple_name}"

    def set_run(self, run: int | None, at_us: int) -> None:
        """Make a run the current one, unless a newer event has set another one."""
        if self.current_run_us is None or self.current_run_us <= at_us:
            self.current_run, self.current_run_us = run, at_us


def save_all(connection: sqlite3.Connection, rows: Iterable[JobRow]) -> None:
    """Write the columns that an event may change, and make the jobs visible."""
    connection.executemany(
        "UPDATE mq_jobs SET simple_name = ?, type = ?, description = ?, location = ?,"
        " current_inputs = ?, parent = ?, updated_us = ?, current_version = ?,"
        " current_run = ?, current_run_us = ?, is_hidden = 0 WHERE id = ?",
        [
            (
                row.simple_name,
                row.type,
                row.description,
                row.location,
                row.current_inputs,
                row.parent,
                row.updated_us,
                row.current_version,
                row.current_run,
                row.current_run_us,
                row.id,
            )
            for row in rows
        ],
    )


def load(connection: sqlite3.Connection, job: int) -> JobRow:
    """Read one job."""
    return JobRow(*_row(connection, "j.id = ?", (job,)))


def find(connection: sqlite3.Connection, namespace: str, name: str) -> JobRow | None:
    """Read the job that has a name, None if there is none."""
    row = _row(connection, "j.namespace = ? AND j.name = ?", (namespace, name))
    return None if row is None else JobRow(*row)


def _row(connection: sqlite3.Connection, condition: str, values: tuple[Any, ...]) -> Any:
    return connection.execute(f"{_SELECT} WHERE {condition}", values).fetchone()


def insert(connection: sqlite3.Connection, row: JobRow, uuid: str) -> None:
    """Insert a job, and set its `id`."""
    cursor = connection.execute(
        "INSERT INTO mq_jobs (uuid, namespace, name, simple_name, parent, type, created_us,"
        " updated_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            uuid,
            row.namespace,
            row.name,
            row.simple_name,
            row.parent,
            row.type,
            row.created_us,
            row.updated_us,
        ),
    )
    row.id = int(cursor.lastrowid or 0)
