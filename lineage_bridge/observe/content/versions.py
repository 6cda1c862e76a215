"""What is kept of the content of versions, by dataset and version."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from lineage_bridge.journal.migrations import has_table
from lineage_bridge.observe.kept_profiles import kept_profile

if TYPE_CHECKING:
    from lineage_bridge.assess.checks.facts import Version
    from lineage_bridge.profiles.profile import Profile


class Build(NamedTuple):
    """A version that was built, as its event tells, and what was read of its file.

    Attributes:
        dataset: its node id.
        version: in the one spelling that its builds have.
        namespace, name: of the dataset.
        built_us: time of the build's event, microseconds since the epoch.
        event: the id of the event that stands for the build.
        subject, artifact: of the build's record, as that event says them.
        path: of the file that was read; None: none was yet.
        mark: size, time and inode of that file when it was read.
        read_by: a digest of what the facts depend on besides the file.
        is_whole: whether all of it could be read.
    """

    dataset: str
    version: str
    namespace: str
    name: str
    built_us: int
    event: str
    subject: str
    artifact: str
    path: str | None = None
    mark: str | None = None
    read_by: str | None = None
    is_whole: bool | None = None


def list_builds(connection: sqlite3.Connection) -> list[Build]:
    """List all builds that are known, those of a dataset in their order."""
    rows = connection.execute(
        f"SELECT {', '.join(Build._fields)} FROM content_versions"
        " ORDER BY dataset, built_us, version"
    )
    return [Build(*row) for row in rows]


def read_facts(encoded: bytes) -> Version:
    """Return the facts of a version as they are kept; its profile is kept elsewhere."""
    from lineage_bridge.assess.checks.facts import Version  # it knows numbers, which take a while

    return msgspec.msgpack.decode(encoded, type=Version)


def facts_of_version(connection: sqlite3.Connection, dataset: str, version: str) -> Version | None:
    """Return what is kept of a version, with its profile; None if its rows are not.

    Args:
        connection: on the journal's database.
        dataset: its node id.
        version: as its builds spell it.
    """
    profile = profile_of(connection, dataset, version)
    if profile is None:
        return None
    (encoded,) = connection.execute(
        "SELECT facts FROM content_versions WHERE dataset = ? AND version = ?", (dataset, version)
    ).fetchone()
    return replace(read_facts(encoded), profile=profile)


def content_of(connection: sqlite3.Connection, dataset: str, version: str) -> bytes | None:
    """Return the SHA-256 of the file that a version was read from; None if it never was.

    Args:
        connection: on the journal's database.
        dataset: its node id.
        version: as its builds spell it.
    """
    found = _profile_key(connection, dataset, version)
    return None if found is None else found[0]


def profile_of(connection: sqlite3.Connection, dataset: str, version: str) -> Profile | None:
    """Return the profile of a version; None if it was never read, or is not kept any more.

    Args:
        connection: on the journal's database.
        dataset: its node id.
        version: as its builds spell it.
    """
    found = _profile_key(connection, dataset, version)
    return None if found is None else kept_profile(connection, *found)


def _profile_key(
    connection: sqlite3.Connection, dataset: str, version: str
) -> tuple[bytes, str] | None:
    if not has_table(connection, "content_versions"):
        return None
    row: tuple[bytes, str] | None = connection.execute(
        "SELECT content, keys FROM content_versions"
        " WHERE dataset = ? AND version = ? AND content IS NOT NULL",
        (dataset, version),
    ).fetchone()
    return row
