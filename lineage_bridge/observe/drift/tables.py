"""How far each log was judged: a table with its migrations. It can be had again from the hours."""

from __future__ import annotations

from typing import Final

from lineage_bridge.journal.migrations import Room, statements

DRIFT: Final = Room(
    "drift",
    (
        statements(
            "courses",
            """CREATE TABLE drift_courses (
    service TEXT NOT NULL, environment TEXT NOT NULL, deployment TEXT NOT NULL,
    model TEXT NOT NULL, version TEXT NOT NULL,
    made_of BLOB NOT NULL,          -- digest of the reference, the limits and the rules
    reached_us INTEGER NOT NULL,    -- when the newest judged hour begins, since the epoch
    hours BLOB NOT NULL,            -- digest of all hours up to that
    state BLOB NOT NULL,            -- as the next judgement needs it, as MessagePack
    PRIMARY KEY (service, environment, deployment, model, version)
) WITHOUT ROWID""",
        ),
    ),
)
