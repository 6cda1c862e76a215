"""How columns share the width of a terminal, and where texts break: plain arithmetic.

On a narrow terminal prose folds first, at its blanks; then names fold anywhere, the widest column
first, each down to its `narrowest` width; then the least important column is left out, and so on
with the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from rich.cells import cell_len, chop_cells

ESSENTIAL: Final = 100  # a column of this importance is left out only if it has no room when folded
GAP: Final = 2  # places between two columns
INDENT: Final = "  "
NARROWEST: Final = 2  # the widest characters take two places

# A blank; not the one between a number and its unit.
_BLANK: Final = re.compile(r" (?!(?<=\d )(?:%|(?:ms|min|[dhs])\b))")
_SEPARATORS: Final = "._-/:@"
_WORTH: Final = 2 / 3  # break at a separator if at least this part of the line stays filled


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Attributes:
        header: the text above it.
        importance: the least important column is left out first; the first column never is.
        fold: whether its cells may go over several lines: prose at `blanks`, names `anywhere`.
        narrowest: a column that folds is not made narrower than this.
        right: aligned to the right, so that numbers stand under each other.
    """

    header: str
    importance: int = ESSENTIAL
    fold: Literal["never", "blanks", "anywhere"] = "never"
    narrowest: int = 0
    right: bool = False


def fit(columns: Sequence[Column], natural: Sequence[int], width: int) -> dict[int, int]:
    """Choose the columns to show, and their widths: number of the column -> places.

    Args:
        columns: from left to right.
        natural: how wide each is without folding.
        width: of the terminal.
    """
    shown = list(range(len(columns)))
    while True:
        room = width - GAP * (len(shown) - 1)
        widths = {number: min(natural[number], max(room, 1)) for number in shown}
        _narrow(columns, widths, room)
        if sum(widths.values()) <= room:
            return widths
        droppable = [n for n in shown[1:] if columns[n].importance < ESSENTIAL]
        if not droppable:
            return _squeezed(natural, shown, width)
        # Of two that are equally important, the one to the right is left out.
        shown.remove(min(droppable, key=lambda n: (columns[n].importance, -n)))


def _narrow(columns: Sequence[Column], widths: dict[int, int], room: int) -> None:
    """Make the columns that may fold narrower, as far as necessary."""
    for fold in ("blanks", "anywhere"):
        least = {
            n: max(cell_len(columns[n].header), columns[n].narrowest)
            for n in widths
            if columns[n].fold == fold
        }
        _shrink(widths, least, sum(widths.values()) - room)


def _squeezed(natural: Sequence[int], shown: Sequence[int], width: int) -> dict[int, int]:
    """Fold all essential columns, statuses and numbers too, if there is no room for them."""
    kept = shown[: max(1, (width + GAP) // (NARROWEST + GAP))]
    room = max(1, width - GAP * (len(kept) - 1))
    widths = {number: min(natural[number], room) for number in kept}
    _shrink(widths, dict.fromkeys(kept, NARROWEST), sum(widths.values()) - room)
    return widths


def _shrink(widths: dict[int, int], least: dict[int, int], excess: int) -> None:
    """Take `excess` places from these columns, always from the widest that can spare one."""
    for _ in range(excess):
        spare = [n for n in least if widths[n] > least[n]]
        if not spare:
            return
        widths[max(spare, key=widths.__getitem__)] -= 1


def folded(text: str, width: int, *, at_blanks: bool) -> list[str]:
    """Split a text into lines of at most that width.

    If it is prose of several lines, the rest of each is indented, to show where the next begins.
    """
    lines = text.split("\n")
    if all(cell_len(line) <= width for line in lines):
        return lines
    if not at_blanks:
        return [part for line in lines for part in _fold_name(line, width)]
    indent = INDENT if len(lines) > 1 and width > 2 * len(INDENT) else ""
    return [part for line in lines for part in _fold_prose(line, width, indent)]


def _fold_prose(text: str, width: int, indent: str) -> Iterator[str]:
    line = ""
    for word in _BLANK.split(text):
        longer = f"{line} {word}" if line else word
        if cell_len(longer) > width and line:
            yield line
            longer = indent + word
        while cell_len(longer) > width:
            part = next(_fold_name(longer, width))
            yield part
            longer = indent + longer[len(part) :]
        line = longer
    yield line


def _fold_name(text: str, width: int) -> Iterator[str]:
    """Break behind a separator near the end of a line, else where the line ends."""
    while cell_len(text) > width:
        # Twice as many characters as places are enough: nearly all of them take a place.
        head = chop_cells(text[: 2 * width + 1], width)[0] or text[0]
        cut = max(head.rfind(separator) for separator in _SEPARATORS) + 1
        if cut < _WORTH * len(head):
            cut = len(head)
        yield text[:cut]
        text = text[cut:]
    yield text
