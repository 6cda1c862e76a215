"""Import events from a file: line by line, so that one bad line costs no other one.

What the journal must not hold is set aside (`care.set_aside`). Every event is taken that could have
come in at another border, as a collector, a transport or an artifact; so all that `care.archive`
writes is taken.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from lineage_bridge.care.archive import STANDARD
from lineage_bridge.care.event_lines import GZIP_SUFFIX, MAX_LINE_BYTES, EventLines
from lineage_bridge.care.set_aside import SetAside, free_paths
from lineage_bridge.errors import ArtifactError, EventError
from lineage_bridge.events import Event, check_names, decode, event_of, is_as_hashed
from lineage_bridge.journal.store import Journal, Origin

BITE = 200  # events that one transaction appends: some milliseconds
BITE_BYTES = 1024 * 1024
FOLDER = "rejected"  # in the home


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of the lines of a file.

    Attributes:
        appended: how many events are new.
        known: how many the journal had already.
        rejected: how many lines are no events.
        set_aside: the file that has these lines now.
        problems: the first of them, each with its number and what is wrong.
        broken: where and why the file could not be read any further; None if it was read whole.
    """

    appended: int
    known: int
    rejected: int = 0
    set_aside: str | None = None
    problems: tuple[str, ...] = ()
    broken: str | None = None

    @property
    def is_whole(self) -> bool:
        """Whether the journal has every line now."""
        return not self.rejected and self.broken is None


def import_events(journal: Journal, source: str, rejected: Path | None = None) -> Imported:
    """Append the events of a file, or of `-`.

    They are appended a few at a time, so no other writer waits for long; if this is interrupted,
    importing the file again appends the rest.

    Args:
        journal: open for writing.
        source: the file, plain or gzip.
        rejected: where to put lines that are no events; by default a new file in the home.

    Raises:
        ArtifactError: the file cannot be opened or is no text; or lines cannot be set aside.
    """
    paths = (rejected,) if rejected is not None else _free_paths(journal.home, source)
    with _opened(source) as file, SetAside(paths) as aside:

        def take_long(number: int, parts: Iterable[bytes]) -> None:
            aside.put(number, f"it is longer than {MAX_LINE_BYTES:,} bytes", parts)

        lines = EventLines(file, source, take_long)
        appended, known = _append(journal, _events(lines, aside))
        return Imported(
            appended,
            known,
            aside.count,
            None if aside.path is None else str(aside.path),
            tuple(aside.problems),
            lines.broken and f"after line {lines.number}: {lines.broken}",
        )


def _free_paths(home: Path, source: str) -> Iterator[Path]:
    name = "standard-input" if source == STANDARD else Path(source).name
    shown = name.encode("utf-8", "replace").decode()  # it is printed, and any bytes make a name
    return free_paths(home / FOLDER, shown.removesuffix(GZIP_SUFFIX))


@contextmanager
def _opened(source: str) -> Iterator[BinaryIO]:
    if source == STANDARD:
        yield sys.stdin.buffer
        return
    try:
        with Path(source).open("rb") as file:
            yield file
    except OSError as exc:
        raise ArtifactError(f"Cannot read `{source}`: {exc.strerror or exc}.") from exc


def _events(lines: EventLines, aside: SetAside) -> Iterator[tuple[Event, Origin]]:
    for number, line in lines:
        try:
            found = _read(line)
        except EventError as exc:
            aside.put(number, str(exc), (line,))
        else:
            yield found


def _read(line: bytes) -> tuple[Event, Origin]:
    document = decode(line)
    check_names(document)
    event = event_of(document, line)
    # Who sends an id that the event's content does not have only took it over: a word of others,
    # as over HTTP, that is neither forwarded nor held against its id.
    return event, "import" if event.id is None or is_as_hashed(document) else "http"


def _append(journal: Journal, events: Iterator[tuple[Event, Origin]]) -> tuple[int, int]:
    appended = known = 0
    while some := _bite(events):
        with journal.transaction() as tx:
            for event, origin in some:
                if tx.append(event, origin) is not None:
                    appended += 1
                else:
                    known += 1
    return appended, known


def _bite(events: Iterator[tuple[Event, Origin]]) -> list[tuple[Event, Origin]]:
    """Take the next events, as many as one transaction appends."""
    some: list[tuple[Event, Origin]] = []
    size = 0
    for event, origin in events:
        some.append((event, origin))
        size += len(event.body)
        if len(some) == BITE or size > BITE_BYTES:
            break
    return some
