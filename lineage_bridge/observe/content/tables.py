"""The tables of the content of versions; all that they hold can be had again from the files."""

from __future__ import annotations

from lineage_bridge.journal.migrations import Room, statements

CONTENT = Room(
    "content",
    (
        statements(
            "tables",
            """CREATE TABLE content_versions (
    dataset TEXT NOT NULL,          -- its node id
    version TEXT NOT NULL,          -- in the one spelling that its builds have
    namespace TEXT NOT NULL,        -- of the dataset
    name TEXT NOT NULL,             -- of the dataset
    built_us INTEGER NOT NULL,      -- time of the build's event, microseconds since the epoch
    event TEXT NOT NULL,            -- the event that stands for the build
    subject TEXT NOT NULL,          -- of the build's record, as in `records`
    artifact TEXT NOT NULL,         -- as in `identity_events`
    path TEXT,                      -- of the file that was read; NULL: none was yet
    mark TEXT,                      -- its size, time and inode of then
    read_by TEXT,                   -- what the facts depend on besides the file
    is_whole INTEGER,               -- 0: not all of it could be read, so it is tried again
    content BLOB,                   -- SHA-256 of the file, as in `profiles`; NULL: not read
    keys TEXT,                      -- of the profile, as in `profiles`
    facts BLOB,                     -- what checks ask of it, without the profile, as MessagePack
    PRIMARY KEY (dataset, version)
)""",
            "CREATE INDEX content_versions_event ON content_versions (event)",
            """CREATE TABLE content_findings (
    dataset TEXT NOT NULL,
    version TEXT NOT NULL,
    chain BLOB NOT NULL,            -- a digest of all that it was judged by, back to the first
    outcomes TEXT NOT NULL,         -- how each check came out, as JSON
    PRIMARY KEY (dataset, version)
) WITHOUT ROWID""",
        ),
    ),
)
