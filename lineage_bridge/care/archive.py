"""Export a journal to a file and import one: NDJSON of the events in order, gzip by suffix.

One line is one event as the journal stores it; nothing is added, so any OpenLineage consumer can
read the file, and anybody's events can be imported. The other rows that the collector keeps in a
journal (commands of its API, events that it refused) are no events and are left out.
"""

from __future__ import annotations

import gzip
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, BinaryIO, cast

from lineage_bridge.care.salvage import salvaged
from lineage_bridge.care.verify import event_problems
from lineage_bridge.errors import ArtifactError, EventError
from lineage_bridge.events import KINDS, Event, decode, event_of, kind_of, one_line
from lineage_bridge.journal.store import Journal, Stored

STANDARD = "-"  # standard output or input
BATCH = 500
BITE = 200  # events that one transaction appends: some milliseconds
BITE_BYTES = 1024 * 1024
MAX_LINE_BYTES = 64 * 1024 * 1024

# The members that an event of each kind must have: member -> its keys whose values must be texts.
_REQUIRED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "run": {"run": ("runId",), "job": ("namespace", "name")},
    "job": {"job": ("namespace", "name")},
    "dataset": {"dataset": ("namespace", "name")},
}


@dataclass(frozen=True, slots=True)
class Exported:
    """How many events were written, and at most how many could not be read."""

    written: int
    lost: int


@dataclass(frozen=True, slots=True)
class Imported:
    """How many events of a file were appended, and how many the journal had already."""

    appended: int
    known: int


def export_events(journal: Journal, target: str, *, salvage: bool = False) -> Exported:
    """Write every event to a file, or to `-`. A file appears whole, or not at all.

    Args:
        journal: open for reading.
        target: the file; gzip if it ends in `.gz`.
        salvage: leave out the events of a damaged journal that cannot be read.

    Raises:
        ArtifactError: the file cannot be written.
        JournalError: an event cannot be read, and `salvage` is off.
    """
    if target == STANDARD:
        return _write(journal, sys.stdout.buffer, salvage=salvage)
    path = Path(target)
    partial = path.with_name(path.name + ".partial")
    try:
        try:
            with _opened(partial, "wb", gzipped=path.suffix == ".gz") as file:
                exported = _write(journal, file, salvage=salvage)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as exc:
        raise ArtifactError(f"Cannot write `{target}`: {exc.strerror or exc}.") from exc
    return exported


def _write(journal: Journal, file: BinaryIO, *, salvage: bool) -> Exported:
    written = lost = 0
    for found in _salvaged(journal) if salvage else _all(journal):
        if isinstance(found, int):
            lost += 1
        elif found.kind in KINDS:
            file.write(one_line(found.body) + b"\n")
            written += 1
    return Exported(written, lost)


def _all(journal: Journal) -> Iterator[Stored]:
    after = 0
    while events := journal.read(after, BATCH):
        yield from events
        after = events[-1].seq


def _salvaged(journal: Journal) -> Iterator[Stored | int]:
    with journal.reading() as connection:
        for found in salvaged(connection):
            if isinstance(found, int) or _is_sound(found):
                yield found
            else:
                yield found.seq


def _is_sound(stored: Stored) -> bool:
    return isinstance(stored.body, bytes) and not any(event_problems(stored))


def import_events(journal: Journal, source: str) -> Imported:
    """Append the events of a file, or of `-`; append none of them if a line is wrong.

    All lines are checked before the first is appended. They are appended a few at a time, so no
    other writer waits for long; if this is interrupted, importing the file again appends the rest.

    Raises:
        ArtifactError: the file cannot be read, or a line is no event; names the line and the cause.
    """
    try:
        with _readable(source) as path:
            for _ in _events_of(path, source):
                pass
            return _append(journal, _events_of(path, source))
    except (OSError, EOFError) as exc:  # a cut gzip ends in EOFError
        raise ArtifactError(f"Cannot read `{source}`: {exc}.") from exc
    except ArtifactError as exc:
        raise ArtifactError(f"`{source}`, line {exc.line}: {exc.reason}", line=exc.line) from exc


@contextmanager
def _readable(source: str) -> Iterator[Path]:
    """Provide a file that can be read twice: copy standard input, or a pipe, into one."""
    if source != STANDARD and Path(source).is_file():
        yield Path(source)
        return
    with NamedTemporaryFile() as copy:
        if source == STANDARD:
            shutil.copyfileobj(sys.stdin.buffer, copy)
        else:
            with Path(source).open("rb") as pipe:
                shutil.copyfileobj(pipe, copy)
        copy.flush()
        yield Path(copy.name)


def _events_of(path: Path, source: str) -> Iterator[Event]:
    with _opened(path, "rb", gzipped=Path(source).suffix == ".gz") as file:
        yield from _events(file)


@contextmanager
def _opened(path: Path, mode: str, *, gzipped: bool) -> Iterator[BinaryIO]:
    with path.open(mode) as raw:
        if not gzipped:
            yield cast("BinaryIO", raw)
            return
        with gzip.GzipFile(fileobj=cast("BinaryIO", raw), mode=mode) as file:
            yield cast("BinaryIO", file)


def _events(file: BinaryIO) -> Iterator[Event]:
    number = 0
    while line := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(line) > MAX_LINE_BYTES:
            raise ArtifactError(f"it is longer than {MAX_LINE_BYTES} bytes", line=number)
        body = line.removeprefix(b"\xef\xbb\xbf").strip() if number == 1 else line.strip()
        if not body:
            continue
        try:
            document = decode(body)
            _check(document)
            yield event_of(document, body)
        except EventError as exc:
            raise ArtifactError(str(exc), line=number) from exc


def _check(document: Mapping[str, Any]) -> None:
    kind = kind_of(document)
    for member, keys in _REQUIRED[kind].items():
        value = document.get(member)
        for key in keys:
            if not isinstance(value, dict) or not isinstance(value.get(key), str):
                raise EventError(f"a {kind} event must have it, as a text", path=f"{member}.{key}")


def _append(journal: Journal, events: Iterator[Event]) -> Imported:
    appended = known = 0
    while some := _bite(events):
        with journal.transaction() as tx:
            for event in some:
                if tx.append(event, "import") is not None:
                    appended += 1
                else:
                    known += 1
    return Imported(appended, known)


def _bite(events: Iterator[Event]) -> list[Event]:
    """Take the next events, as many as one transaction appends."""
    some: list[Event] = []
    size = 0
    for event in events:
        some.append(event)
        size += len(event.body)
        if len(some) == BITE or size > BITE_BYTES:
            break
    return some
