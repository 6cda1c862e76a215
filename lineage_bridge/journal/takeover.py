"""Convert homes of older versions: move the derived tables from the journal's file to a new one.

The new file is completed beside the journal, then one transaction drops the derived tables from the
journal and raises its format. If the process is killed before that transaction, the home is as it
was and the next command begins again; after it, the home is converted. The events are never copied:
pipelines and running collectors keep the same file open, and an older version refuses it from then
on.

Events without an id that came before the journal kept their digests get them here, too.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from lineage_bridge import forks
from lineage_bridge.errors import JournalError
from lineage_bridge.events import KINDS, digest_of
from lineage_bridge.journal.connect import BUSY_SECONDS, connect_for_reading
from lineage_bridge.journal.database import begin_immediate
from lineage_bridge.journal.derived import create_models, derived_path
from lineage_bridge.journal.home_tables import (
    FORMAT,
    JOURNAL,
    check_format,
    format_of,
    keep_digest,
)
from lineage_bridge.journal.lease import lease, patient
from lineage_bridge.journal.migrations import migrate, pending

TAKE_OVER_SECONDS = 3600.0  # how long to wait for another process that converts a large home
_ROWS = 5000
_BITE_BYTES = 4 * 1024 * 1024  # of events that one transaction writes the digests of

Progress = Callable[[str, int, int], None]

# A condition for the names of the derived tables, up to format 2.
_DERIVED = (
    "name = 'models' OR name = 'exporter_arrivals' OR name GLOB 'graph_*' OR name GLOB 'mq_*'"
)


def take_over(
    connection: sqlite3.Connection,
    home: Path,
    progress: Progress | None,
    *,
    move: bool,
    busy_seconds: float,
) -> None:
    """Convert a home to this version's format; give a new home its tables.

    Args:
        connection: writes the journal's file, outside of a transaction.
        home: the data folder.
        progress: called with how far the conversion is.
        move: False leaves a home of an older version as it is; events can be appended to it.
        busy_seconds: how long to wait for other writers.

    Raises:
        JournalError: the home is newer than this version, or another process converts it for too
            long.
        sqlite3.Error: SQLite refused.
    """
    told = progress or (lambda *_: None)
    if format_of(connection) != FORMAT or pending(connection, JOURNAL):
        if _derived_tables(connection) and not move:
            return
        _convert(connection, home, told, busy_seconds)
    if move:
        _digest_all(connection, told)


def _convert(
    connection: sqlite3.Connection, home: Path, progress: Progress, busy_seconds: float
) -> None:
    if _derived_tables(connection):
        with lease(home, "takeover", wait=patient(TAKE_OVER_SECONDS)) as held:
            if not held:
                raise JournalError(
                    f"Another process takes the home `{home}` over, and does not come to an end. "
                    "Stop it, or try again later."
                )
            _move(connection, home, progress)
    else:
        _finish(connection, home, busy_seconds)


def _move(connection: sqlite3.Connection, home: Path, progress: Progress) -> None:
    if not _derived_tables(connection):
        return  # another process did it meanwhile
    _copy(home, progress)
    _finish(connection, home, BUSY_SECONDS)
    progress("giving room back", 0, 1)
    try:
        # One full VACUUM switches the mode, so that from now on the file can shrink bit by bit.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("VACUUM")
    except sqlite3.Error:
        pass  # the disk is full, or others write: the next events will use the free pages
    progress("giving room back", 1, 1)


def _finish(connection: sqlite3.Connection, home: Path, busy_seconds: float) -> None:
    begin_immediate(connection, busy_seconds)
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


def _digest_all(connection: sqlite3.Connection, progress: Progress) -> None:
    """Write the digests of events that came before there were any, a few at a time.

    Of events that the journal has twice, the first one has the digest. Several processes may do
    this at once: each does no harm to the others.
    """
    while (row := connection.execute("SELECT after, last FROM undigested").fetchone()) is not None:
        after, last = row
        progress("knowing events by their content", after, last)
        reached, digests = _digests(connection, after, last)
        begin_immediate(connection, BUSY_SECONDS)
        try:
            for time_us, digest, seq in digests:
                keep_digest(connection, time_us, digest, seq)
            connection.execute("UPDATE undigested SET after = ? WHERE after < ?", (reached,) * 2)
            connection.execute("DELETE FROM undigested WHERE after >= last")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _digests(
    connection: sqlite3.Connection, after: int, last: int
) -> tuple[int, list[tuple[int, bytes, int]]]:
    """Compute the digests of the next events; return the number that is reached.

    With each digest go the time and the number of its event.
    """
    rows = connection.execute(
        "SELECT seq, kind, CAST(time_us AS INTEGER), CAST(body AS BLOB) FROM events"
        " WHERE seq > ? AND seq <= ? AND id IS NULL ORDER BY seq",
        (after, last),
    )
    digests: list[tuple[int, bytes, int]] = []
    size = 0
    for seq, kind, time_us, body in rows:
        if kind in KINDS:
            digests.append((time_us, digest_of(body), seq))
        size += len(body)
        if size > _BITE_BYTES:
            return seq, digests
    return last, digests


def _derived_tables(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute(
        f"SELECT name FROM main.sqlite_master WHERE type = 'table' AND ({_DERIVED}) ORDER BY name"
    )
    return [name for (name,) in rows]


def _copy(home: Path, progress: Progress) -> None:
    """Make the derived file out of the derived tables in the journal's file."""
    target = derived_path(home, 0)
    partial = target.with_name(f"{target.name}.partial")
    for left in (partial, target.with_name(f"{target.name}-wal")):
        left.unlink(missing_ok=True)
    source = connect_for_reading(home / "journal.db")
    made = forks.connect(partial)
    try:
        made.execute("PRAGMA auto_vacuum = INCREMENTAL")
        made.execute("PRAGMA journal_mode = OFF")  # the file is not used before it is complete
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
