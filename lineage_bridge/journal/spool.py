"""The spool: a file in which events wait that could not be written to the journal in time.

It is beside the journal, with one event a line: `{"key": …, "origin": …, "event": …}`. A line is
complete and on the disk when `put` returns. The next process that opens the journal appends each
line once: the transaction that appends it also stores its key, and the key stays until the line is
gone from the file.
"""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import orjson

from lineage_bridge.errors import EventError
from lineage_bridge.events import Event, event_of
from lineage_bridge.journal.lease import lease, patient
from lineage_bridge.journal.migrations import has_table
from lineage_bridge.journal.store import Journal, Origin

NAME = "spool.jsonl"
PUT_SECONDS = 30.0  # how long to wait for other writers; a line takes them milliseconds
TAKE_SECONDS = 2.0
BATCH = 100
_log = logging.getLogger(__name__)


def put(home: Path, event: Event, origin: Origin) -> None:
    """Add an event to the spool; it is on the disk when this returns.

    Raises:
        OSError: the file cannot be written.
        JournalError: the home cannot be locked.
    """
    line = orjson.dumps(
        {"key": secrets.token_hex(16), "origin": origin, "event": orjson.Fragment(event.body)}
    )
    with lease(home, "spool", wait=patient(PUT_SECONDS)) as held:
        if not held:
            raise OSError(f"another process keeps `{home / NAME}` locked")
        with (home / NAME).open("ab") as file:
            # The file may end in half a line, of a write that was interrupted; keep that apart.
            file.write(
                line.replace(b"\n", b" ") + b"\n" if _ends_line(file) else b"\n" + line + b"\n"
            )
            file.flush()
            os.fsync(file.fileno())


def _ends_line(file: Any) -> bool:
    size = file.seek(0, os.SEEK_END)
    if not size:
        return True
    with Path(file.name).open("rb") as reader:
        reader.seek(size - 1)
        return reader.read(1) == b"\n"


def take_in(journal: Journal) -> int:
    """Append the spool's lines to the journal, each once; return how many events were appended.

    Raises:
        JournalError: the journal cannot be written.
    """
    path = journal.home / NAME
    if not path.exists() or not _has_keys(journal):
        return 0
    with lease(journal.home, "spool", wait=patient(TAKE_SECONDS)) as held:
        if not held or not path.exists():
            return 0  # another process takes them in
        taken = sum(_append(journal, some) for some in _batches(path))
        # The keys go last: if this is killed before, they tell which lines the journal has.
        path.unlink()
        with journal.transaction() as tx:
            tx.connection.execute("DELETE FROM spooled")
    return taken


def _has_keys(journal: Journal) -> bool:
    with journal.reading() as connection:  # a home of the previous format has no such table
        return has_table(connection, "spooled")


def waits(home: Path) -> bool:
    """Return whether a home has a spool file."""
    return (home / NAME).exists()


def _append(journal: Journal, lines: list[tuple[str, Origin, Event]]) -> int:
    taken = 0
    with journal.transaction() as tx:
        for key, origin, event in lines:
            new = tx.connection.execute(
                "INSERT INTO spooled VALUES (?) ON CONFLICT DO NOTHING", (key,)
            )
            if new.rowcount == 1 and tx.append(event, origin) is not None:
                taken += 1
    return taken


def _batches(path: Path) -> Iterator[list[tuple[str, Origin, Event]]]:
    some = []
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                document = orjson.loads(line)
                event = document["event"]
                read = (
                    str(document["key"]),
                    document["origin"],
                    event_of(event, orjson.dumps(event)),
                )
            except (orjson.JSONDecodeError, KeyError, TypeError, EventError) as exc:
                # The `emit()` that wrote it never returned, or somebody edited the file.
                _log.warning("`%s`, line %d, is no event and is left out: %s", path, number, exc)
                continue
            some.append(cast("tuple[str, Origin, Event]", read))
            if len(some) == BATCH:
                yield some
                some = []
    if some:
        yield some
