"""The memory of ingest between runs, in the journal's database: files, records, emitted events.

All of it can be rebuilt from the artifacts; none of it is needed to answer a question. The table
`emitted` has, for each subject (such as one end of a run), the event that stands for it: the one
that no other supersedes, with a text of what it said.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lineage_bridge.adapters.records import (
    Family,
    Record,
    decode_record,
    encode_record,
    shape_of,
)
from lineage_bridge.errors import ArtifactError, SettingsError
from lineage_bridge.journal import Journal
from lineage_bridge.journal.migrations import has_table
from lineage_bridge.observe.quarantine import Rejected
from lineage_bridge.observe.tables import INGEST, records_generation


def prepare(journal: Journal, namespace: str) -> None:
    """Create or migrate all tables of ingest, so that none is missing if a backfill ends early.

    A home keeps the namespace of its first backfill.

    Raises:
        SettingsError: the home belongs to another namespace.
        JournalError: a newer version changed the tables, or they cannot be written.
    """
    journal.prepare(INGEST)
    with journal.reading() as connection:
        held = namespace_of(connection)
    if held is None:
        with journal.transaction() as tx:
            query = "INSERT OR IGNORE INTO ingest_facts (key, value) VALUES ('namespace', ?)"
            tx.connection.execute(query, (namespace,))
            held = namespace_of(tx.connection)
    if held != namespace:
        raise SettingsError(
            f"The home `{journal.home}` holds namespace `{held}`, not `{namespace}`. "
            "Use one home for each namespace: name another with --home."
        )


def namespace_of(connection: sqlite3.Connection) -> str | None:
    """Return the namespace of the home's backfills, None before the first."""
    if not has_table(connection, "ingest_facts"):
        return None
    query = "SELECT value FROM ingest_facts WHERE key = 'namespace'"
    row = connection.execute(query).fetchone()
    return row[0] if row is not None else None


@dataclass(frozen=True, slots=True)
class Mark:
    """The state of a file when it was read, and the version of the adapter that read it."""

    fingerprint: str
    version: int


def read_mark(connection: sqlite3.Connection, family: str, path: str) -> Mark | None:
    """Return the mark of a file, None if it was never read."""
    row = connection.execute(
        "SELECT fingerprint, version FROM read_files WHERE family = ? AND path = ?", (family, path)
    ).fetchone()
    return Mark(*row) if row is not None else None


def keep_file(
    connection: sqlite3.Connection, family: str, path: str, mark: Mark, records: Sequence[Record]
) -> None:
    """Save a file's mark and records, in place of its earlier ones."""
    connection.execute("DELETE FROM records WHERE family = ? AND path = ?", (family, path))
    _put_records(connection, enumerate(records))
    connection.execute(
        "INSERT OR REPLACE INTO read_files (family, path, fingerprint, version)"
        " VALUES (?, ?, ?, ?)",
        (family, path, mark.fingerprint, mark.version),
    )


def keep_lines(connection: sqlite3.Connection, records: Sequence[Record]) -> None:
    """Save records, one per line, in place of all earlier ones of these lines."""
    connection.executemany(
        "DELETE FROM records WHERE family = ? AND path = ? AND line = ?",
        [(r.source.family, r.source.path, r.source.line or 0) for r in records],
    )
    _put_records(connection, ((0, record) for record in records))


def _put_records(connection: sqlite3.Connection, records: Iterable[tuple[int, Record]]) -> None:
    connection.executemany(
        "INSERT INTO records (family, path, line, part, body, shape) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (
                *(record.source.family, record.source.path, record.source.line or 0, part),
                *(encode_record(record), shape_of(type(record))),
            )
            for part, record in records
        ],
    )


@dataclass(frozen=True, slots=True)
class Broken:
    """A stored record that cannot be decoded, so its file must be read again."""

    family: Family
    path: str
    line: int
    reason: str

    def as_rejected(self) -> Rejected:
        """Return the rejection that is shown until the file is read again."""
        what = f"what was kept of it cannot be decoded ({self.reason})"
        mend = "run `lineage-bridge backfill` to have it read again"
        if not Path(self.path).exists():
            mend = f"it is gone: put it back and {mend}"
        return Rejected(self.path, self.family, self.line, None, f"{what}; {mend}")


@dataclass(slots=True)
class Stored:
    """Every record that was ever read, by family, path and line, as of one generation."""

    records: list[Record] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)
    generation: int = 0


def load_records(connection: sqlite3.Connection) -> Stored:
    """Load every record that was ever read, by family, path and line; also from older homes."""
    stored = Stored()
    if not has_table(connection, "records"):
        return stored
    stored.generation = records_generation(connection)
    rows = connection.execute(
        f"SELECT family, path, line, body, {_shape(connection)} FROM records"
        " ORDER BY family, path, line, part"
    )
    for family, path, line, body, shape in rows:
        try:
            stored.records.append(decode_record(shape, body))
        except ArtifactError as exc:
            stored.broken.append(Broken(family, path, line, exc.reason))
    return stored


def _shape(connection: sqlite3.Connection) -> str:
    query = "SELECT 1 FROM pragma_table_info('records') WHERE name = 'shape'"
    return "NULL" if connection.execute(query).fetchone() is None else "shape"


@dataclass(frozen=True, slots=True)
class Emitted:
    """The event that stands for a subject: its id, and what it said (see `outgoing`)."""

    said: str
    id: str


def load_emitted(connection: sqlite3.Connection) -> dict[str, Emitted]:
    """Load the event that stands for each subject."""
    rows = connection.execute("SELECT subject, said, id FROM emitted")
    return {subject: Emitted(said, event_id) for subject, said, event_id in rows}
