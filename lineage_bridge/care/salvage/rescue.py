"""Export what can be read of a damaged journal, and say what is left out.

An event is written if its body is JSON, even if another column of its row is damaged: the body is
what was sent. One of ours that is no longer what its id says is left out: in a new home it would
stand in the place of the true event, which a backfill of the same artifacts makes again. Anybody
else's that is no longer what came is written all the same, and named: nobody makes it again, and
it may be the note of what came that is damaged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineage_bridge.care.archive import write_lines
from lineage_bridge.care.salvage.event_pages import Numbers
from lineage_bridge.care.salvage.reading import joined, salvaging
from lineage_bridge.care.verify import HASHED
from lineage_bridge.collector.fold.model import COMMAND
from lineage_bridge.collector.rows.refused import REFUSED
from lineage_bridge.errors import EventError
from lineage_bridge.events import decode, event_id_of, is_as_hashed
from lineage_bridge.journal.home_tables import Stored


@dataclass(frozen=True, slots=True)
class Rescued:
    """What was exported of a damaged journal.

    Attributes:
        written: how many events.
        lost: numbers of events that cannot be read, and perhaps some that were never given.
        altered: numbers of events that are no longer what their ids say; they are left out.
        doubtful: numbers of others' events that are written, though other bytes came.
        is_end_known: whether the journal says which number was the last; if not, more may be lost.
        may_be_pruned: whether events may have been written that were pruned.
    """

    written: int
    lost: Sequence[Numbers]
    altered: Sequence[Numbers]
    doubtful: Sequence[Numbers]
    is_end_known: bool
    may_be_pruned: bool

    @property
    def is_complete(self) -> bool:
        """Whether nothing was left out, and all of it is what came."""
        return self.is_end_known and not (self.lost or self.altered or self.doubtful)


def rescue(home: Path, target: str) -> Rescued:
    """Write the events of a damaged home to a file, as `export_events` does for a sound one.

    Raises:
        ArtifactError: the file cannot be written.
        JournalError: there is no journal, it may not be read, or it was changed meanwhile.
    """
    reader = _Reader(home)
    written = write_lines(reader.bodies(), target)
    return Rescued(
        written,
        joined(reader.lost),
        joined(reader.altered),
        joined(reader.doubtful),
        is_end_known=reader.is_end_known,
        may_be_pruned=reader.may_be_pruned,
    )


class _Reader:
    """Yields the bodies to write, and notes what it leaves out."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self.lost: list[Numbers] = []
        self.altered: list[Numbers] = []
        self.doubtful: list[Numbers] = []
        self.is_end_known, self.may_be_pruned = True, False

    def bodies(self) -> Iterator[bytes]:
        with salvaging(self._home) as salvage:
            for stored in salvage:
                if stored.kind in {COMMAND, REFUSED}:  # rows of the collector, no events
                    continue
                number = Numbers(stored.seq, stored.seq)
                left_out = self._left_out(stored)
                if left_out is not None:
                    left_out.append(number)
                    continue
                if stored.id is None and salvage.digests.contradict(stored.seq, stored.body):
                    self.doubtful.append(number)
                yield stored.body
            self.lost += salvage.lost
            self.is_end_known, self.may_be_pruned = salvage.is_end_known, salvage.may_be_pruned

    def _left_out(self, stored: Stored) -> list[Numbers] | None:
        """Return the list in which an event that is not written is noted; None if it is."""
        try:
            document = decode(stored.body)
        except EventError:
            return self.lost
        return self.altered if _is_altered(stored, document) else None


def _is_altered(stored: Stored, document: Mapping[str, Any]) -> bool:
    said = event_id_of(document)
    if said is None:  # of another producer, whose events have no id
        return stored.id is not None
    is_doubtful = said != stored.id or stored.origin in HASHED
    return is_doubtful and not is_as_hashed(document)
