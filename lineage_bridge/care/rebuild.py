"""Derive all models again, into a new file that replaces the current one when it is complete.

Until then everybody reads the old file. If the process is killed at any time, the old one stays.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from lineage_bridge import forks
from lineage_bridge.errors import JournalError
from lineage_bridge.journal.derived import create_models, derived_path
from lineage_bridge.journal.fold import WAIT_SECONDS, Fold, Progress, lease_of
from lineage_bridge.journal.lease import lease, patient
from lineage_bridge.journal.models import Model, is_of_journal, read_reached, reset, write_reached
from lineage_bridge.journal.store import Journal

_ROWS = 5000


def rebuild(
    journal: Journal,
    models: Sequence[Model],
    *,
    keep: Sequence[Model] = (),
    progress: Progress | None = None,
) -> dict[str, int]:
    """Fill models again from the journal's first event; return the number that each has reached.

    Args:
        journal: open for writing.
        models: models to fill again.
        keep: models whose tables are copied as they are.
        progress: called with how far the work is, over all models.

    Raises:
        JournalError: the new file cannot be made, or another process rebuilds or folds for long.
    """
    told = progress or (lambda *_: None)
    with lease(journal.home, "rebuild", wait=patient(WAIT_SECONDS)) as held:
        if not held:
            raise JournalError("Another process derives everything again; wait for its end.")
        with journal.reading() as connection:
            generation = _generation(connection) + 1
        path = derived_path(journal.home, generation)
        partial = path.with_name(f"{path.name}.partial")
        partial.unlink(missing_ok=True)
        with _Shadow(partial) as shadow, ExitStack() as turns:
            folds = [Fold(journal, model, shadow) for model in models]
            _fold_all(journal, folds, told)
            for model in (*models, *keep):  # from here on nobody adds to the file that is to go
                turns.enter_context(_turn(journal, model))
            _fold_all(journal, folds, told)
            for model in keep:
                _copy(journal, shadow, model)
            shadow.close()
            partial.replace(path)
            _point_at(journal, generation)
            journal.derived.remove_others()
        return {model.name: fold.reached for model, fold in zip(models, folds, strict=True)}


def _fold_all(journal: Journal, folds: Sequence[Fold], told: Progress) -> None:
    target = journal.last_seq()
    for done, fold in enumerate(folds):
        while fold.bite():
            told(done * target + min(fold.reached, target), len(folds) * target)


def _turn(journal: Journal, model: Model) -> ExitStack:
    """Take the lease of folding a model, until the block ends."""
    stack = ExitStack()
    wait = patient(WAIT_SECONDS)
    if not stack.enter_context(lease(journal.home, lease_of(model.name), wait=wait)):
        raise JournalError(f"Another process keeps deriving `{model.name}`; try again later.")
    return stack


def _generation(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT generation FROM derived").fetchone()[0])


def _point_at(journal: Journal, generation: int) -> None:
    with journal.transaction() as tx:
        tx.connection.execute("UPDATE derived SET generation = ?", (generation,))


def _copy(journal: Journal, shadow: _Shadow, model: Model) -> None:
    with journal.reading() as source:
        reached = read_reached(source, model)
        if reached is None or not is_of_journal(source, model, reached):
            return
        with shadow.transaction() as connection:
            reset(connection, model)
            for table in model.tables:
                _copy_table(source, connection, table)
            write_reached(connection, model, reached)


def _copy_table(source: sqlite3.Connection, target: sqlite3.Connection, table: str) -> None:
    rows = source.execute(f"SELECT * FROM {table}")
    places = ", ".join("?" * len(rows.description))
    while found := rows.fetchmany(_ROWS):
        target.executemany(f"INSERT INTO {table} VALUES ({places})", found)


class _Shadow:
    """The new file in the making: it is worth nothing until it is complete, so it needs no log."""

    def __init__(self, path: Path) -> None:
        self._connection = forks.connect(path)
        for pragma in (
            "auto_vacuum = INCREMENTAL",
            "journal_mode = MEMORY",  # a bite that fails is rolled back
            "synchronous = OFF",
            "cache_size = -65536",
        ):
            self._connection.execute(f"PRAGMA {pragma}").fetchall()
        create_models(self._connection)
        self._is_open = True

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Flush all writes to the disk, and close."""
        if self._is_open:
            self._is_open = False
            # The last commit is synchronous, and flushes all earlier ones too.
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA user_version = 1")
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
