"""The tables of ingest, with all their migrations.

Their whole content can be rebuilt from the artifacts; none of it is needed to answer a question of
the graph. Two counters grow with every change, so that several processes notice each other: one for
the records, one (`window_pending.generation`) for all the rest.
"""

from __future__ import annotations

import sqlite3

from lineage_bridge.journal.migrations import Room, statements

# The tables as they were when migrations began to be recorded. Released, so they never change.
_FIRST = (
    """CREATE TABLE IF NOT EXISTS quarantine (
    path TEXT NOT NULL,             -- absolute
    line INTEGER NOT NULL,          -- counted from 1; 0: the whole file
    family TEXT NOT NULL,           -- p2, p4, p5, p6
    field TEXT,
    reason TEXT NOT NULL,
    PRIMARY KEY (path, line)
)""",
    """CREATE TABLE IF NOT EXISTS scanned_files (
    path TEXT PRIMARY KEY,          -- absolute, real
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    inode INTEGER NOT NULL,
    offset INTEGER NOT NULL,        -- bytes that were read
    lines INTEGER NOT NULL,         -- lines in them
    is_clean INTEGER NOT NULL,      -- 0: a line before the offset was rejected
    fingerprint BLOB NOT NULL       -- of the first and the last bytes that were read
) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS window_lines (
    minute_us INTEGER PRIMARY KEY,  -- the minute in which the windows begin
    hashes BLOB NOT NULL            -- 8 bytes for each line
)""",
    """CREATE TABLE IF NOT EXISTS serving_slots (
    service TEXT NOT NULL, environment TEXT NOT NULL, deployment TEXT NOT NULL,
    memory BLOB NOT NULL,           -- SlotMemory as JSON
    PRIMARY KEY (service, environment, deployment)
) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS serving_starts (
    run_id TEXT PRIMARY KEY         -- a start that the evaluators have taken in
) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS window_pending (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    generation INTEGER NOT NULL,    -- grows with every change, so that two processes notice
    windows BLOB NOT NULL           -- read and not judged yet, as JSON
)""",
    """CREATE TABLE IF NOT EXISTS window_services (
    service TEXT PRIMARY KEY,
    blind TEXT NOT NULL             -- counters that were 0 or absent in every window, by comma
) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS serving_judgements (
    service TEXT NOT NULL, environment TEXT NOT NULL, deployment TEXT NOT NULL,
    number INTEGER NOT NULL,        -- how often the deployment was judged anew
    PRIMARY KEY (service, environment, deployment)
) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS ingest_facts (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
)""",
    """CREATE TABLE IF NOT EXISTS read_files (
    family TEXT NOT NULL,
    path TEXT NOT NULL,             -- absolute
    fingerprint TEXT NOT NULL,
    PRIMARY KEY (family, path)
)""",
    """CREATE TABLE IF NOT EXISTS records (
    family TEXT NOT NULL,
    path TEXT NOT NULL,
    line INTEGER NOT NULL,          -- 0: the whole file
    part INTEGER NOT NULL,          -- a file or line may hold several records
    body BLOB NOT NULL,
    PRIMARY KEY (family, path, line, part)
)""",
    """CREATE TABLE IF NOT EXISTS emitted (
    subject TEXT PRIMARY KEY,       -- what the event is about, such as `train/<run id>/COMPLETE`
    said TEXT NOT NULL,             -- what it says, to see if that is still so
    id TEXT NOT NULL                -- the id that it was emitted with
)""",
)

INGEST = Room(
    "ingest",
    (
        statements("tables", *_FIRST),
        statements(
            "records name their shape",
            # Kind and number, such as `dataset/1`; NULL: stored before that, when all were 1.
            "ALTER TABLE records ADD COLUMN shape TEXT",
        ),
        statements(
            "files name the version of their adapter",
            "ALTER TABLE read_files ADD COLUMN version INTEGER NOT NULL DEFAULT 1",
            "ALTER TABLE scanned_files ADD COLUMN version INTEGER NOT NULL DEFAULT 1",
        ),
        statements(
            "events that were appended and not saved yet",
            """CREATE TABLE unsaved_events (
    number INTEGER PRIMARY KEY,     -- in the order of appending
    id TEXT NOT NULL UNIQUE,
    subject TEXT NOT NULL,          -- as in `emitted`; of an observer: its deployment as JSON
    said TEXT                       -- as in `emitted`; NULL: an observer's
)""",
        ),
        statements(
            "identities come from the journal",
            # Records of before do not tell claims from references: their files are read again.
            "UPDATE scanned_files SET version = 0"
            " WHERE path IN (SELECT path FROM records WHERE line > 0)",
            "DELETE FROM records",
            "DELETE FROM read_files",
            "ALTER TABLE records ADD COLUMN subject TEXT NOT NULL DEFAULT ''",
            "ALTER TABLE records ADD COLUMN generation INTEGER NOT NULL DEFAULT 0",
            """CREATE TABLE retracted (
    subject TEXT NOT NULL,          -- of a record that its artifact does not tell of any more
    artifact TEXT NOT NULL,         -- as in `identity_events`
    PRIMARY KEY (subject, artifact)
) WITHOUT ROWID""",
            "DROP TABLE emitted",
        ),
        statements(
            "only observers' events are noted until they are saved",
            "DELETE FROM unsaved_events WHERE said IS NOT NULL",
            "ALTER TABLE unsaved_events DROP COLUMN said",
            "ALTER TABLE unsaved_events RENAME COLUMN subject TO slot",
        ),
        statements(
            "which window files have windows of which deployments",
            """CREATE TABLE window_slots (
    number INTEGER PRIMARY KEY,
    service TEXT NOT NULL, environment TEXT NOT NULL, deployment TEXT NOT NULL
)""",
            # A file without a row was read before there was this table.
            """CREATE TABLE window_files (
    path TEXT PRIMARY KEY,          -- as in `scanned_files`
    slots BLOB NOT NULL             -- a bit for each number, the lowest first
) WITHOUT ROWID""",
        ),
        statements(
            "rejections are counted, and where they are in a file is known",
            # How many lines of the file it stands for, of which `line` is the first.
            "ALTER TABLE quarantine ADD COLUMN count INTEGER NOT NULL DEFAULT 1",
            "UPDATE quarantine SET reason = 'other reasons', count ="
            " CAST(replace(substr(reason, 5, instr(reason, ' more from line ') - 5), ',', '')"
            " AS INTEGER) WHERE reason LIKE 'and % more from line % on, for such reasons'",
            "ALTER TABLE scanned_files ADD COLUMN bad_begin INTEGER",
            "ALTER TABLE scanned_files ADD COLUMN bad_end INTEGER",
            "ALTER TABLE scanned_files ADD COLUMN bad_digest BLOB",
        ),
    ),
)

_RECORDS = "records_generation"


def records_generation(connection: sqlite3.Connection) -> int:
    """Return how often any process has changed the records."""
    query = "SELECT value FROM ingest_facts WHERE key = ?"
    row = connection.execute(query, (_RECORDS,)).fetchone()
    return int(row[0]) if row is not None else 0


def raise_records_generation(connection: sqlite3.Connection) -> None:
    """Count a change of the records, so that all processes notice it."""
    connection.execute(
        "INSERT INTO ingest_facts (key, value) VALUES (?, '1')"
        " ON CONFLICT DO UPDATE SET value = CAST(value AS INTEGER) + 1",
        (_RECORDS,),
    )
