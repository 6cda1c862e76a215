"""The spool: a folder in which events wait that could not be written to the journal in time.

Each event is a file, `spool/<time>-<random>.json`, with one line: `{"origin": …, "event": …}`. It
is on the disk, under this name and whole, when `put` returns. That takes no lock and no SQLite, so
it works where both are in vain: while others hold the home, and in a child that was forked while
SQLite was at work (`forks`).

The next process that opens the journal takes the files in, in the order of their names. If it dies
before it has deleted them, the one after it appends nothing twice: the journal knows each event.
"""

from __future__ import annotations

import logging
import os
import secrets
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import cast

import orjson

from lineage_bridge.errors import EventError, JournalError
from lineage_bridge.events import Event, event_of, one_line
from lineage_bridge.journal.lease import lease, patient
from lineage_bridge.journal.migrations import has_table
from lineage_bridge.journal.store import Journal, Origin

NAME = "spool"
FORMER = "spool.jsonl"  # the one file of versions that had no folder, an event a line
TAKE_SECONDS = 2.0
BATCH = 100
_SUFFIX = ".json"
_log = logging.getLogger(__name__)

_Waiting = tuple[Event, Origin]


def put(home: Path, event: Event, origin: Origin) -> None:
    """Add an event to the spool; it is on the disk when this returns.

    Raises:
        JournalError: it cannot be written.
    """
    try:
        _write(home, event, origin)
    except OSError as exc:
        raise JournalError(
            f"Cannot write an event to the spool of `{home}`: {exc}. "
            "Check that the folder is there and can be written, and that the disk has room."
        ) from exc


def _write(home: Path, event: Event, origin: Origin) -> None:
    folder = home / NAME
    folder.mkdir(exist_ok=True)
    path = folder / f"{time.time_ns():020}-{secrets.token_hex(8)}{_SUFFIX}"
    partial = path.with_suffix(".partial")
    body = orjson.Fragment(one_line(event.body))
    try:
        with partial.open("xb") as file:
            file.write(orjson.dumps({"origin": origin, "event": body}) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)
    for changed in (folder, home):
        _flush_names(changed)


def _flush_names(folder: Path) -> None:
    """Write the names in a folder to the disk, where the operating system has that to do."""
    if os.name == "posix":
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def waits(home: Path) -> bool:
    """Return whether an event waits in a home's spool."""
    return bool(_files(home))


def take_in(journal: Journal) -> int:
    """Append what waits in the spool to the journal; return how many events were appended.

    Raises:
        JournalError: the journal cannot be written, or a file not be read or deleted.
    """
    if not waits(journal.home) or not _is_of_today(journal):
        return 0
    with lease(journal.home, NAME, wait=patient(TAKE_SECONDS)) as held:
        if not held:
            return 0  # another process takes them in
        try:
            return _take(journal, _files(journal.home))
        except OSError as exc:
            raise JournalError(
                f"Cannot take in the spool of `{journal.home}`: {exc}. "
                "Check that the file can be read and deleted."
            ) from exc


def _take(journal: Journal, files: list[Path]) -> int:
    events = (waiting for path in files for waiting in _read(path))
    taken = 0
    while some := list(islice(events, BATCH)):
        taken += _append(journal, some)
    for path in files:
        path.unlink()
    return taken


def _is_of_today(journal: Journal) -> bool:
    with journal.reading() as connection:  # in a home of before an event may come twice
        return has_table(connection, "digests")


def _files(home: Path) -> list[Path]:
    """List the files in which events wait, the oldest first."""
    former = home / FORMER
    return [
        *([former] if former.exists() else ()),
        *sorted((home / NAME).glob(f"*{_SUFFIX}")),
    ]


def _append(journal: Journal, events: list[_Waiting]) -> int:
    with journal.transaction() as tx:
        return sum(tx.append(event, origin) is not None for event, origin in events)


def _read(path: Path) -> Iterator[_Waiting]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                document = orjson.loads(line)
                event = document["event"]
                origin = cast("Origin", document["origin"])
                yield event_of(event, orjson.dumps(event)), origin
            except (orjson.JSONDecodeError, KeyError, TypeError, EventError) as exc:
                # The `emit()` that wrote it never returned, or somebody edited the file.
                _log.warning("`%s`, line %d, is no event and is left out: %s", path, number, exc)
