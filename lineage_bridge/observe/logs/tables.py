"""The tables of inference logs, with all their migrations; all of it can be had from the files."""

from __future__ import annotations

from typing import Final

from lineage_bridge.journal.migrations import Room, statements

LOGS: Final = Room(
    "inference logs",
    (
        statements(
            "tables",
            """CREATE TABLE log_files (
    number INTEGER PRIMARY KEY,
    path TEXT UNIQUE,               -- absolute, real; NULL: another file has its name now
    body BLOB NOT NULL              -- how it was read, as MessagePack
)""",
            """CREATE TABLE log_served (
    number INTEGER PRIMARY KEY,
    service TEXT NOT NULL, environment TEXT NOT NULL, deployment TEXT NOT NULL,
    model TEXT NOT NULL, version TEXT NOT NULL,
    UNIQUE (service, environment, deployment, model, version)
)""",
            """CREATE TABLE log_hours (
    number INTEGER PRIMARY KEY,
    served INTEGER NOT NULL,        -- as in `log_served`
    begin_us INTEGER NOT NULL,      -- microseconds since the epoch
    file INTEGER NOT NULL,          -- as in `log_files`: what that file brought of the hour
    rows INTEGER NOT NULL,
    version INTEGER NOT NULL,       -- of what a profile says
    body BLOB NOT NULL,             -- the profile, as `profiles.encoding` has it
    UNIQUE (served, begin_us, file)
)""",
            """CREATE TABLE log_requests (
    number INTEGER PRIMARY KEY,     -- in the order in which they were read
    served INTEGER NOT NULL,        -- as in `log_served`
    file INTEGER NOT NULL,          -- as in `log_files`
    label_days REAL NOT NULL,       -- how long after its request a label may become known
    body BLOB NOT NULL              -- requests with their answers: see `kept_requests`
)""",
            """CREATE TABLE log_labels (
    number INTEGER PRIMARY KEY,     -- in the order in which they were read
    file INTEGER NOT NULL,          -- as in `log_files`
    body BLOB NOT NULL              -- labels with their requests' ids
)""",
            """CREATE TABLE log_duplicates (
    served INTEGER NOT NULL,        -- as in `log_served`
    file INTEGER NOT NULL,          -- as in `log_files`
    day_us INTEGER NOT NULL,        -- when the day begins, microseconds since the epoch
    rows INTEGER NOT NULL,          -- that did not count: their requests were there before
    PRIMARY KEY (served, file, day_us)
) WITHOUT ROWID""",
            """CREATE TABLE log_untold (
    served INTEGER PRIMARY KEY,     -- as in `log_served`
    since_us INTEGER NOT NULL       -- from this time on what the journal says may not be all
)""",
            "CREATE INDEX log_requests_by_served ON log_requests (served, number)",
            "CREATE INDEX log_requests_by_file ON log_requests (file)",
            "CREATE INDEX log_labels_by_file ON log_labels (file)",
            # So that hours are listed without reading over their profiles.
            "CREATE INDEX log_hours_listed ON log_hours (served, begin_us, rows)",
            "CREATE INDEX log_hours_by_file ON log_hours (file)",
        ),
    ),
)
