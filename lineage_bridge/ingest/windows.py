"""Metric windows -> findings -> observer events: read in the order in which they became known.

Windows are judged by the instant at which they were written, all of one instant together, so
nothing is known before it could have been known, and a backfill gives what a watcher would have
given. Files are read in the order of their minute; a window is never written before its own minute,
so whatever was written before the minute of the next file can be judged, and only the rest is held.

Events, cursors, evaluators and what is held change in one transaction. Killed at any time and
started again, the same events come out as in one go.

A line that comes after its instant was judged counts in the sums and is noted; the findings of that
time stay as they were. A start that comes so, or another policy, has the deployment judged anew.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby
from operator import attrgetter
from os import fstat
from pathlib import Path
from typing import BinaryIO

from lineage_bridge.adapters.p5_windows import is_inconsistent, judged_facts, names_of, read_window
from lineage_bridge.assess.lookback import MINUTE_US
from lineage_bridge.assess.policy import ServingPolicy
from lineage_bridge.errors import ArtifactError, JournalError
from lineage_bridge.ingest import cursors, quarantine, rejudge, seen_lines, window_state
from lineage_bridge.ingest.activations import Activation
from lineage_bridge.ingest.blind_counters import BlindCounters
from lineage_bridge.ingest.lines import LineReader
from lineage_bridge.ingest.observers import Observers, Outgoing
from lineage_bridge.ingest.quarantine import Rejected, rejected
from lineage_bridge.ingest.seen_lines import SeenLines
from lineage_bridge.ingest.window_files import WindowFile, changed_files
from lineage_bridge.ingest.window_state import (
    Implied,
    Pending,
    Sources,
    generation_of,
    list_blind_counters,
    list_implied,
    load_pending,
    save_pending,
)
from lineage_bridge.journal import Journal, Transaction
from lineage_bridge.naming import Slot

__all__ = ["Activation", "Outgoing", "WindowsResult", "ingest_windows"]

FAMILY = "p5"
BATCH_WINDOWS = 10_000  # in one transaction: under half a second of work to do again

_at_us = attrgetter("at_us")


@dataclass(slots=True)
class WindowsResult:
    """What a run over window files did.

    `implied` and `blind_counters` are of everything that was ever read, not of this run alone.
    """

    files_read: int = 0
    files_unchanged: int = 0
    lines: int = 0
    new: int = 0
    duplicates: int = 0
    waiting: int = 0  # last lines that are not finished yet
    misplaced: int = 0  # windows in the file of another minute
    events: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    implied: list[tuple[Slot, Implied]] = field(default_factory=list)
    blind_counters: dict[str, tuple[str, ...]] = field(default_factory=dict)


def ingest_windows(
    journal: Journal,
    files: Iterable[Path],
    *,
    namespace: str,
    activations: Sequence[Activation],
    policies: Callable[[Slot], ServingPolicy],
    outgoing: Outgoing,
    progress: Callable[[int], None] | None = None,
    root_of: Callable[[Path], Path] | None = None,
    final: bool = True,
) -> WindowsResult:
    """Read window files on from where they ended, and append the events that they call for.

    Args:
        journal: where events and what is remembered go.
        files: the window files, in any order.
        namespace: of the observers' jobs and datasets.
        activations: every start that is known, from earlier runs too.
        policies: what each deployment is held to.
        outgoing: other events, appended in between by their time; all of them by the end.
        progress: called with the number of lines read so far.
        root_of: the folder that was named for a file; a link that leaves it is not followed.
        final: this is a backfill: tell sums that moved, though no finding did.

    Raises:
        JournalError: the journal cannot be written, or another process reads windows into it.
    """
    with journal.transaction() as tx:
        _create_tables(tx.connection)
    with journal.reading() as connection:
        generation = generation_of(connection)
        anew = rejudge.plan(
            connection, namespace=namespace, activations=activations, policies=policies
        )
    with journal.transaction() as tx:
        _check_alone(tx, generation)
        rejudge.begin(tx, anew, activations)
        again = map(Path, cursors.list_rewound(tx.connection))
        changed, unchanged = changed_files(tx.connection, chain(files, again), root_of)
        observers = Observers(
            tx.connection,
            namespace=namespace,
            activations=activations,
            policies=policies,
            outgoing=outgoing,
            kept=anew.kept,
        )
        reading = _Reading(tx, observers)
    result = reading.result
    result.files_unchanged = unchanged
    waiting = iter(changed)
    file = next(waiting, None)
    while file is not None:
        with journal.transaction() as tx:
            reading.check_alone(tx)
            enough = reading.taken + BATCH_WINDOWS
            while file is not None and reading.taken < enough:
                reading.judge_before(tx, file.minute_us)
                reading.read(tx, file)
                file = next(waiting, None)
            reading.save(tx)
        if progress is not None:
            progress(result.lines)
    with journal.transaction() as tx:
        reading.check_alone(tx)
        reading.judge_before(tx, None)
        observers.finish(tx, tell_sums=final)
        reading.save(tx)
        result.events = observers.appended
        result.implied = list_implied(tx.connection)
        result.blind_counters = list_blind_counters(tx.connection)
    return result


class _Reading:
    """Files -> windows that wait to be judged."""

    def __init__(self, tx: Transaction, observers: Observers) -> None:
        self.result = WindowsResult()
        self.taken = 0  # windows, with those that are read again
        self._observers = observers
        self._sources = Sources()
        self._pending = load_pending(tx.connection, self._sources)
        self._generation = generation_of(tx.connection)
        self._seen = SeenLines(tx.connection)
        self._blind = BlindCounters(tx.connection)
        self._cursors: list[cursors.Cursor] = []
        self._quarantined = {item.path for item in quarantine.list_rejected(tx.connection)}

    def check_alone(self, tx: Transaction) -> None:
        """See that no other process has read windows since this one did.

        Raises:
            JournalError: one has, so what is remembered here is not what is stored.
        """
        _check_alone(tx, self._generation)

    def judge_before(self, tx: Transaction, until_us: int | None) -> None:
        """Judge what was written before an instant (None: everything)."""
        if not self._pending:
            return
        self._pending.sort(key=_at_us)
        if until_us is None:
            due, self._pending = self._pending, []
        else:
            count = bisect_left(self._pending, until_us, key=_at_us)
            due, self._pending = self._pending[:count], self._pending[count:]
        for at_us, windows in groupby(due, key=_at_us):
            self._observers.judge(tx, at_us, windows)

    def save(self, tx: Transaction) -> None:
        """Write all that changed beside the events."""
        self._generation += 1
        self._observers.save(tx)
        self._seen.save()
        self._blind.save()
        cursors.put_all(tx.connection, self._cursors)
        self._cursors.clear()
        save_pending(tx.connection, self._pending, self._generation)

    def read(self, tx: Transaction, file: WindowFile) -> None:
        """Read one file on from where it ended."""
        self.result.files_read += 1
        found: list[Rejected] = []
        try:
            with open(file.path, "rb") as opened:  # noqa: PTH123 - a Path costs more than reading
                self._read_open(tx, file, opened, found)
        except OSError as exc:
            reason = f"cannot be read: {exc.strerror or exc}"
            found.append(Rejected(file.path, FAMILY, 0, None, reason))
        if found:
            quarantine.put(tx.connection, found)
            self.result.rejected += found

    def _read_open(
        self, tx: Transaction, file: WindowFile, opened: BinaryIO, found: list[Rejected]
    ) -> None:
        seen = fstat(opened.fileno())
        offset, lines = cursors.resume(file.cursor, opened)
        self._forget_rejected(tx, file.path, after_line=lines if offset else -1)
        reader = LineReader(opened, offset, lines)
        read_before = file.cursor.rewound_lines if file.cursor is not None else 0
        try:
            for number, line in reader:
                self._read_line(file, number, line, found, is_first=number > read_before)
        except ArtifactError as exc:
            found.append(rejected(file.path, FAMILY, exc))
        has_bad_line = bool(found) or len(reader.problems) > (reader.unfinished is not None)
        found += [rejected(file.path, FAMILY, problem) for problem in reader.problems]
        self.result.waiting += reader.unfinished is not None
        cursor = cursors.Cursor(
            file.path,
            seen.st_size,
            seen.st_mtime_ns,
            seen.st_ino,
            reader.offset,
            reader.number,
            is_clean=not has_bad_line,
            fingerprint=cursors.fingerprint(opened, reader.offset),
        )
        self._cursors.append(cursor)

    def _forget_rejected(self, tx: Transaction, path: str, *, after_line: int) -> None:
        """What was rejected there is about to be read again."""
        if path in self._quarantined:
            tx.connection.execute(
                "DELETE FROM quarantine WHERE path = ? AND line > ?", (path, after_line)
            )

    def _read_line(
        self,
        file: WindowFile,
        number: int,
        line: bytes,
        found: list[Rejected],
        *,
        is_first: bool,  # else the line was counted in an earlier run, and its file rewound
    ) -> None:
        result = self.result
        result.lines += is_first
        try:
            window = read_window(line)
            facts, at_us = judged_facts(window)
            source = self._sources.of(names_of(window))
        except ArtifactError as exc:
            found.append(Rejected(file.path, FAMILY, number, exc.field, exc.reason))
            return
        if not self._seen.is_new(facts.start_us, line, source.slot):
            result.duplicates += is_first
            return
        self.taken += 1
        result.new += is_first
        minute_us = file.path_minute_us
        if minute_us is not None and not minute_us <= facts.start_us < minute_us + MINUTE_US:
            result.misplaced += is_first
        self._blind.look(window)
        sums = (
            window.success_count,
            window.failure_count,
            window.rejected_count,
            window.timeout_count,
        )
        self._pending.append(Pending(at_us, source, facts, sums, is_inconsistent(window)))


def _check_alone(tx: Transaction, generation: int) -> None:
    if generation_of(tx.connection) != generation:
        raise JournalError(
            "Another process is reading serving windows into this home. What was read is kept; "
            "run the command again when the other one has ended."
        )


def _create_tables(connection: sqlite3.Connection) -> None:
    own = (cursors.SCHEMA, quarantine.SCHEMA, seen_lines.SCHEMA)
    for statement in (*own, *window_state.SCHEMA):
        connection.execute(statement)
