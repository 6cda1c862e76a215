"""Tables for people that never break a name or a time where a narrow terminal ends.

Only columns that say so wrap. Where the others do not fit side by side, each row is shown as a
record of its own: a line `label  value` for every cell that holds anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

READABLE = 32  # a column that wraps is not made narrower than this
_ANY_WIDTH = 100_000


class Column(NamedTuple):
    """One column.

    Attributes:
        header: what stands above it.
        label: what stands before it in a record, if not the header.
        wraps: whether its cells may go over several lines: prose, never a name.
    """

    header: str
    label: str | None = None
    wraps: bool = False


class Fitted:
    """A table, or the same as records where it does not fit; print it on a console of rich.

    Cells and the title are texts, or strings with rich's markup.

    Args:
        columns: their headers, or more about them.
        title: a line of its own above the table, as wide as it is.
    """

    def __init__(self, *columns: Column | str, title: str | None = None) -> None:
        self._columns = [Column(c) if isinstance(c, str) else c for c in columns]
        self._title = title
        self._rows: list[tuple[str | Text, ...]] = []
        self.caption: str | None = None

    def add_row(self, *cells: str | Text) -> None:
        """Add a row: a cell for each column."""
        self._rows.append(cells)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self._title:
            yield Text.from_markup(self._title, style="bold", overflow="fold")
        if self._needed(console, options) <= options.max_width:
            yield self._table()
        else:
            yield from self._records(console)
        if self.caption:
            yield Text(self.caption, style="italic")

    def _needed(self, console: Console, options: ConsoleOptions) -> int:
        table = self._table(READABLE)
        return Measurement.get(console, options.update(width=_ANY_WIDTH), table).maximum

    def _table(self, widest_prose: int | None = None) -> Table:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in self._columns:
            table.add_column(
                column.header,
                overflow="fold",
                no_wrap=not column.wraps,
                max_width=widest_prose if column.wraps else None,
            )
        for cells in self._rows:
            table.add_row(*cells)
        return table

    def _records(self, console: Console) -> RenderResult:
        labels = [
            column.header if column.label is None else column.label for column in self._columns
        ]
        for number, cells in enumerate(self._rows):
            if number:
                yield ""
            record = Table.grid(padding=(0, 2, 0, 0))
            record.add_column(style="bold", no_wrap=True, min_width=max(map(len, labels)))
            record.add_column(overflow="fold")
            for label, cell in zip(labels, cells, strict=True):
                text = console.render_str(cell) if isinstance(cell, str) else cell
                if text.plain:
                    record.add_row(label, text)
            yield record
