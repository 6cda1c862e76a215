"""Homes of older versions: what is derived moves out of the journal's file, into one of its own.

The new file is made whole beside the journal, then one transaction drops the tables that stood in
the journal and raises its format. Killed before it, the home is as it was and the next command
begins again; after it, the home is a new one. The events are never copied: the file stays the one
that pipelines and running collectors have open, and an older version refuses it from then on.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from lineage_bridge.errors import JournalError
from lineage_bridge.journal.connect import BUSY_SECONDS, connect_for_reading
from lineage_bridge.journal.database import begin_immediate
from lineage_bridge.journal.derived import create_models, derived_path
from lineage_bridge.journal.home_tables import FORMAT, JOURNAL, check_format, format_of
from lineage_bridge.journal.lease import lease, patient
from lineage_bridge.journal.migrations import migrate, pending

TAKE_OVER_SECONDS = 3600.0  # another process may be at it, on a large home
_ROWS = 5000

Progress = Callable[[str, int, int], None]

# The tables that were derived, by how their names began, up to format 2.
_DERIVED = (
    "name = 'models' OR name = 'exporter_arrivals' OR name GLOB 'graph_*' OR name GLOB 'mq_*'"
)


def take_over(
    connection: sqlite3.Connection, home: Path, progress: Progress | None, *, move: bool
) -> None:
    """Bring a home up to this version's format; a new one is made.

    Args:
        connection: writes the journal's file, outside of a transaction.
        home: the data folder.
        progress: told how far it is.
        move: False leaves a home of an older version as it is; events can be appended to it.

    Raises:
        JournalError: the home is newer than this version, or another process is stuck over it.
        sqlite3.Error: SQLite refused.
    """
    if format_of(connection) == FORMAT and not pending(connection, JOURNAL):
        return
    if _derived_tables(connection):
        if not move:
            return
        with lease(home, "takeover", wait=patient(TAKE_OVER_SECONDS)) as held:
            if not held:
                raise JournalError(
                    f"Another process takes the home `{home}` over, and does not come to an end. "
                    "Stop it, or try again later."
                )
            _move(connection, home, progress or (lambda *_: None))
    else:
        _finish(connection, home)


def _move(connection: sqlite3.Connection, home: Path, progress: Progress) -> None:
    if not _derived_tables(connection):
        return  # another process did it meanwhile
    _copy(home, progress)
    _finish(connection, home)
    progress("giving room back", 0, 1)
    try:
        # Once, so that from now on it can be given back bit by bit.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("VACUUM")
    except sqlite3.Error:
        pass  # no room for it, or others write: the free pages are used by the next events
    progress("giving room back", 1, 1)


def _finish(connection: sqlite3.Connection, home: Path) -> None:
    begin_immediate(connection, BUSY_SECONDS)
    try:
        check_format(connection, home / "journal.db")
        for table in _derived_tables(connection):
            connection.execute(f"DROP TABLE {table}")
        migrate(connection, JOURNAL)
        connection.execute(f"PRAGMA user_version = {FORMAT}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _derived_tables(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute(
        f"SELECT name FROM main.sqlite_master WHERE type = 'table' AND ({_DERIVED}) ORDER BY name"
    )
    return [name for (name,) in rows]


def _copy(home: Path, progress: Progress) -> None:
    """Make the file of what is derived from the tables that stand in the journal."""
    target = derived_path(home, 0)
    partial = target.with_name(f"{target.name}.partial")
    for left in (partial, target.with_name(f"{target.name}-wal")):
        left.unlink(missing_ok=True)
    source = connect_for_reading(home / "journal.db")
    made = sqlite3.connect(partial, isolation_level=None)
    try:
        made.execute("PRAGMA auto_vacuum = INCREMENTAL")
        made.execute("PRAGMA journal_mode = OFF")  # it counts only once it is whole
        source.execute("BEGIN")
        tables = _derived_tables(source)
        for done, table in enumerate(tables):
            progress("moving what is derived", done, len(tables))
            _copy_table(source, made, table)
        create_models(made)
        progress("moving what is derived", len(tables), len(tables))
    finally:
        made.close()
        source.close()
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    partial.replace(target)


def _copy_table(source: sqlite3.Connection, made: sqlite3.Connection, table: str) -> None:
    schema = source.execute(
        "SELECT sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL ORDER BY type DESC",
        (table,),
    ).fetchall()
    made.execute("BEGIN")
    made.execute(schema[0][0])  # the table itself: 'table' comes after 'index'
    rows = source.execute(f"SELECT * FROM {table}")
    places = ", ".join("?" * len(rows.description))
    while found := rows.fetchmany(_ROWS):
        made.executemany(f"INSERT INTO {table} VALUES ({places})", found)
    for (statement,) in schema[1:]:
        made.execute(statement)
    made.execute("COMMIT")
