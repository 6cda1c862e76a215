"""What ingest remembers between runs, in the journal's database: files, records, emitted events.

All of it can be had again from the artifacts; none of it is needed to answer a question.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lineage_bridge.adapters.records import Record, decode_record, encode_record
from lineage_bridge.errors import SettingsError
from lineage_bridge.ingest import cursors, quarantine, seen_lines, window_state
from lineage_bridge.journal import Journal

_SCHEMAS = (
    quarantine.SCHEMA,
    cursors.SCHEMA,
    seen_lines.SCHEMA,
    *window_state.SCHEMA,
    """
CREATE TABLE IF NOT EXISTS ingest_facts (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
)""",
    """
CREATE TABLE IF NOT EXISTS read_files (
    family TEXT NOT NULL,
    path TEXT NOT NULL,             -- absolute
    fingerprint TEXT NOT NULL,
    PRIMARY KEY (family, path)
)""",
    """
CREATE TABLE IF NOT EXISTS records (
    family TEXT NOT NULL,
    path TEXT NOT NULL,
    line INTEGER NOT NULL,          -- 0: the whole file
    part INTEGER NOT NULL,          -- a file or line may hold several records
    body BLOB NOT NULL,
    PRIMARY KEY (family, path, line, part)
)""",
    """
CREATE TABLE IF NOT EXISTS emitted (
    subject TEXT PRIMARY KEY,       -- what the event is about, such as `train/<run id>/COMPLETE`
    said TEXT NOT NULL,             -- what it says, to see if that is still so
    id TEXT NOT NULL                -- the id that it was emitted with
)""",
)


def prepare(journal: Journal, namespace: str) -> None:
    """Make all tables of ingest, so that none is missing however early a backfill ends.

    A home keeps the namespace of its first backfill.

    Raises:
        SettingsError: the home holds another namespace.
    """
    with journal.transaction() as tx:
        for schema in _SCHEMAS:
            tx.connection.execute(schema)
        tx.connection.execute(
            "INSERT OR IGNORE INTO ingest_facts (key, value) VALUES ('namespace', ?)", (namespace,)
        )
        held = namespace_of(tx.connection)
    if held != namespace:
        raise SettingsError(
            f"The home `{journal.home}` holds namespace `{held}`, not `{namespace}`. "
            "Use one home for each namespace: name another with --home."
        )


def namespace_of(connection: sqlite3.Connection) -> str | None:
    """The namespace of the home's backfills, None before the first."""
    if not _has_tables(connection):
        return None
    query = "SELECT value FROM ingest_facts WHERE key = 'namespace'"
    row = connection.execute(query).fetchone()
    return row[0] if row is not None else None


def _has_tables(connection: sqlite3.Connection) -> bool:
    query = "SELECT 1 FROM sqlite_master WHERE name = 'ingest_facts'"
    return connection.execute(query).fetchone() is not None


def read_fingerprints(connection: sqlite3.Connection) -> dict[tuple[str, str], str]:
    """The fingerprint of every file that was read, by family and path."""
    rows = connection.execute("SELECT family, path, fingerprint FROM read_files")
    return {(family, path): fingerprint for family, path, fingerprint in rows}


def keep_file(
    connection: sqlite3.Connection,
    family: str,
    path: str,
    fingerprint: str,
    records: Sequence[Record],
) -> None:
    """Remember a file and its records in place of what was known of it."""
    connection.execute("DELETE FROM records WHERE family = ? AND path = ?", (family, path))
    add_records(connection, records)
    connection.execute(
        "INSERT OR REPLACE INTO read_files (family, path, fingerprint) VALUES (?, ?, ?)",
        (family, path, fingerprint),
    )


def add_records(connection: sqlite3.Connection, records: Iterable[Record]) -> None:
    """Remember records, in place of earlier ones of the same place."""
    connection.executemany(
        "INSERT OR REPLACE INTO records (family, path, line, part, body) VALUES (?, ?, ?, ?, ?)",
        [
            (r.source.family, r.source.path, r.source.line or 0, part, encode_record(r))
            for part, r in enumerate(records)
        ],
    )


def load_records(connection: sqlite3.Connection) -> list[Record]:
    """Every record that was ever read, by family, path and line."""
    if not _has_tables(connection):
        return []
    rows = connection.execute("SELECT body FROM records ORDER BY family, path, line, part")
    return [decode_record(body) for (body,) in rows]


@dataclass(frozen=True, slots=True)
class Emitted:
    """The event that stands for a subject."""

    said: str
    id: str


def load_emitted(connection: sqlite3.Connection) -> dict[str, Emitted]:
    """The event that stands for each subject."""
    rows = connection.execute("SELECT subject, said, id FROM emitted")
    return {subject: Emitted(said, event_id) for subject, said, event_id in rows}


def keep_emitted(connection: sqlite3.Connection, subject: str, emitted: Emitted) -> None:
    """Remember the event that now stands for a subject."""
    connection.execute(
        "INSERT OR REPLACE INTO emitted (subject, said, id) VALUES (?, ?, ?)",
        (subject, emitted.said, emitted.id),
    )
