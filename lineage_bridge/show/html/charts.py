"""Distributions of two sides as inline SVG: shares of rows in the same bins, one over the other.

Nothing in a chart loads anything or runs, and every text in it is escaped. Colours are the
page's: `.was` and `.is` of the report's style, so that they follow light and dark.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from markupsafe import Markup, escape

from lineage_bridge.profiles.bars import Histogram
from lineage_bridge.profiles.column import Column
from lineage_bridge.show.data.values import instant_text, value_text
from lineage_bridge.show.text import printable
from lineage_bridge.show.units import percent

_WIDTH: Final = 640
_HEIGHT: Final = 244
_LEFT: Final = 44
_RIGHT: Final = 22
_TOP: Final = 10
_PLOT: Final = 194  # height of what is drawn
_GAP: Final = 18  # between values and the bars of what is none
_TICKS: Final = 9
_NAME_PLACES: Final = 26
_BAR: Final = 15  # height of a label's bar
_NAMES: Final = 190  # width of the labels' names
_SMALL_WIDTH: Final = 132
_SMALL_HEIGHT: Final = 34


@dataclass(frozen=True, slots=True)
class Bin:
    """One bin of both sides.

    Attributes:
        name: what falls into it.
        was: the share of the reference's rows.
        now: the share of the current rows.
    """

    name: str
    was: float
    now: float


@dataclass(frozen=True, slots=True)
class Distributions:
    """What a chart shows.

    Attributes:
        bins: in order.
        rest: bins of what is no such value: null, another kind.
        ends: names of where bins of numbers begin and end; empty where each bin has its own name.
        is_ordered: whether the order of the bins means something.
    """

    bins: tuple[Bin, ...]
    rest: tuple[Bin, ...]
    ends: tuple[str, ...]
    is_ordered: bool

    @classmethod
    def of(
        cls, found: Histogram, columns: tuple[Column, Column], rows: tuple[int, int]
    ) -> Distributions:
        """Take the bins of two columns with so many rows, as shares of all rows."""
        valued = [_valued(column) for column in columns]
        whole = [count / (all_rows or 1) for count, all_rows in zip(valued, rows, strict=True)]
        names = _names_of(found, columns)
        sides = [
            [share * part for share in shares] or [0.0] * len(names)
            for shares, part in zip(found.shares, whole, strict=True)
        ]
        bins = tuple(Bin(*one) for one in zip(names, *sides, strict=True))
        counts = [(all_rows - column.values + column.nans) / (all_rows or 1)
                  for column, all_rows in zip(columns, rows, strict=True)]  # fmt: skip
        others = [max(0.0, 1 - sum(side) - null) for side, null in zip(sides, counts, strict=True)]
        rest = [Bin("null", *counts), Bin("other", *others)]
        return cls(
            bins,
            tuple(one for one in rest if max(one.was, one.now) > 1e-9),
            tuple(_ends(found, columns)),
            is_ordered=bool(found.ends) or not any(isinstance(name, str) for name in found.names),
        )

    @property
    def highest(self) -> float:
        """The largest share of all bins."""
        return max((max(b.was, b.now) for b in (*self.bins, *self.rest)), default=0.0)


def chart(found: Distributions, title: str) -> Markup:
    """Draw both sides: numbers as columns along an axis, labels as bars under each other."""
    drawn = _columns(found) if found.is_ordered else _bars(found)
    height = _HEIGHT if found.is_ordered else _bars_height(found)
    return Markup(
        '<svg class="chart" viewBox="0 0 {w} {h}" role="img" aria-label="{title}">{drawn}</svg>'
    ).format(w=_WIDTH, h=height, title=printable(title), drawn=_joined(drawn))


def small_chart(found: Distributions, title: str) -> Markup:
    """Draw both sides as a picture of a few millimetres, for a row of a table."""
    listed = [*found.bins, *found.rest]
    width = _SMALL_WIDTH / max(len(listed), 1)
    full = found.highest or 1.0
    drawn: list[Markup] = []
    for number, one in enumerate(listed):
        for share, look in ((one.was, "was"), (one.now, "is")):
            drawn.append(_rect(look, number * width, share / full, width, _SMALL_HEIGHT - 1, top=1))
    return Markup(
        '<svg class="small" viewBox="0 0 {w} {h}" role="img" aria-label="{title}">{drawn}</svg>'
    ).format(w=_SMALL_WIDTH, h=_SMALL_HEIGHT, title=printable(title), drawn=_joined(drawn))


def _columns(found: Distributions) -> Iterable[Markup]:
    listed = [*found.bins, *found.rest]
    gap = _GAP if found.rest and found.bins else 0
    width = (_WIDTH - _LEFT - _RIGHT - gap) / max(len(listed), 1)
    width = min(width, 56)
    full = _nice(found.highest)
    yield from _grid(full)
    for number, one in enumerate(listed):
        left = _LEFT + number * width + (gap if number >= len(found.bins) else 0)
        yield _bin(one, left, width, full)
        if not found.ends or number >= len(found.bins):
            yield from _column_name(one.name, left + width / 2, width, number)
    for share, name in _axis(found.ends):
        yield _text(name, _LEFT + share * width * len(found.bins), _TOP + _PLOT + 16, "middle")


def _bin(one: Bin, left: float, width: float, full: float) -> Markup:
    said = f"{one.name}: {percent(one.was)} before, {percent(one.now)} now"
    drawn = [
        Markup("<title>{}</title>").format(printable(said)),
        Markup('<rect class="hit" x="{:.1f}" y="{}" width="{:.1f}" height="{}"/>').format(
            left, _TOP, width, _PLOT
        ),
        _rect("was", left, one.was / full, width, _PLOT, top=_TOP),
        _rect("is", left, one.now / full, width, _PLOT, top=_TOP),
    ]
    return Markup("<g>{}</g>").format(_joined(drawn))


def _rect(look: str, left: float, share: float, width: float, height: float, *, top: int) -> Markup:
    tall = max(share * height, 1.0 if share > 0 else 0.0)
    inset = width * (0.08 if look == "was" else 0.26)
    return Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
        look, left + inset, top + height - tall, max(width - 2 * inset, 0.6), tall
    )


def _grid(full: float) -> Iterable[Markup]:
    for part in (0.0, 0.5, 1.0):
        y = _TOP + _PLOT * (1 - part)
        yield Markup('<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>').format(
            _LEFT, _WIDTH - _RIGHT, y, y
        )
        yield _text(percent(full * part), _LEFT - 6, y + 4, "end")


def _column_name(name: str, x: float, width: float, number: int) -> Iterable[Markup]:
    """Write a bin's name below it, every second one a line lower where they would touch."""
    places = max(4, int(width / 6.2) * (2 if width < 34 else 1))
    low = 13 if width < 34 and number % 2 else 0
    yield _text(_cut(name, places), x, _TOP + _PLOT + 16 + low, "middle")


