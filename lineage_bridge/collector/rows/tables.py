"""The tables of the collector: Marquez's state, with one row per thing that each event updates.

Marquez keeps a row per event and facet and joins them for each answer. Here each event updates the
rows that answers need (facets merged, versions linked, events counted by the hour), so neither an
event nor an answer costs more as events pile up. Times are microseconds since the Unix epoch;
facets are stored as `merging` says. Ids are local; the API shows `uuid`.

Source: the schema of `marquez/db/migration`, and the queries of `marquez.db.*Dao`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS mq_namespaces (
    name TEXT PRIMARY KEY,
    created_us INTEGER NOT NULL,
    updated_us INTEGER NOT NULL,
    owner TEXT NOT NULL,
    description TEXT,
    is_hidden INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS mq_sources (
    name TEXT PRIMARY KEY,
    type TEXT NOT NULL,
    url TEXT NOT NULL,
    description TEXT,
    created_us INTEGER NOT NULL,
    updated_us INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS mq_datasets (
    id INTEGER PRIMARY KEY,
    namespace TEXT NOT NULL,      -- formatted; the raw one is in mq_symlinks
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    source TEXT NOT NULL,         -- of the first mention
    physical_name TEXT NOT NULL,  -- of the last mention
    description TEXT,
    created_us INTEGER NOT NULL,
    updated_us INTEGER NOT NULL,
    last_modified_us INTEGER,
    current_version INTEGER,
    is_deleted INTEGER NOT NULL DEFAULT 0,
    is_hidden INTEGER NOT NULL DEFAULT 0,
    fields_key BLOB,              -- digest of the fields mentioned last, all typed
    field_ids INTEGER,            -- and, of mq_shared, the JSON list of their rows
    UNIQUE (namespace, name)
);
CREATE INDEX IF NOT EXISTS mq_datasets_created ON mq_datasets (created_us);
CREATE TABLE IF NOT EXISTS mq_symlinks (
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    dataset INTEGER NOT NULL,
    is_primary INTEGER NOT NULL,
    is_hidden INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (namespace, name)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS mq_symlinks_dataset ON mq_symlinks (dataset);
CREATE INDEX IF NOT EXISTS mq_symlinks_visible ON mq_symlinks (namespace, is_hidden, name);
CREATE INDEX IF NOT EXISTS mq_symlinks_alias ON mq_symlinks (name) WHERE is_primary = 0;
CREATE TABLE IF NOT EXISTS mq_dataset_versions (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    version TEXT NOT NULL UNIQUE, -- the hash
    dataset INTEGER NOT NULL,
    run INTEGER,                  -- that wrote it
    created_us INTEGER NOT NULL,
    namespace TEXT NOT NULL,      -- formatted, as in the writing event
    name TEXT NOT NULL,
    fields INTEGER NOT NULL,      -- of mq_shared, frozen: list of name, type, description, tags
    lifecycle_state TEXT,
    schema_version TEXT,
    schema_location TEXT,         -- of a stream
    field_ids INTEGER,            -- of mq_shared: JSON list of mq_fields
    lineage_key BLOB,             -- digest of the column lineage that was said last
    lineage INTEGER,              -- and its row of mq_column_lineage
    run_facets BLOB,              -- facets that runs sent, but for output facets
    runless_facets BLOB,          -- facets that events without a run sent
    output_facets BLOB,           -- output facets that runs sent
    listed_facets BLOB            -- the first two by arrival, only if that differs from event time
);
CREATE INDEX IF NOT EXISTS mq_dataset_versions_run ON mq_dataset_versions (run);
CREATE INDEX IF NOT EXISTS mq_dataset_versions_name
    ON mq_dataset_versions (namespace, name, created_us);
CREATE TABLE IF NOT EXISTS mq_shared (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    content BLOB NOT NULL         -- JSON, which may be deflated
);
CREATE TABLE IF NOT EXISTS mq_fields (
    id INTEGER PRIMARY KEY,
    dataset INTEGER NOT NULL,
    name TEXT NOT NULL,
    type TEXT,
    description TEXT,
    UNIQUE (dataset, name, type)
);
CREATE TABLE IF NOT EXISTS mq_jobs (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    simple_name TEXT NOT NULL,
    parent INTEGER,
    type TEXT NOT NULL,
    description TEXT,
    location TEXT,
    created_us INTEGER NOT NULL,
    updated_us INTEGER NOT NULL,
    current_version INTEGER,
    current_run INTEGER,
    current_run_us INTEGER,       -- event time of what made it current
    current_inputs TEXT,          -- JSON list of the last event's inputs
    is_hidden INTEGER NOT NULL DEFAULT 0,
    UNIQUE (namespace, name)
);
CREATE INDEX IF NOT EXISTS mq_jobs_recent ON mq_jobs (is_hidden, updated_us);
CREATE INDEX IF NOT EXISTS mq_jobs_namespace_recent ON mq_jobs (namespace, is_hidden, updated_us);
CREATE INDEX IF NOT EXISTS mq_jobs_created ON mq_jobs (created_us);
CREATE TABLE IF NOT EXISTS mq_job_versions (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    version TEXT NOT NULL UNIQUE, -- the hash
    job INTEGER NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    location TEXT,
    created_us INTEGER NOT NULL,
    latest_run INTEGER,
    facets BLOB
);
CREATE INDEX IF NOT EXISTS mq_job_versions_job ON mq_job_versions (job, created_us);
CREATE TABLE IF NOT EXISTS mq_job_io (
    version INTEGER NOT NULL,
    dataset INTEGER NOT NULL,
    io TEXT NOT NULL,             -- INPUT or OUTPUT
    job INTEGER NOT NULL,
    is_current INTEGER NOT NULL,
    PRIMARY KEY (version, dataset, io)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS mq_job_io_job ON mq_job_io (job, io, dataset) WHERE is_current = 1;
CREATE INDEX IF NOT EXISTS mq_job_io_dataset ON mq_job_io (dataset, io, job)
    WHERE is_current = 1;
CREATE INDEX IF NOT EXISTS mq_job_io_any ON mq_job_io (dataset, io, version, job);
CREATE TABLE IF NOT EXISTS mq_runs (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    job INTEGER NOT NULL,
    job_version INTEGER,
    created_us INTEGER NOT NULL,
    updated_us INTEGER NOT NULL,
    state TEXT,
    state_us INTEGER,             -- of the event that decides the state; see `fold.course`
    latest_us INTEGER NOT NULL,   -- orders the latest runs; beyond all times while unknown
    started_us INTEGER,           -- as it is shown, from the next two
    start_us INTEGER,             -- of the earliest START
    heard_us INTEGER,             -- of the earliest other event that is not terminal
    ended_us INTEGER,
    nominal_start_us INTEGER,
    nominal_end_us INTEGER,
    args TEXT NOT NULL,
    facets TEXT NOT NULL,         -- as they are shown, without the large ones
    large_facets TEXT,            -- JSON by name: rows of mq_shared
    facet_times TEXT NOT NULL,    -- event times by name, of both
    job_facets BLOB
);
CREATE INDEX IF NOT EXISTS mq_runs_latest ON mq_runs (job, latest_us, started_us);
CREATE INDEX IF NOT EXISTS mq_runs_started ON mq_runs (job, started_us);
CREATE TABLE IF NOT EXISTS mq_run_inputs (
    run INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (run, version)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS mq_run_io_facets (
    run INTEGER NOT NULL,
    version INTEGER NOT NULL,
    io TEXT NOT NULL,
    facets BLOB NOT NULL,         -- by arrival: {name: value}
    PRIMARY KEY (run, version, io)
) WITHOUT ROWID;
DROP TABLE IF EXISTS mq_column_edges; -- of versions before 3
CREATE TABLE IF NOT EXISTS mq_column_lineage (
    id INTEGER PRIMARY KEY,       -- a later one was said later
    output_version INTEGER NOT NULL,
    dataset INTEGER NOT NULL,     -- of that version
    recipes INTEGER NOT NULL,     -- of mq_shared: what its columns are made from, see `recipes`
    inputs TEXT NOT NULL,         -- JSON: [[dataset, [versions]], ...] that the run had read
    created_us INTEGER NOT NULL,  -- event time of the first event that says so
    updated_us INTEGER NOT NULL,  -- and of the newest
    is_current INTEGER NOT NULL   -- whether newer rows of the dataset may lack some of its edges
);
CREATE INDEX IF NOT EXISTS mq_column_lineage_version ON mq_column_lineage (output_version);
CREATE INDEX IF NOT EXISTS mq_column_lineage_recipes
    ON mq_column_lineage (dataset, recipes, created_us, updated_us);
CREATE INDEX IF NOT EXISTS mq_column_lineage_current
    ON mq_column_lineage (dataset, updated_us) WHERE is_current = 1;
CREATE TABLE IF NOT EXISTS mq_column_uses (
    input_field INTEGER NOT NULL,
    dataset INTEGER NOT NULL,     -- of which some column is made from that one
    PRIMARY KEY (input_field, dataset)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS mq_tags (name TEXT PRIMARY KEY, description TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS mq_dataset_tags (
    dataset INTEGER NOT NULL, tag TEXT NOT NULL, PRIMARY KEY (dataset, tag)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS mq_field_tags (
    field INTEGER NOT NULL, tag TEXT NOT NULL, PRIMARY KEY (field, tag)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS mq_job_tags (
    job INTEGER NOT NULL, tag TEXT NOT NULL, PRIMARY KEY (job, tag)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS mq_event_hours (
    hour INTEGER NOT NULL,        -- hours since the epoch, of the event time
    type TEXT NOT NULL,           -- START, COMPLETE, FAIL, ABORT; run, dataset or job for others
    events INTEGER NOT NULL,
    PRIMARY KEY (hour, type)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS mq_refused (
    seq INTEGER PRIMARY KEY,
    status INTEGER NOT NULL,
    reason TEXT NOT NULL
);
"""

TABLES: tuple[str, ...] = (
    "mq_namespaces",
    "mq_sources",
    "mq_datasets",
    "mq_symlinks",
    "mq_dataset_versions",
    "mq_shared",
    "mq_fields",
    "mq_jobs",
    "mq_job_versions",
    "mq_job_io",
    "mq_runs",
    "mq_run_inputs",
    "mq_run_io_facets",
    "mq_column_lineage",
    "mq_column_uses",
    "mq_tags",
    "mq_dataset_tags",
    "mq_field_tags",
    "mq_job_tags",
    "mq_event_hours",
    "mq_refused",
)


def read_rows(
    connection: sqlite3.Connection, query: str, values: Sequence[Any]
) -> list[dict[str, Any]]:
    """Read all rows of a query, each as a dict by column."""
    cursor = connection.execute(query, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]
