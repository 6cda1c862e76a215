"""Which profiles are still needed when the journal is pruned; the others are forgotten.

A profile is needed if the version's build is still in the journal, if the next version is compared
with it, or if it was made only lately. What is forgotten is made again if its file is read again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

from lineage_bridge.journal import Journal
from lineage_bridge.journal.migrations import has_table
from lineage_bridge.observe.content.course import course_of, kept_versions, policy_of
from lineage_bridge.observe.content.versions import content_of
from lineage_bridge.settings import Settings

AT_ONCE = 100  # profiles that are deleted in one transaction: they are large


def forget_profiles(journal: Journal, settings: Settings, before_us: int) -> int:
    """Forget the profiles from before an instant that nothing needs; return how many went.

    Args:
        journal: of the home, its old events already gone.
        settings: what is expected of datasets.
        before_us: microseconds since the epoch.

    Raises:
        SettingsError: the settings name a check that there is not.
        JournalError: the home cannot be read or written.
    """
    with journal.reading() as connection:
        if not has_table(connection, "profiles"):
            return 0
        needed = set(_needed(connection, settings))
        rows = connection.execute(
            "SELECT content, keys FROM profiles WHERE made_us < ?", (before_us,)
        )
        doomed = [(content, keys) for content, keys in rows if content not in needed]
    for begin in range(0, len(doomed), AT_ONCE):
        some = doomed[begin : begin + AT_ONCE]
        with journal.transaction() as tx:
            tx.connection.executemany("DELETE FROM profiles WHERE content = ? AND keys = ?", some)
            contents = [(content,) for content, _ in some]
            tx.connection.executemany("DELETE FROM profiled_files WHERE content = ?", contents)
            _note_loss(tx.connection, contents)
    return len(doomed)


def _note_loss(connection: sqlite3.Connection, contents: Sequence[tuple[bytes]]) -> None:
    if has_table(connection, "content_versions"):
        connection.executemany(
            "UPDATE content_versions SET content = NULL, keys = NULL WHERE content = ?", contents
        )


def _needed(connection: sqlite3.Connection, settings: Settings) -> Iterator[bytes]:
    """Yield the contents of versions that are in the journal, or that the next is compared with."""
    if not has_table(connection, "content_versions"):
        return
    rows = connection.execute(
        "SELECT content FROM content_versions v JOIN events e ON e.id = v.event"
        " WHERE content IS NOT NULL"
    )
    yield from (content for (content,) in rows)
    datasets = connection.execute("SELECT DISTINCT dataset FROM content_versions").fetchall()
    for (dataset,) in datasets:
        versions = kept_versions(connection, dataset)
        if versions:
            builds = {kept.facts: kept.build for kept in versions}
            for facts in course_of(versions, policy_of(versions, settings)).looked_at():
                content = content_of(connection, dataset, builds[facts].version)
                if content is not None:
                    yield content
