"""The rows of a table: found by following it from page to page, or by looking at every page.

Both give pieces: where rows stand, and of which keys a page tells everything. Keys of which no
piece tells are those of lost rows, or of none: a table has gaps where rows were deleted.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Final, NamedTuple

from lineage_bridge.care.salvage.pages.file import Pages, Version
from lineage_bridge.care.salvage.pages.page import (
    Cell,
    Interior,
    Leaf,
    decode_interior,
    decode_leaf,
)
from lineage_bridge.care.salvage.pages.record import MalformedError, Value, decode_record

LOWEST: Final = -(2**63)
HIGHEST: Final = 2**63 - 1
SCHEMA_ROOT: Final = 1


class Piece(NamedTuple):
    """Rows on one page, of which it has all from the first key to the last.

    Attributes:
        first: the first key; a row of it may not exist.
        last: the last key, likewise.
        version: of the page.
        until: where a row goes on over other pages, these are as the transaction of this age left
            them.
    """

    first: int
    last: int
    version: Version
    until: int


class Row(NamedTuple):
    """A row where it begins, and the piece that it is of."""

    cell: Cell
    piece: Piece


def walk(
    pages: Pages,
    root: int,
    is_row: Callable[[Cell], bool] = lambda _: True,
    is_used: Callable[[Version], bool] = lambda _: False,
) -> Iterator[Piece]:
    """Follow a table from its root; what is damaged is left out, with all that is below it.

    Args:
        pages: have the table.
        root: its first page.
        is_row: tells on a page that is not whole what is left of its rows from what only seems so.
        is_used: tells of a page that is known to be in use: it is believed of rows which the page
            above it has no place for, since that may be the damaged one.
    """
    seen: set[int] = set()
    ahead = [(root, LOWEST, HIGHEST)]
    while ahead:
        number, first, last = ahead.pop()
        if number in seen:
            continue
        seen.add(number)
        version = pages.version(number)
        page = pages.read(version)
        leaf = decode_leaf(page, number, pages.usable)
        if version is not None and leaf is not None:
            whole = Piece(first, last, version, pages.log.committed)
            yield from _of_leaf(leaf, whole, is_row, is_used)
            continue
        interior = decode_interior(page, number, pages.usable)
        if interior is not None:
            ahead += reversed(list(_children(interior, first, last)))


def _of_leaf(
    leaf: Leaf,
    whole: Piece,
    is_row: Callable[[Cell], bool],
    is_used: Callable[[Version], bool],
) -> Iterator[Piece]:
    cells = [cell for cell in leaf.cells if whole.first <= cell.key <= whole.last]
    if leaf.is_whole and len(cells) == len(leaf.cells):
        yield whole
    else:
        if leaf.is_whole and is_used(whole.version):
            cells = list(leaf.cells)
        yield from (whole._replace(first=cell.key, last=cell.key) for cell in cells if is_row(cell))


def _children(interior: Interior, first: int, last: int) -> Iterator[tuple[int, int, int]]:
    """Yield the pages below a page with the keys that they may have; none if these do not fit."""
    keys = [key for _, key in interior.children]
    bounds = [first - 1, *keys, last]
    if all(one < other for one, other in pairwise(bounds)):
        below = [*(number for number, _ in interior.children), interior.last]
        for number, (before, end) in zip(below, pairwise(bounds), strict=True):
            yield number, before + 1, end


def pieces_of(leaf: Leaf, whole: Piece, is_row: Callable[[Cell], bool]) -> Iterator[Piece]:
    """Yield the pieces of a page that was found somewhere, as far as its rows are of the table."""
    cells = [cell for cell in leaf.cells if is_row(cell)]
    if cells and leaf.is_whole and len(cells) == len(leaf.cells):
        yield whole._replace(first=cells[0].key, last=cells[-1].key)
    else:
        yield from (whole._replace(first=cell.key, last=cell.key) for cell in cells)


def in_order(pages: Pages, pieces: Iterable[Piece]) -> Iterator[Row]:
    """Yield the rows of pieces by their keys; all of those that stand on several pages."""
    waiting: list[tuple[int, int, Row, Iterator[Row]]] = []

    def take(until: int) -> Iterator[Row]:
        while waiting and waiting[0][0] < until:
            _, rank, row, others = heapq.heappop(waiting)
            yield row
            put(rank, others)

    def put(rank: int, of_piece: Iterator[Row]) -> None:
        row = next(of_piece, None)
        if row is not None:
            heapq.heappush(waiting, (row.cell.key, rank, row, of_piece))

    for rank, piece in enumerate(sorted(pieces)):
        yield from take(piece.first)
        put(rank, _rows(pages, piece))
    yield from take(HIGHEST + 1)


def _rows(pages: Pages, piece: Piece) -> Iterator[Row]:
    leaf = decode_leaf(pages.read(piece.version), piece.version.number, pages.usable)
    for cell in leaf.cells if leaf is not None else ():
        if piece.first <= cell.key <= piece.last:
            yield Row(cell, piece)


def values_of(pages: Pages, row: Row, *, is_of_log: bool = False) -> list[Value]:
    """Read the values of a row, also where it goes on over other pages.

    Args:
        pages: have it.
        row: where it begins.
        is_of_log: all of it was written since the log was begun; so none of it is in the file.

    Raises:
        MalformedError: a part of it is missing, or is not what it should be.
    """
    cell = row.cell
    parts, left, number = [cell.local], cell.size - len(cell.local), cell.overflow
    seen: set[int] = set()
    while left > 0:
        version = pages.version(number, row.piece.until)
        page = pages.read(version)[: pages.usable]
        parts.append(page[4 : 4 + left])
        is_elsewhere = is_of_log and version is not None and not version.age
        if number in seen or not parts[-1] or is_elsewhere:
            raise MalformedError("a row goes on where nothing of it is")
        seen.add(number)
        number = int.from_bytes(page[:4], "big")
        left -= len(parts[-1])
    if cell.overflow and number:
        raise MalformedError("a row goes on after its end")
    return decode_record(b"".join(parts))


def rows(pages: Pages, root: int) -> Iterator[list[Value]]:
    """Yield the rows of a table that can be read."""
    for row in in_order(pages, walk(pages, root)):
        try:
            yield values_of(pages, row)
        except MalformedError:
            continue


def root_of(pages: Pages, table: str) -> int | None:
    """Return the first page of a table; None if the database does not say it any more."""
    for row in rows(pages, SCHEMA_ROOT):
        if row[:2] == ["table", table] and len(row) == 5 and isinstance(row[3], int):
            return row[3]
    return None
