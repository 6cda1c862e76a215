"""The cache of what was read: files, and their records, in the journal's database.

All of it can be had again from the artifacts, and none of it decides what is said: a record whose
artifact is gone from here as well is known from the journal (`link.identities`).
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec

from lineage_bridge.adapters.servers import is_there
from lineage_bridge.errors import ArtifactError, SettingsError
from lineage_bridge.journal import Journal
from lineage_bridge.journal.migrations import has_table
from lineage_bridge.observe.tables import INGEST, records_generation
from lineage_bridge.records import (
    Build,
    Promotion,
    Record,
    Start,
    Step,
    Training,
    decode_record,
    encode_record,
    shape_of,
)
from lineage_bridge.records.words import JOURNAL, Source, artifact_key

FILES_AT_ONCE = 500  # in one query


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


def read_marks(
    connection: sqlite3.Connection, files: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], Mark]:
    """Return the marks of files, by family and path, without those that were never read."""
    paths_of: dict[str, list[str]] = defaultdict(list)
    for family, path in files:
        paths_of[family].append(path)
    found: dict[tuple[str, str], Mark] = {}
    for family, paths in paths_of.items():
        for begin in range(0, len(paths), FILES_AT_ONCE):
            some = paths[begin : begin + FILES_AT_ONCE]
            rows = connection.execute(
                "SELECT path, fingerprint, version FROM read_files WHERE family = ? AND path IN"
                f" ({', '.join('?' * len(some))})",
                (family, *some),
            )
            found.update({(family, path): Mark(*mark) for path, *mark in rows})
    return found


def keep_file(
    connection: sqlite3.Connection,
    family: str,
    path: str,
    mark: Mark,
    records: Sequence[Record],
    *,
    is_store: bool = False,
) -> None:
    """Save a file's mark and records, in place of its earlier ones.

    Args:
        connection: within a transaction.
        family: of the file.
        path: of the file, or the URL of a server.
        mark: its state when it was read.
        records: what it tells of now.
        is_store: see `adapters.api.Kind`.
    """
    before = connection.execute(
        "SELECT shape, body FROM records WHERE family = ? AND path = ?", (family, path)
    ).fetchall()
    if before:
        connection.execute("DELETE FROM records WHERE family = ? AND path = ?", (family, path))
    _put_records(connection, enumerate(records))
    _retract(connection, _decoded(before), records, is_store=is_store)
    connection.execute(
        "INSERT OR REPLACE INTO read_files (family, path, fingerprint, version)"
        " VALUES (?, ?, ?, ?)",
        (family, path, mark.fingerprint, mark.version),
    )


def _retract(
    connection: sqlite3.Connection,
    before: Sequence[Record],
    records: Sequence[Record],
    *,
    is_store: bool,
) -> None:
    """Note what a file does not say any more."""
    if not before:
        return
    # The journal would else say for the file what it does not say any more. That is so for each of
    # its states: an event names the one that it was made from, which need not be the last.
    said = {(record.subject, artifact_key(record.source)) for record in records}
    gone = {(old.subject, artifact_key(old.source)): old for old in before}
    written_over = {
        old.subject
        for old in before
        if (isinstance(old, Promotion) or not is_store) and _is_written_over(old, records)
    }
    connection.executemany(
        "INSERT OR IGNORE INTO retracted (subject, artifact) VALUES (?, ?)",
        sorted(gone.keys() - said),
    )
    connection.executemany(
        "DELETE FROM retracted WHERE subject = ?", [(subject,) for subject in written_over]
    )


def _decoded(rows: Iterable[tuple[str, bytes]]) -> list[Record]:
    found = []
    for shape, body in rows:
        try:
            found.append(decode_record(shape, body))
        except ArtifactError:
            continue
    return found


def _is_written_over(old: Record, records: Sequence[Record]) -> bool:
    """Return whether a file tells of something later by now: what it told of did happen.

    A new build is often written over the last one. What has the same time is a correction.
    """
    if old.subject in {record.subject for record in records}:
        return False
    if isinstance(old, Start) and old.workload is not None:  # of a state: it serves no more
        starts = (record for record in records if isinstance(record, Start))
        return all((new.slot, new.time) != (old.slot, old.time) for new in starts)
    return any(_is_later(new, old) for new in records)


def _is_later(new: Record, old: Record) -> bool:
    match new, old:
        case Build(), Build():
            # The time of a file that does not tell its own changes when the file is touched.
            return new.built > old.built and new.dataset.sha256 != old.dataset.sha256
        case Training(), Training():
            return new.ended > old.ended
        case Step(), Step():
            return (new.project, new.name) == (old.project, old.name) and new.time > old.time
        case Promotion(), Promotion():  # the registry has only the last one
            return new.follows(old)
        case _:
            return False


def keep_lines(connection: sqlite3.Connection, records: Sequence[Record]) -> None:
    """Save records of lines, in place of all earlier ones of these lines."""
    connection.executemany(
        "DELETE FROM records WHERE family = ? AND path = ? AND line = ?",
        [(r.source.family, r.source.path, r.source.line or 0) for r in records],
    )
    parts: Counter[tuple[str, int]] = Counter()
    numbered = []
    for record in records:
        line = (record.source.path, record.source.line or 0)
        numbered.append((parts[line], record))
        parts[line] += 1
    _put_records(connection, numbered)


def _put_records(connection: sqlite3.Connection, records: Iterable[tuple[int, Record]]) -> None:
    generation = records_generation(connection) + 1  # as it will be once these are saved
    kept = list(records)
    rows = [
        (
            *(record.source.family, record.source.path, record.source.line or 0, part),
            *(encode_record(record), shape_of(type(record)), record.subject, generation),
        )
        for part, record in kept
    ]
    connection.executemany(
        "INSERT INTO records (family, path, line, part, body, shape, subject, generation)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )
    if connection.execute("SELECT 1 FROM retracted LIMIT 1").fetchone() is not None:
        connection.executemany(
            "DELETE FROM retracted WHERE subject = ? AND artifact = ?",
            [(record.subject, artifact_key(record.source)) for _, record in kept],
        )


@dataclass(frozen=True, slots=True)
class Broken:
    """A kept record that cannot be decoded: its file is read again, or the journal's record counts.

    `line` is 0 for a whole file.
    """

    family: str
    path: str
    line: int


@dataclass(slots=True)
class Stored:
    """Every record that was read from an artifact here, by family, path and line.

    Attributes:
        retracted: subjects and artifacts (`artifact_key`) that say something else by now.
        generation: how often any process has changed the records.
        changed_in: the generation in which the records of each subject changed last.
    """

    records: list[Record] = field(default_factory=list)
    changed_in: dict[str, int] = field(default_factory=dict)
    broken: list[Broken] = field(default_factory=list)
    retracted: set[tuple[str, str]] = field(default_factory=set)
    generation: int = 0


def load_records(connection: sqlite3.Connection) -> Stored:
    """Load every record that was read from an artifact here."""
    stored = Stored()
    if not has_table(connection, "retracted"):  # nothing was read, or by an older version
        return stored
    stored.generation = records_generation(connection)
    stored.retracted = set(connection.execute("SELECT subject, artifact FROM retracted"))
    rows = connection.execute(
        "SELECT family, path, line, body, shape, subject, generation FROM records"
        " ORDER BY family, path, line, part"
    )
    for family, path, line, body, shape, subject, generation in rows:
        stored.changed_in[subject] = max(generation, stored.changed_in.get(subject, 0))
        try:
            stored.records.append(decode_record(shape, body))
        except ArtifactError:
            stored.broken.append(Broken(family, path, line))
    stored.records = _gone_behind(stored.records)
    return stored


def _gone_behind(records: Sequence[Record]) -> list[Record]:
    """Let records whose file is gone rank as the journal's, where another file tells of the same.

    A folder that was moved is read in its new place: what changes there counts.
    """
    places: dict[str, set[str]] = defaultdict(set)
    for record in records:
        places[record.subject].add(record.source.path)
    several = {path for paths in places.values() if len(paths) > 1 for path in paths}
    gone = {path for path in several if not is_there(path)}
    return [_of_journal(r) if r.source.path in gone else r for r in records]


def _of_journal(record: Record) -> Record:
    source = msgspec.structs.replace(record.source, family=JOURNAL)
    return msgspec.structs.replace(record, source=source)


class _Sourced(msgspec.Struct):
    source: Source


_sourced = msgspec.json.Decoder(_Sourced).decode


def files_of(connection: sqlite3.Connection, subjects: str) -> dict[str, list[Source]]:
    """List the files that tell of something as a whole, by the subjects of their records.

    Args:
        connection: on the journal's database.
        subjects: how they begin.
    """
    found: dict[str, list[Source]] = defaultdict(list)
    if not has_table(connection, "retracted"):  # nothing was read, or by an older version
        return found
    rows = connection.execute(
        "SELECT subject, body FROM records WHERE line = 0 AND subject LIKE ? ORDER BY family, path",
        (f"{subjects}%",),
    )
    for subject, body in rows:
        with suppress(msgspec.MsgspecError):  # linking reads the file again
            found[subject].append(_sourced(body).source)
    return found


def forget_files(connection: sqlite3.Connection, files: Iterable[tuple[str, str]]) -> None:
    """Delete what is kept of files, by family and path; what they said is the journal's to tell."""
    files = list(files)
    connection.executemany(
        "DELETE FROM retracted WHERE subject IN"
        " (SELECT subject FROM records WHERE family = ? AND path = ?)",
        files,
    )
    connection.executemany("DELETE FROM records WHERE family = ? AND path = ?", files)


def load_fact(connection: sqlite3.Connection, key: str) -> str | None:
    """Return a fact of the ingest by its key, None if it was never saved."""
    row = connection.execute("SELECT value FROM ingest_facts WHERE key = ?", (key,)).fetchone()
    return row[0] if row is not None else None


def keep_fact(connection: sqlite3.Connection, key: str, value: str) -> None:
    """Save a fact of the ingest."""
    connection.execute("INSERT OR REPLACE INTO ingest_facts VALUES (?, ?)", (key, value))


def forget_fact(connection: sqlite3.Connection, key: str) -> None:
    """Delete a fact of the ingest, if there is one."""
    connection.execute("DELETE FROM ingest_facts WHERE key = ?", (key,))
