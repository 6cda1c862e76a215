"""Sources: the folders whose artifacts a home reads, remembered from backfills and the settings.

A folder is named for one family, or for all of them (`ALL`), also for those that come later. What
`lineage-bridge.toml` names is not stored: it counts as long as it stands there.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from lineage_bridge.adapters.api import server_kind
from lineage_bridge.adapters.registry import adapters
from lineage_bridge.adapters.roots import Root, Server, root_of
from lineage_bridge.errors import SettingsError
from lineage_bridge.journal import Journal
from lineage_bridge.journal.migrations import Room, has_table, statements
from lineage_bridge.settings import Settings
from lineage_bridge.times import to_micros

ALL: Final = "all"

SOURCES: Final = Room(
    "sources",
    (
        statements(
            "table",
            """CREATE TABLE sources (
    path TEXT NOT NULL,             -- absolute, as it was named: links in it stay
    family TEXT NOT NULL,           -- `all`: every family
    added_us INTEGER NOT NULL,      -- microseconds since the epoch
    PRIMARY KEY (path, family)
) WITHOUT ROWID""",
        ),
    ),
)


class Source(NamedTuple):
    """A folder, a single file or a server that is read for one family, or for all.

    Attributes:
        path: absolute; of a server its URL.
        family: its name, or `ALL`.
        is_declared: whether the settings name it; else a backfill did, or `sources add`.
    """

    path: str
    family: str
    is_declared: bool = False


def named(paths: Iterable[Root], family: str = ALL) -> list[Source]:
    """Return the sources that somebody names from the working folder."""
    return [Source(_as_named(path), family) for path in paths]


def list_sources(connection: sqlite3.Connection, settings: Settings) -> list[Source]:
    """List the sources of a home, sorted; what is both declared and remembered is declared.

    Raises:
        SettingsError: the settings name a family that there is not.
    """
    found = dict.fromkeys(_declared(settings), True)
    if has_table(connection, "sources"):
        for path, family in connection.execute("SELECT path, family FROM sources"):
            found.setdefault((path, family), False)
    return [Source(*key, is_declared) for key, is_declared in sorted(found.items())]


def remember(journal: Journal, sources: Sequence[Source], now: datetime) -> int:
    """Remember sources; return how many were not known yet.

    Raises:
        JournalError: the home cannot be written.
    """
    journal.prepare(SOURCES)
    rows = [(source.path, source.family, to_micros(now)) for source in sources]
    with journal.reading() as connection:
        known = set(connection.execute("SELECT path, family FROM sources"))
    added = [row for row in rows if row[:2] not in known]
    if added:  # a backfill of known folders writes nothing
        with journal.transaction() as tx:
            tx.connection.executemany("INSERT OR IGNORE INTO sources VALUES (?, ?, ?)", added)
    return len(added)


def forget(journal: Journal, path: str, family: str | None = None) -> int:
    """Forget a source, of one family or of all; return how many there were.

    What was read from it stays. Its events are in the journal.

    Raises:
        JournalError: the home cannot be written.
    """
    journal.prepare(SOURCES)
    with journal.transaction() as tx:
        cursor = tx.connection.execute(
            "DELETE FROM sources WHERE path = ? AND family = coalesce(?, family)", (path, family)
        )
        return cursor.rowcount


def roots_of(sources: Iterable[Source]) -> Mapping[str, Sequence[Root]]:
    """Return what is to be read by family, as a backfill takes it; no folder that is gone."""
    roots: dict[str, list[Root]] = {}
    known = adapters()
    for source in sources:
        path = root_of(source.path)
        families = known if source.family == ALL else [source.family]
        if isinstance(path, Server):
            families = [name for name in families if name in known and server_kind(known[name])]
        for family in families if path.exists() else ():
            if family in known:  # a package that had it may be gone
                roots.setdefault(family, []).append(path)
    return roots


def check_family(family: str, where: str = "") -> None:
    """Refuse a family that there is not.

    Raises:
        SettingsError: names those that there are.
    """
    known = [ALL, *adapters()]
    if family not in known:
        raise SettingsError(
            f"`{family}`{where} is no family of artifacts. Expected one of: {', '.join(known)}."
        )


def _declared(settings: Settings) -> list[tuple[str, str]]:
    found = []
    for family, paths in settings.sources.items():
        check_family(family, f" in `sources` in `{settings.config_path}`")
        found += [(_as_named(root_of(path)), family) for path in paths]
    return found


def _as_named(root: Root) -> str:
    # `abspath` keeps links, and a URL is no path.
    return root.url if isinstance(root, Server) else os.path.abspath(root)  # noqa: PTH100
