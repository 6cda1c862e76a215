"""Where the events of a damaged journal stand, and of which numbers nothing is left.

The table of the events is followed from page to page; each page tells which numbers it has, so a
number that was pruned, or never given, is told from one that is lost. For the numbers of which no
page tells, every page of the file and of its log is looked at.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from lineage_bridge.care.salvage.pages.file import Pages
from lineage_bridge.care.salvage.pages.free import FreePages
from lineage_bridge.care.salvage.pages.page import Cell, decode_index_rows, decode_leaf
from lineage_bridge.care.salvage.pages.record import (
    MalformedError,
    Value,
    decode_record,
    is_blob,
    is_integer,
    is_text,
    types_of,
)
from lineage_bridge.care.salvage.pages.table import HIGHEST, Piece, pieces_of, root_of, rows, walk
from lineage_bridge.care.salvage.sets import NumberSet
from lineage_bridge.journal.home_tables import STORED

_NULL: Final = 0  # the type of a value that is not there; the number of a row stands elsewhere
_SHORT: Final = 64  # bytes of a row with a few facts; one of 16 MB would be read in vain


class Numbers(NamedTuple):
    """Numbers of events, from the first to the last."""

    first: int
    last: int


class Ids:
    """A set of ids, of which 8 bytes each are kept in memory."""

    def __init__(self) -> None:
        self._digests = NumberSet()

    def add(self, event_id: str) -> None:
        """Add an id, perhaps once more."""
        self._digests.add(_digest(event_id))

    def __contains__(self, event_id: str) -> bool:
        return _digest(event_id) in self._digests


def _digest(event_id: str) -> int:
    return int.from_bytes(hashlib.blake2b(event_id.encode(), digest_size=8).digest(), "big")


class EventPages(NamedTuple):
    """What was found in a journal.

    Attributes:
        pieces: where events stand, and of which numbers each page tells.
        end: the greatest number that an event is known to have had.
        is_end_known: whether the journal says so; if not, there may have been later ones.
        may_be_pruned: whether events may be among these that were pruned: nothing tells whether a
            page is free, or a version was read that was overwritten since then.
        pruned: ids of events that were pruned, as far as they were looked for.
        in_file: the last event that stands in the file itself, not only in its log; it is known
            where the log is not sound.
    """

    pieces: list[Piece]
    end: int
    is_end_known: bool
    may_be_pruned: bool
    pruned: Ids
    in_file: int = HIGHEST


def find_events(pages: Pages, at_least: int) -> EventPages:
    """Find the events of a journal.

    Args:
        pages: of its file.
        at_least: a number that an event is known to have had.
    """
    said = _last_given(pages)
    pieces = [] if pages.log.is_broken else list(_followed(pages, said))
    is_unsure = pages.log.is_broken or pages.log.is_cut  # there may be more than was followed
    end = max(said, at_least)
    missing = list(gaps(pieces, HIGHEST if is_unsure or not said else end))
    if not missing:
        return EventPages(pieces, end, is_end_known=True, may_be_pruned=False, pruned=Ids())
    search = _Search(pages)
    found = list(_within(missing, search.pieces()))
    pieces += found
    end = max(end, search.last_given)
    if is_unsure or not max(said, search.last_given):
        end = max([end, *(piece.last for piece in pieces)])
    is_old = any(pages.version(piece.version.number) != piece.version for piece in found)
    return EventPages(
        pieces,
        end,
        is_end_known=not pages.log.is_broken and max(said, search.last_given) > 0,
        may_be_pruned=is_old or not search.free.is_known,
        pruned=search.pruned,
        in_file=(_last_given(pages.without_log()) if is_unsure else 0) or HIGHEST,
    )


def gaps(pieces: Iterable[Piece], end: int) -> Iterator[Numbers]:
    """Yield the numbers from 1 to the end of which no piece tells."""
    reached = 0
    for piece in sorted(pieces):
        if piece.first > end:
            break
        if piece.first > reached + 1:
            yield Numbers(reached + 1, piece.first - 1)
        reached = max(reached, piece.last)
    if reached < end:
        yield Numbers(reached + 1, end)


def _within(missing: Sequence[Numbers], pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Yield what pieces tell of missing numbers."""
    ends = [numbers.last for numbers in missing]
    for piece in pieces:
        for i in range(bisect_left(ends, piece.first), len(missing)):
            if missing[i].first > piece.last:
                break
            first, last = max(piece.first, missing[i].first), min(piece.last, missing[i].last)
            yield piece._replace(first=first, last=last)


def _last_given(pages: Pages) -> int:
    """Return the last number that was given to an event; 0 if the journal does not say."""
    root = root_of(pages, "sqlite_sequence")
    return max((_given(row) for row in rows(pages, root)), default=0) if root is not None else 0


def _given(values: Sequence[Value]) -> int:
    match values:
        case ["events", int(last)]:
            return last
    return 0


def _followed(pages: Pages, last_given: int) -> Iterator[Piece]:
    root = root_of(pages, "events")
    is_used = FreePages(pages).is_used
    for piece in walk(pages, root, _is_event, is_used) if root is not None else ():
        if piece.last < HIGHEST:
            yield piece
        else:  # the last page of the table: it cannot tell of numbers that nobody has given
            leaf = decode_leaf(pages.read(piece.version), piece.version.number, pages.usable)
            last = leaf.cells[-1].key if leaf is not None and leaf.cells else 0
            yield piece._replace(last=max(last, last_given))


class _Search:
    """Looks at every version of every page.

    Attributes:
        free: the free pages.
        last_given: the greatest number that the journal says was given; 0 if it was not found.
        pruned: ids of events that were pruned; as `last_given`, complete after the last piece.
    """

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self.free = FreePages(pages)
        self.last_given = 0
        self.pruned = Ids()

    def pieces(self) -> Iterator[Piece]:
        """Yield the pieces of the events that are not on free pages."""
        pages = self._pages
        for version in pages.versions():
            page, number = pages.read(version), version.number
            self._note_pruned(decode_index_rows(page, number, pages.usable))
            leaf = decode_leaf(page, number, pages.usable)
            if leaf is None:
                continue
            self._note_last_given(leaf.cells)
            is_current = not pages.log.is_broken and version == pages.version(number)
            until = pages.log.committed if is_current else version.age
            found = list(pieces_of(leaf, Piece(0, 0, version, until), _is_event))
            if found and version not in self.free:
                yield from found

    def _note_pruned(self, cells: Iterable[Cell]) -> None:
        for row in short_rows(cells):
            if len(row) == 1 and isinstance(row[0], str):  # no other index has such rows
                self.pruned.add(row[0])

    def _note_last_given(self, cells: Iterable[Cell]) -> None:
        for row in short_rows(cells):
            self.last_given = max(self.last_given, _given(row))


def short_rows(cells: Iterable[Cell]) -> Iterator[list[Value]]:
    """Yield the values of the rows that have only a few facts, as far as they can be read."""
    for cell in cells:
        if not cell.overflow and cell.size <= _SHORT:
            with suppress(MalformedError):
                yield decode_record(cell.local)


def _is_event(cell: Cell) -> bool:
    """Return whether a row has the types of an event's columns, which no other table has."""
    try:
        types = types_of(cell.local)
    except MalformedError:
        return False
    if len(types) != len(STORED.split(",")):
        return False
    seq, event_id, kind, time_us, received_us, origin, body = types
    return (
        seq == _NULL
        and (event_id == _NULL or is_text(event_id))
        and is_text(kind)
        and is_integer(time_us)
        and is_integer(received_us)
        and is_text(origin)
        and (is_blob(body) or is_text(body))
    )
