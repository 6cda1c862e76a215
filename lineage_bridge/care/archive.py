"""Export a journal to a file: NDJSON of the events in order, gzip by suffix.

One line is one event as the journal stores it; nothing is added, so any OpenLineage consumer can
read the file, and so can `care.restore`. The other rows that the collector keeps in a journal
(commands of its API, events that it refused) are no events and are left out.
"""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from lineage_bridge.errors import ArtifactError
from lineage_bridge.events import KINDS, one_line
from lineage_bridge.journal.home_tables import Stored
from lineage_bridge.journal.store import Journal

STANDARD = "-"  # standard output or input
BATCH = 500


def export_events(journal: Journal, target: str) -> int:
    """Write every event to a file, or to `-`; return how many. A file appears whole, or not at all.

    Args:
        journal: open for reading.
        target: the file; gzip if it ends in `.gz`.

    Raises:
        ArtifactError: the file cannot be written.
        JournalError: an event cannot be read.
    """
    return write_lines((event.body for event in _all(journal) if event.kind in KINDS), target)


def write_lines(bodies: Iterable[bytes], target: str) -> int:
    """Write events to a file as `export_events` does; return how many.

    Raises:
        ArtifactError: the file cannot be written.
    """
    if target == STANDARD:
        return _write(bodies, sys.stdout.buffer)
    path = Path(target)
    try:
        if path.exists() and not path.is_file():  # a device or a pipe, which must not be replaced
            with _opened(path, gzipped=path.suffix == ".gz") as file:
                return _write(bodies, file)
        path = path.resolve()  # a link stays one
        partial = path.with_name(path.name + ".partial")
        try:
            with _opened(partial, gzipped=path.suffix == ".gz") as file:
                written = _write(bodies, file)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as exc:
        raise ArtifactError(f"Cannot write `{target}`: {exc.strerror or exc}.") from exc
    return written


def _write(bodies: Iterable[bytes], file: BinaryIO) -> int:
    written = 0
    for body in bodies:
        file.write(one_line(body) + b"\n")
        written += 1
    return written


def _all(journal: Journal) -> Iterator[Stored]:
    after = 0
    while events := journal.read(after, BATCH):
        yield from events
        after = events[-1].seq


@contextmanager
def _opened(path: Path, *, gzipped: bool) -> Iterator[BinaryIO]:
    with path.open("wb") as raw:
        if not gzipped:
            yield raw
            return
        with gzip.GzipFile(fileobj=raw, mode="wb") as file:
            yield cast("BinaryIO", file)
