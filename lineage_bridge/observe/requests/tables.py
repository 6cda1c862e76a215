"""The table of the days that were judged; it can be had again from the hours of the logs."""

from __future__ import annotations

from typing import Final

from lineage_bridge.journal.migrations import Room, statements

REQUESTS: Final = Room(
    "requests",
    (
        statements(
            "tables",
            """CREATE TABLE request_days (
    service TEXT NOT NULL, environment TEXT NOT NULL, deployment TEXT NOT NULL,
    model TEXT NOT NULL, version TEXT NOT NULL,
    day INTEGER NOT NULL,           -- counted from 1970-01-01
    made_of BLOB NOT NULL,          -- a digest of all that it was judged by
    PRIMARY KEY (service, environment, deployment, model, version, day)
) WITHOUT ROWID""",
        ),
    ),
)