def _axis(ends: Sequence[str]) -> Iterable[tuple[float, str]]:
    last = len(ends) - 1
    for at in range(0, last + 1, max(1, -(-last // _TICKS))):
        yield at / last, ends[at]


def _bars(found: Distributions) -> Iterable[Markup]:
    listed = [*found.bins, *found.rest]
    full = found.highest or 1.0
    room = _WIDTH - _NAMES - 120
    for number, one in enumerate(listed):
        top = 4 + number * (_BAR * 2 + 6)
        said = f"{one.name}: {percent(one.was)} before, {percent(one.now)} now"
        drawn = [Markup("<title>{}</title>").format(printable(said))]
        drawn.append(_text(_cut(one.name, _NAME_PLACES), _NAMES - 8, top + _BAR + 4, "end"))
        for row, (share, look) in enumerate(((one.was, "was"), (one.now, "is"))):
            wide = max(room * share / full, 1.0 if share else 0.0)
            y = top + row * _BAR
            drawn.append(
                Markup('<rect class="{}" x="{}" y="{}" width="{:.1f}" height="{}"/>').format(
                    look, _NAMES, y + 1, wide, _BAR - 2
                )
            )
            drawn.append(_text(percent(share), _NAMES + wide + 6, y + _BAR - 3, "start"))
        yield Markup("<g>{}</g>").format(_joined(drawn))


def _bars_height(found: Distributions) -> int:
    return 8 + (len(found.bins) + len(found.rest)) * (_BAR * 2 + 6)


def _text(text: str, x: float, y: float, anchor: str) -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(
        x, y, anchor, printable(text)
    )


def _joined(parts: Iterable[Markup]) -> Markup:
    return Markup("").join(map(escape, parts))


def _cut(name: str, places: int) -> str:
    return name if len(name) <= places else f"{name[: places - 1]}…"


def _nice(highest: float) -> float:
    """Return the end of an axis: the next round number."""
    for step in (0.01, 0.02, 0.04, 0.06, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8):
        if highest <= step:
            return step
    return 1.0


def _valued(column: Column) -> int:
    """Count the values that a histogram is of: those of the main kind, without infinities."""
    kind = column.main_kind
    count = column.by_kind.get(kind, 0)
    return count - column.infinities if kind == "number" else count


def _names_of(found: Histogram, columns: Sequence[Column]) -> list[str]:
    if found.ends:
        ends = _ends(found, columns)
        last = len(ends) - 2
        names = [f"{low} to {high}" for low, high in pairwise(ends)]
        names[0], names[last] = f"up to {ends[1]}", f"above {ends[last]}"
        return names
    names = [_name(name, columns) for name in found.names]
    return [*names, "all others"] if found.others else names


def _ends(found: Histogram, columns: Sequence[Column]) -> list[str]:
    return [_name(end, columns) for end in found.ends]


def _name(value: str | float, columns: Sequence[Column]) -> str:
    if isinstance(value, str):
        return value or "(empty)"
    if any(column.main_kind == "time" for column in columns):
        return instant_text(value, zoned=any(column.zones for column in columns))[:16]
    return value_text(value)
