"""Export a journal to a file: NDJSON of the events in order, gzip by suffix.

One line is one event as the journal stores it; nothing is added, so any OpenLineage consumer can
read the file, and so can `care.restore`. The other rows that the collector keeps in a journal
(commands of its API, events that it refused) are no events and are left out.
"""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from lineage_bridge.care.salvage import salvaged
from lineage_bridge.care.verify import event_problems
from lineage_bridge.errors import ArtifactError
from lineage_bridge.events import KINDS, one_line
from lineage_bridge.journal.store import Journal, Stored

STANDARD = "-"  # standard output or input
BATCH = 500


@dataclass(frozen=True, slots=True)
class Exported:
    """How many events were written, and at most how many could not be read."""

    written: int
    lost: int


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
            with _opened(partial, gzipped=path.suffix == ".gz") as file:
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


@contextmanager
def _opened(path: Path, *, gzipped: bool) -> Iterator[BinaryIO]:
    with path.open("wb") as raw:
        if not gzipped:
            yield raw
            return
        with gzip.GzipFile(fileobj=raw, mode="wb") as file:
            yield cast("BinaryIO", file)
