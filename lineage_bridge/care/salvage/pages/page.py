"""One page of a table: its rows, or where the pages below it are.

A page says in four places how its bytes are used: the number of cells, the cells themselves, the
free blocks between them, and a count of lone bytes. Where these agree, no row of the page can have
been dropped by damage; where they do not, each cell is judged by itself.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from lineage_bridge.care.salvage.pages.record import MalformedError, read_varint

FILE_HEADER: Final = 100  # bytes of the first page that stand before what it holds
INDEX_INTERIOR: Final = 2
TABLE_INTERIOR: Final = 5
INDEX_LEAF: Final = 10
TABLE_LEAF: Final = 13
LONGEST: Final = 2**31  # bytes of a row; SQLite holds no longer one

_KINDS: Final = frozenset({INDEX_INTERIOR, TABLE_INTERIOR, INDEX_LEAF, TABLE_LEAF})
_SMALLEST_CELL = 4


@dataclass(frozen=True, slots=True)
class Cell:
    """A row where it stands on its page.

    Attributes:
        key: its number; 0 in an index, whose rows have none.
        size: bytes of the whole row.
        local: those that are on this page.
        overflow: the page where it goes on; 0 if all of it is here.
    """

    key: int
    size: int
    local: bytes
    overflow: int


@dataclass(frozen=True, slots=True)
class Leaf:
    """A page of rows.

    Attributes:
        cells: those that make sense, in the page's order.
        is_whole: these are all rows that the page had, in the order of their keys.
    """

    cells: list[Cell]
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Interior:
    """A page that leads to others.

    Attributes:
        children: the pages below it, each with the greatest key that it may hold.
        last: the page below it with the keys after those.
    """

    children: list[tuple[int, int]]
    last: int


@dataclass(frozen=True, slots=True)
class _Head:
    """The header of a page: where things are on it."""

    page: bytes
    start: int
    usable: int
    kind: int
    free: int
    count: int
    content: int
    lone: int

    @property
    def length(self) -> int:
        return 12 if self.kind in {TABLE_INTERIOR, INDEX_INTERIOR} else 8

    def pointers(self) -> tuple[int, ...]:
        """Return where the cells are."""
        return struct.unpack_from(f">{self.count}H", self.page, self.start + self.length)

    def accounts_for(self, sizes: dict[int, int]) -> bool:
        """Return whether cells of these sizes at these places are all that the page holds."""
        pieces = sorted([*sizes.items(), *self._free_blocks()])
        end, total = self.content, 0
        for at, size in pieces:
            if at < end:
                return False
            end, total = at + size, total + size
        return end <= self.usable and total + self.lone == self.usable - self.content

    def _free_blocks(self) -> Iterator[tuple[int, int]]:
        at = self.free
        for _ in range(self.usable // _SMALLEST_CELL):
            if not at:
                return
            if not self.content <= at <= min(self.usable, len(self.page)) - 4:
                break
            following, size = struct.unpack_from(">HH", self.page, at)
            yield at, size
            at = following
        yield -1, 0  # the chain leads nowhere


def kind_of(page: bytes, number: int) -> int | None:
    """Return which kind of page this may be, by its first byte; None if it is none of a table."""
    start = FILE_HEADER if number == 1 else 0
    kind = page[start] if len(page) > start else 0
    return kind if kind in _KINDS else None


def decode_leaf(page: bytes, number: int, usable: int) -> Leaf | None:
    """Decode a page of a table's rows; None if it is no such page."""
    head = _head(page, number, usable)
    return None if head is None or head.kind != TABLE_LEAF else _leaf(head)


def decode_index_rows(page: bytes, number: int, usable: int) -> list[Cell]:
    """Decode the rows of an index's page, which stand on interior pages too; none if it is none."""
    head = _head(page, number, usable)
    if head is None or head.kind not in {INDEX_LEAF, INDEX_INTERIOR}:
        return []
    return _leaf(head).cells


def decode_interior(page: bytes, number: int, usable: int) -> Interior | None:
    """Decode a page that leads to others of a table; None unless all of it makes sense."""
    head = _head(page, number, usable)
    if head is None or head.kind != TABLE_INTERIOR or not head.count:
        return None
    children: list[tuple[int, int]] = []
    sizes: dict[int, int] = {}
    for at in head.pointers():
        try:
            key, end = _key(head, at + 4)
        except MalformedError:
            return None
        children.append((int.from_bytes(page[at : at + 4], "big"), key))
        sizes[at] = max(end - at, _SMALLEST_CELL)
    if not head.accounts_for(sizes) or len(sizes) != head.count:
        return None
    return Interior(children, int.from_bytes(page[head.start + 8 : head.start + 12], "big"))


def _head(page: bytes, number: int, usable: int) -> _Head | None:
    kind = kind_of(page, number)
    start = FILE_HEADER if number == 1 else 0
    if kind is None or start + 12 > min(usable, len(page)):
        return None
    free, count, content, lone = struct.unpack_from(">HHHB", page, start + 1)
    head = _Head(page, start, usable, kind, free, count, content or 65536, lone)
    if not start + head.length + 2 * count <= head.content <= usable:
        return None
    if start + head.length + 2 * count > len(page):
        return None
    return head


def _leaf(head: _Head) -> Leaf:
    cells: list[Cell] = []
    sizes: dict[int, int] = {}
    for at in head.pointers():
        try:
            cell, sizes[at] = _cell(head, at)
        except MalformedError:
            continue
        cells.append(cell)
    is_ascending = all(one.key < other.key for one, other in pairwise(cells))
    is_whole = is_ascending and len(sizes) == head.count and head.accounts_for(sizes)
    return Leaf(cells, is_whole)


def _cell(head: _Head, at: int) -> tuple[Cell, int]:
    """Return the row at a place of its page, and how many of the page's bytes it takes."""
    end = at + 4 if head.kind == INDEX_INTERIOR else at  # there it begins with a page's number
    size, end = read_varint(head.page[: head.usable], end)
    key = 0
    if head.kind == TABLE_LEAF:
        key, end = _key(head, end)
    local = _local_size(size, head.usable, is_table=head.kind == TABLE_LEAF)
    after = end + local + (4 if local < size else 0)
    if at < head.content or after > min(head.usable, len(head.page)) or size > LONGEST:
        raise MalformedError("a row reaches beyond its page")
    overflow = int.from_bytes(head.page[end + local : after], "big")
    if (local < size) != bool(overflow):
        raise MalformedError("a row does not say where it goes on")
    cell = Cell(key, size, head.page[end : end + local], overflow)
    return cell, max(after - at, _SMALLEST_CELL)


def _key(head: _Head, at: int) -> tuple[int, int]:
    if not head.content <= at < head.usable:
        raise MalformedError("a row reaches beyond its page")
    key, end = read_varint(head.page[: head.usable], at)
    return key - 2**64 if key >= 2**63 else key, end


def _local_size(size: int, usable: int, *, is_table: bool) -> int:
    """Return how many bytes of a row of this size stand on its own page."""
    most = usable - 35 if is_table else (usable - 12) * 64 // 255 - 23
    if size <= most:
        return size
    least = (usable - 12) * 32 // 255 - 23
    fitting = least + (size - least) % (usable - 4)
    return fitting if fitting <= most else least
