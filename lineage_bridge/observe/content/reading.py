"""What is in the files of versions, read once: facts and a profile, both kept."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Final

import msgspec

from lineage_bridge.adapters.files import mark_of
from lineage_bridge.adapters.monitoring import ADAPTER as P6
from lineage_bridge.assess.checks.facts import Roles, Version
from lineage_bridge.assess.checks.settings import roles_of
from lineage_bridge.journal import Journal
from lineage_bridge.observe.checks.facts import facts_of
from lineage_bridge.observe.checks.files import with_rows
from lineage_bridge.observe.checks.rows import hash_of_chunks
from lineage_bridge.observe.content.versions import Build
from lineage_bridge.observe.kept_profiles import Profiled, put
from lineage_bridge.profiles import VERSION
from lineage_bridge.records.words import Source, artifact_key
from lineage_bridge.settings import Settings
from lineage_bridge.times import from_micros

FACTS_VERSION: Final = 1  # raised when the same file would give other facts

Files = Mapping[str, Sequence[Source]]  # where records were found, by their subject

_encode = msgspec.msgpack.Encoder().encode


def changed_files(builds: Sequence[Build], files: Files, settings: Settings) -> Iterator[Reading]:
    """Yield the builds whose files are here and were not read as they are now."""
    roles = cache(partial(roles_of, settings=settings, usual=Roles()))
    for build in builds:
        path = _file_of(build, files.get(build.subject, ()))
        if path is None:
            continue
        read_by = json.dumps([FACTS_VERSION, VERSION, *roles(build.name)])
        reading = Reading(build, path, mark_of(path), read_by)
        if reading.is_due:
            yield reading


class Reading(msgspec.Struct, frozen=True):
    """A file to be read.

    Attributes:
        build: what it is a version of.
        path: absolute, real.
        mark: its size, time and inode.
        read_by: what its facts depend on besides.
    """

    build: Build
    path: str
    mark: str
    read_by: str

    @property
    def is_due(self) -> bool:
        """Whether it was not read like this before, or not to its end."""
        before = (self.build.path, self.build.mark, self.build.read_by)
        return before != (self.path, self.mark, self.read_by) or not self.build.is_whole

    def read(self, journal: Journal, settings: Settings) -> None:
        """Read the file, and keep what is in it; a file that cannot be read is a fact too.

        Raises:
            SettingsError: the settings name a check that there is not.
            JournalError: the home cannot be written.
        """
        path, build = Path(self.path), self.build
        facts = facts_of(path, settings, dataset=build.name)
        if not facts.is_there:  # it was deleted since it was looked for
            return
        profiled = None
        if facts.unread is None:
            facts, profiled = with_rows(facts, path, journal)
        facts = replace(
            facts,
            name=f"{build.name}@{build.version}",
            built=from_micros(build.built_us) if facts.built is not None else None,
            profile=None,
            # Equal bytes are equal values, which are known better once rows were read.
            same_bytes=hash_of_chunks(self.path) if profiled is None else None,
            trouble=_spelt(facts.trouble),
        )
        with journal.transaction() as tx:
            self._keep(tx.connection, facts, profiled)

    def _keep(
        self, connection: sqlite3.Connection, facts: Version, profiled: Profiled | None
    ) -> None:
        if profiled is not None and not profiled.is_kept:
            put(connection, profiled)
        profile = (None, None) if profiled is None else (profiled.content, profiled.key)
        connection.execute(
            "UPDATE content_versions SET path = ?, mark = ?, read_by = ?, is_whole = ?,"
            " content = ?, keys = ?, facts = ? WHERE dataset = ? AND version = ?",
            (
                *(self.path, self.mark, self.read_by, facts.trouble is None),
                *(*profile, _encode(facts), self.build.dataset, self.build.version),
            ),
        )


def _file_of(build: Build, sources: Sequence[Source]) -> str | None:
    """Choose the file to read: of several copies the one that the event was made from.

    A file that has become a link since it was found is none: what it leads to was not named.
    """
    there = [
        source
        for source in sources
        if _is_checked(source) and os.path.realpath(source.path) == source.path
    ]
    there = [source for source in there if os.path.isfile(source.path)]  # noqa: PTH113
    best = [source for source in there if artifact_key(source) == build.artifact]
    return next((source.path for source in [*best, *there]), None)


def _is_checked(source: Source) -> bool:
    """Tell whether checks can read such a file: parquet, or P6's JSON of one."""
    return source.path.endswith(".parquet") or source.family == P6.name


def _spelt(text: str | None) -> str | None:
    """Replace what no text can hold; a path may have such bytes."""
    return None if text is None else text.encode("utf-8", "replace").decode()
