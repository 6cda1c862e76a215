"""Profiles kept in the home: by what is in the file, so that no version is ever read twice.

A file that did not change since (by size, time and inode) is not even opened: the home knows which
content it had. All of this can be had again from the files.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Self

from lineage_bridge.adapters.files import mark_of_stat, open_file
from lineage_bridge.errors import ArtifactError
from lineage_bridge.inference.declared import UNDECLARED, declared_for
from lineage_bridge.journal import Journal
from lineage_bridge.journal.migrations import Room, has_table, statements
from lineage_bridge.settings import InferenceLog

if TYPE_CHECKING:
    from lineage_bridge.profiles.profile import Profile, RowKeys

PROFILES: Final = Room(
    "profiles",
    (
        statements(
            "tables",
            """CREATE TABLE profiles (
    content BLOB NOT NULL,          -- SHA-256 of the file
    keys TEXT NOT NULL,             -- the row keys that were asked for, as JSON
    version INTEGER NOT NULL,       -- of what a profile says
    made_us INTEGER NOT NULL,       -- microseconds since the epoch
    body BLOB NOT NULL,             -- as `profiles.encoding` has it
    PRIMARY KEY (content, keys)
) WITHOUT ROWID""",
            """CREATE TABLE profiled_files (
    path TEXT PRIMARY KEY,          -- absolute, real
    mark TEXT NOT NULL,             -- size, time and inode of when it was read
    content BLOB NOT NULL           -- as in `profiles`
) WITHOUT ROWID""",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class AskedKeys:
    """Row keys by name; where neither is named, a file's own are found out.

    Attributes:
        logs: the maps of inference logs, by a pattern of the file's path.
    """

    entity: str | None = None
    time: str | None = None
    logs: Mapping[str, InferenceLog] = field(default_factory=dict)

    def key(self, path: str) -> str:
        """Return all that the profile of a file depends on, besides what is in the file."""
        declared = declared_for(path, self.logs)
        more = [] if declared is UNDECLARED else [declared.model_dump(exclude_none=True)]
        return json.dumps([self.entity, self.time, *more])

    @property
    def named(self) -> RowKeys | None:
        """The row keys, if one of them is named."""
        from lineage_bridge.profiles.profile import RowKeys

        is_named = self.entity is not None or self.time is not None
        return RowKeys(self.entity, self.time) if is_named else None

    def of(self, types: Mapping[str, Any]) -> RowKeys:
        """Return the row keys for columns of these Arrow types."""
        from lineage_bridge.adapters.feature_datasets import ENTITY, EVENT_TIME
        from lineage_bridge.profiles.arrow import is_time_type
        from lineage_bridge.profiles.profile import RowKeys

        if named := self.named:
            return named
        if ENTITY in types and EVENT_TIME in types and is_time_type(types[EVENT_TIME]):
            return RowKeys(ENTITY, EVENT_TIME)
        times = [name for name, kind in types.items() if is_time_type(kind)]
        return RowKeys(None, times[0]) if len(times) == 1 else RowKeys()


@dataclass(frozen=True, slots=True)
class Profiled:
    """A file with its profile.

    Attributes:
        path: as it was named.
        real: absolute, without links.
        mark: of the file when it was read.
        content: SHA-256.
        key: what the profile depends on besides, such as the row keys.
        is_known: whether the home knows that the file has this content.
        body: the profile as it is to be kept; None if it is kept already.
    """

    path: Path
    real: str
    mark: str
    content: bytes
    key: str
    profile: Profile
    is_known: bool
    body: bytes | None

    @property
    def is_kept(self) -> bool:
        """Whether the home has all of this already."""
        return self.is_known and self.body is None

    @classmethod
    def of(cls, path: Path, asked: AskedKeys, journal: Journal | None) -> Self:
        """Find the profile of a file in the home, or read the file and make it.

        Args:
            path: of a parquet file, or of an inference log as JSON lines; it may be a link.
            asked: the row keys.
            journal: of the home; None: there is none yet.

        Raises:
            ArtifactError: the file cannot be read, or has no such columns. The path is in it.
        """
        try:
            return cls._of(path, asked, journal)
        except ArtifactError as exc:
            column = f", column `{exc.field}`:" if exc.field else ""
            raise ArtifactError(f"`{path}`{column} {exc.reason}") from exc

    @classmethod
    def _of(cls, path: Path, asked: AskedKeys, journal: Journal | None) -> Self:
        real = os.path.realpath(path)
        key = asked.key(real)
        with open_file(real) as file:
            mark = _mark_of(file)
            content = _known_content(journal, real, mark)
            # The file is hashed even if its profile was lost: it may be another one's as well.
            known = content or _hash(file)
            kept = _kept(journal, known, key)
            if kept is not None:
                return cls(path, real, mark, known, key, kept, content is not None, None)
            made = _made(file, real, asked)
            if _mark_of(file) != mark:
                raise ArtifactError("was changed while it was read; try again")
        from lineage_bridge.profiles.encoding import encode

        return cls(path, real, mark, known, key, made, content is not None, encode(made))


def keep(journal: Journal, found: Profiled) -> None:
    """Keep a profile that was made, and which content the file has.

    Raises:
        JournalError: the home cannot be written.
    """
    journal.prepare(PROFILES)
    with journal.transaction() as tx:
        put(tx.connection, found)


def put(connection: sqlite3.Connection, found: Profiled) -> None:
    """Keep a profile, as `keep`, within the caller's transaction; its tables are prepared."""
    from lineage_bridge.profiles import VERSION

    connection.execute(
        "INSERT OR REPLACE INTO profiled_files VALUES (?, ?, ?)",
        (found.real, found.mark, found.content),
    )
    if found.body is not None:
        connection.execute(
            "INSERT OR REPLACE INTO profiles VALUES (?, ?, ?, ?, ?)",
            (found.content, found.key, VERSION, time.time_ns() // 1000, found.body),
        )


def kept_profile(connection: sqlite3.Connection, content: bytes, key: str) -> Profile | None:
    """Return the profile of a content, None if the home does not have it.

    Args:
        connection: on the journal's database.
        content: SHA-256 of the file.
        key: what the profile depends on besides (`AskedKeys.key`).
    """
    from lineage_bridge.profiles import VERSION
    from lineage_bridge.profiles.encoding import decode

    if not has_table(connection, "profiles"):
        return None
    query = "SELECT body FROM profiles WHERE content = ? AND keys = ? AND version = ?"
    row = connection.execute(query, (content, key, VERSION)).fetchone()
    return None if row is None else decode(row[0])


def _mark_of(file: BinaryIO) -> str:
    return mark_of_stat(os.fstat(file.fileno()))


def _hash(file: BinaryIO) -> bytes:
    file.seek(0)
    return hashlib.file_digest(file, "sha256").digest()  # type: ignore[arg-type] # a real file


def _made(file: BinaryIO, path: str, asked: AskedKeys) -> Profile:
    from lineage_bridge.inference.columns import LogSource
    from lineage_bridge.inference.row_files import is_json_rows, is_parquet
    from lineage_bridge.profiles.making import make_profile
    from lineage_bridge.profiles.parquet import ParquetSource

    if is_json_rows(file):
        log = LogSource(file, declared_for(path, asked.logs))
        return make_profile(log, asked.named or log.keys)
    if not is_parquet(file):
        raise ArtifactError("is neither parquet nor JSON lines, with an object on each line")
    source = ParquetSource(file)
    return make_profile(source, asked.of(source.types))


def _known_content(journal: Journal | None, real: str, mark: str) -> bytes | None:
    if journal is None:
        return None
    with journal.reading() as connection:
        if not has_table(connection, "profiled_files"):
            return None
        query = "SELECT content FROM profiled_files WHERE path = ? AND mark = ?"
        row = connection.execute(query, (real, mark)).fetchone()
    return row[0] if row is not None else None


def _kept(journal: Journal | None, content: bytes, key: str) -> Profile | None:
    if journal is None:
        return None
    with journal.reading() as connection:
        return kept_profile(connection, content, key)
