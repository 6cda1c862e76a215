"""Tables that stay readable on a narrow terminal: cells fold, then columns are left out.

A line under the table names the columns that are left out. Statuses, numbers and times do not fold
while there is any other way: whoever compares or copies them finds them whole. A cell is one or
more lines of text, which are escaped here, or a `Status`, in its colour. Nothing is markup.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from lineage_bridge.commands import pasteable
from lineage_bridge.show.layout import GAP, Column, fit, folded
from lineage_bridge.show.statuses import Status
from lineage_bridge.show.text import printable

if TYPE_CHECKING:
    from rich.console import ConsoleOptions, RenderResult

__all__ = ["Cell", "Column", "Table", "console", "line", "print_tables"]

Cell: TypeAlias = str | Status | Sequence[str]

LONGEST_CELL: Final = 2000  # characters; who needs more than that asks for JSON
LONGEST_LINE: Final = 20_000
PIPE_WIDTH: Final = 240  # where output is no terminal; wide enough not to fold names


class _Shown(NamedTuple):
    """The text and style of a cell, as they are shown."""

    text: str
    style: str = ""


class Table:
    """A table to be printed on a console.

    Args:
        columns: their headers, and how they may fold or be left out.
        title: a line of its own above the table.
        whole: how to get all columns, shown under the table if one is left out.
        caption: a line of its own under the table.
    """

    def __init__(
        self, *columns: Column, title: str = "", whole: str = "--json has all", caption: str = ""
    ) -> None:
        self._columns = columns
        self._title = title
        self._whole = whole
        self._rows: list[tuple[_Shown, ...]] = []
        self.caption = caption

    def add(self, *cells: Cell) -> None:
        """Add a row: a cell for each column."""
        assert len(cells) == len(self._columns), "a cell for each column"
        self._rows.append(tuple(map(_shown, cells)))

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> RenderResult:
        headers = tuple(_Shown(column.header, "bold") for column in self._columns)
        widths = fit(self._columns, self._natural(), options.max_width)
        if self._title:
            yield line(self._title, "bold")
        for row in (headers, *self._rows):
            yield from self._row_lines(row, widths)
        hidden = [c.header for number, c in enumerate(self._columns) if number not in widths]
        if hidden:
            yield line(f"Not shown at this width: {', '.join(hidden)}; {self._whole}.", "italic")
        if self.caption:
            yield line(self.caption, "italic")

    def _natural(self) -> list[int]:
        widths = [cell_len(column.header) for column in self._columns]
        for row in self._rows:
            for number, cell in enumerate(row):
                longest = max(map(cell_len, cell.text.split("\n")))
                widths[number] = max(widths[number], longest)
        return widths

    def _row_lines(self, row: Sequence[_Shown], widths: dict[int, int]) -> Iterator[Text]:
        shown = [(self._columns[n], row[n], width) for n, width in widths.items()]
        cells = [
            folded(cell.text, width, at_blanks=column.fold == "blanks")
            for column, cell, width in shown
        ]
        for parts in zip_longest(*cells, fillvalue=""):
            text = Text(no_wrap=True, overflow="ignore")
            for number, (part, (column, cell, width)) in enumerate(zip(parts, shown, strict=True)):
                padding = " " * (width - cell_len(part))
                text.append(" " * GAP if number else "")
                text.append(padding if column.right else "")
                text.append(part, cell.style)
                text.append("" if column.right else padding)
            text.rstrip()
            yield text


def _shown(cell: Cell) -> _Shown:
    if isinstance(cell, Status):
        return _Shown(f"{cell.symbol} {cell.word}", cell.style)
    lines = [cell] if isinstance(cell, str) else cell
    return _Shown("\n".join(printable(_cut(text, LONGEST_CELL)) for text in lines))


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}…"


def line(text: str, style: str = "") -> Text:
    """Make a text outside of tables: escaped, its commands as they can be pasted."""
    return Text(printable(pasteable(_cut(text, LONGEST_LINE))), style, overflow="fold")


def console() -> Console:
    """Make a console on standard output: coloured on a terminal, as wide as that or COLUMNS."""
    out = Console(soft_wrap=False, highlight=False)
    if out.is_terminal:
        return out
    asked = os.environ.get("COLUMNS", "")
    width = int(asked) if asked.isdecimal() and int(asked) else PIPE_WIDTH
    return Console(width=width, highlight=False, color_system=None)


def print_tables(tables: Iterable[Table]) -> None:
    """Print tables on standard output, with an empty line between two."""
    out = console()
    for number, table in enumerate(tables):
        if number:
            out.print()
        out.print(table)
