"""Reading one file of an inference log: rows in bites, each saved with how far the file was read.

A file that only grew is read on from there; one that was killed half-way is as well, or from its
start where it cannot be read on. What it brought is then replaced as a whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import compress
from typing import BinaryIO, Final

import msgspec

from lineage_bridge.adapters.files import mark_of_stat, open_file
from lineage_bridge.errors import ArtifactError
from lineage_bridge.inference.declared import declared_for
from lineage_bridge.inference.labels import LabelLines
from lineage_bridge.inference.log import LogFile
from lineage_bridge.inference.seen import Seen, hashes_of
from lineage_bridge.inference.values import Inference, Served
from lineage_bridge.journal import Journal
from lineage_bridge.observe import cursors, quarantine
from lineage_bridge.observe.cursors import Resumed
from lineage_bridge.observe.logs.asked import Asked, by_day, by_hour, requests_by_answered
from lineage_bridge.observe.logs.hours import add_hours, forget_hours
from lineage_bridge.observe.logs.kept_requests import (
    add_duplicates,
    add_labels,
    add_requests,
    forget_rows,
    seen_in,
)
from lineage_bridge.observe.logs.log_files import (
    FAMILY,
    Kind,
    KnownFile,
    LogState,
    add_files,
    list_files,
    put_state,
    rename_file,
)
from lineage_bridge.observe.logs.open_log import OpenLog
from lineage_bridge.observe.logs.slots import KnownSlots, Unknown
from lineage_bridge.observe.logs.untold import note_labels, note_rows, note_rows_of
from lineage_bridge.observe.quarantine import FileRejections
from lineage_bridge.profiles import VERSION
from lineage_bridge.settings import InferenceLog
from lineage_bridge.times import to_micros

ROWS_A_SAVING: Final = 20_000
VALUES_A_SAVING: Final = 1_000_000
_CSV: Final = (".csv", ".csv.gz")
_WHOLE: Final = (*_CSV, ".parquet", ".gz")  # what is never empty while it is written


@dataclass(slots=True)
class _Part:
    """Rows of a file that are saved together."""

    rows: list[Inference] = field(default_factory=list)
    labels: LabelLines = field(default_factory=LabelLines)


class _OvertakenError(Exception):
    """Another process reads the same file, and has saved rows of it first."""


class Reader:
    """Reads files one after another into the home.

    Args:
        journal: of the home; its tables are prepared.
        logs: the maps of the settings.
        known: the deployments that are known.
        latest: the time after which no row can be.
        report: called with the number of rows that were read.
    """

    def __init__(
        self,
        journal: Journal,
        logs: Mapping[str, InferenceLog],
        known: KnownSlots,
        latest: datetime,
        report: Callable[[int], None],
    ) -> None:
        self._journal, self._logs, self._known = journal, logs, known
        self._latest, self._report = latest, report
        self._seen: Seen | None = None
        self.rows = 0

    def read(self, file: KnownFile) -> None:
        """Read what is new in a file; what is wrong with it goes into quarantine.

        Raises:
            JournalError: it cannot be saved.
        """
        try:
            with open_file(file.path) as opened:
                self._read(file, opened)
        except ArtifactError as exc:
            self._give_up(file, exc)
        except _OvertakenError:
            self._seen = None  # some of the requests in it may not be kept

    def _read(self, file: KnownFile, opened: BinaryIO) -> None:
        seen = os.fstat(opened.fileno())
        mark = mark_of_stat(seen)
        if not seen.st_size and not file.path.endswith(_WHOLE):
            self._note_empty(file, mark)  # it was rotated, and nothing was written since
            return
        declared = declared_for(file.path, self._logs)
        log = LogFile(opened, declared, may_be_csv=file.path.endswith(_CSV))
        kind = _kind_of(log)
        if file.state.cause == "found" and not log.is_surely_one:
            kind = "none"
        state = msgspec.structs.replace(file.state, depends=_depends(log, declared))
        resumed = self._resumed(file.state, state, kind, opened, log)
        if resumed is None and file.state.kind in {"log", "labels"}:
            file = self._begin_anew(file, log)
            state = msgspec.structs.replace(state, **_NOTHING_READ)
        state = msgspec.structs.replace(state, kind=kind, mark="")
        of_file = OpenLog(file, state, log, declared, opened, seen, resumed)
        if kind == "none":
            self._save(of_file, _Part(), mark)
            return
        for part, is_last in _parts(log, kind, self._latest):
            self._save(of_file, part, mark if is_last else "")
            self._report(self.rows)

    def _note_empty(self, file: KnownFile, mark: str) -> None:
        state = msgspec.structs.replace(file.state, mark=mark)
        with self._journal.transaction() as tx:
            put_state(tx.connection, file.number, state)

    def _resumed(
        self, before: LogState, state: LogState, kind: Kind, opened: BinaryIO, log: LogFile
    ) -> Resumed | None:
        """Return where to read on; None: from the first row."""
        if (before.kind, before.depends) != (kind, state.depends) or log.growing is None:
            return None
        if any(words.key != self._known.key(words.served) for words in before.words):
            return None
        found = cursors.resume(before.cursor, opened)
        if not found.offset:
            return None
        log.growing.go_on_with(found.reader(opened))
        return found

    def _begin_anew(self, file: KnownFile, log: LogFile) -> KnownFile:
        """Make way for the rows of a file that is not as it was; return the file to save them as.

        If all its rows are later than those that it had, the former ones are in no other file, or
        not any more: they stay.
        """
        last_us, state = file.state.last_us, msgspec.structs.replace(file.state, **_NOTHING_READ)
        firsts = [to_micros(row.at.instant) for row in log.head if row.at is not None]
        with self._journal.transaction() as tx:
            if last_us is not None and firsts and min(firsts) > last_us:
                rename_file(tx.connection, file.number, None)
                add_files(tx.connection, [(file.path, state.cause)])
                (file,) = (one for one in list_files(tx.connection) if one.path == file.path)
                return file
            _forget(tx.connection, file.number)
            put_state(tx.connection, file.number, state)
            if file.state.rows:
                _read_again_with_duplicates(tx.connection, file.number)
        self._seen = None
        return file._replace(state=state)

    def _save(self, of_file: OpenLog, part: _Part, mark: str) -> None:
        """Save rows, and that the file was read so far."""
        state, number = of_file.state, of_file.file.number
        asked, again = self._once(self._answered(of_file, part.rows))
        hours = by_hour(of_file.columns, asked)
        rejections, after_line = of_file.rejections()
        labels = part.labels.take()
        _add_up(state, part.rows, len(labels.ids))
        state.rows, state.duplicates = state.rows + len(asked), state.duplicates + len(again)
        state.mark, state.cursor = mark, of_file.cursor()
        with self._journal.transaction() as tx:
            if not of_file.is_as_before(tx.connection):
                raise _OvertakenError
            for answered, requests in requests_by_answered(asked).items():
                add_requests(tx.connection, number, answered, requests, of_file.declared.label_days)
                note_rows(tx.connection, answered, int(requests.at_us.min()))
            add_hours(tx.connection, number, hours)
            repeated = by_day(again)
            add_duplicates(tx.connection, number, repeated)
            for answered, day_us in repeated:
                note_rows(tx.connection, answered, day_us)
            if len(labels.ids):
                add_labels(tx.connection, number, labels)
                note_labels(tx.connection)
            quarantine.put_lines(tx.connection, rejections, after_line=after_line)
            put_state(tx.connection, number, state)
        of_file.saved()
        self.rows += len(asked)

    def _answered(self, of_file: OpenLog, rows: Sequence[Inference]) -> list[Asked]:
        """Find out who answered; leave out and note the rows of which that is open."""
        found = []
        counts: Counter[Served] = Counter()
        for row in rows:
            counts[row.served] += 1
            at_us = None if row.at is None else to_micros(row.at.instant)
            answered = self._known.answered_by(row.served, at_us)
            if isinstance(answered, Unknown):
                of_file.unknown[row.served] = (answered.field, answered.why)
            else:
                found.append(Asked(answered, at_us, row))
        of_file.add_words(counts, self._known)
        return found

    def _once(self, asked: list[Asked]) -> tuple[list[Asked], list[Asked]]:
        """Tell requests apart from those that were there before: each counts once."""
        if not asked or asked[0].row.request_id is None:
            return asked, []
        if self._seen is None:
            with self._journal.reading() as connection:
                self._seen = seen_in(connection)
        firsts = self._seen.add(hashes_of([one.row.request_id for one in asked]))
        return [*compress(asked, firsts)], [*compress(asked, ~firsts)]

    def _give_up(self, file: KnownFile, error: ArtifactError) -> None:
        """Note that a file cannot be read, until it changes."""
        state = file.state
        try:
            seen = os.lstat(file.path)
        except OSError:
            return  # it is gone: what was read of it stays
        is_none = state.cause == "found" and state.kind in {None, "none"}
        state = msgspec.structs.replace(
            state, kind="none" if is_none else state.kind, mark=mark_of_stat(seen)
        )
        rejections = FileRejections(file.path, FAMILY)
        if not is_none:
            rejections.add(error)
        with self._journal.transaction() as tx:
            quarantine.put_lines(tx.connection, rejections, after_line=0)
            put_state(tx.connection, file.number, state)


_NOTHING_READ: Final[dict[str, object]] = {
    "mark": "", "cursor": None, "rows": 0, "labels": 0, "duplicates": 0, "untimed": 0,
    "rejected": 0, "first_us": None, "last_us": None, "words": [],
}  # fmt: skip


def _parts(log: LogFile, kind: Kind, latest: datetime) -> Iterator[tuple[_Part, bool]]:
    """Read the rows, as many at a time as are saved together, and whether these are the last."""
    part = _Part()
    width = max(len(log.features), 1)
    most = max(min(ROWS_A_SAVING, VALUES_A_SAVING // width), 1)
    for bite in log.bites(None, latest=latest, features=kind == "log"):
        is_label = [kind == "labels" or row.is_only_label for row in bite]
        part.rows += [row for row, is_one in zip(bite, is_label, strict=True) if not is_one]
        part.labels.add(
            [
                (row, row.labelled_at or row.at)
                for row, is_one in zip(bite, is_label, strict=True)
                if row.label is not None
                and row.request_id is not None
                and (is_one or row.labelled_at is not None)
            ]
        )
        # The file was read to the end of this bite, and no further: so far it is saved.
        if len(part.rows) + len(part.labels) >= most:
            yield part, False
            part = _Part()
    yield part, True


def _kind_of(log: LogFile) -> Kind:
    if "prediction" in log.fields.paths or log.says_features:
        return "log"
    if {"request_id", "label"} <= log.fields.paths.keys():
        return "labels"
    raise ArtifactError("is no inference log: its rows have no prediction, features or labels")


def _depends(log: LogFile, declared: InferenceLog) -> str:
    """Return a digest of what decides how a file is read, besides its rows."""
    fields = log.fields
    said = [VERSION, dict(fields.paths), fields.feature_names, fields.time_unit]
    text = json.dumps([*said, declared.label_days])
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _add_up(state: LogState, rows: Sequence[Inference], labels: int) -> None:
    times = [to_micros(row.at.instant) for row in rows if row.at is not None]
    state.labels += labels
    state.untimed += len(rows) - len(times)
    if times:
        firsts = [min(times)] if state.first_us is None else [min(times), state.first_us]
        lasts = [max(times)] if state.last_us is None else [max(times), state.last_us]
        state.first_us, state.last_us = min(firsts), max(lasts)


def _forget(connection: sqlite3.Connection, file: int) -> None:
    note_rows_of(connection, file)
    forget_hours(connection, file)
    forget_rows(connection, file)


def _read_again_with_duplicates(connection: sqlite3.Connection, but: int) -> None:
    """Have files read again whose requests did not count because another file had them."""
    for file in list_files(connection):
        if file.number != but and file.state.duplicates:
            state = msgspec.structs.replace(file.state, mark="", depends="")
            put_state(connection, file.number, state)
