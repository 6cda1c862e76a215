"""What a panel of the dashboard is, before it is JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

# number: the newest value of each series; bars: the same as bars; graph: over time; states: a
# status over time; table: the newest with all labels; scatter: the first query against the second
Kind: TypeAlias = Literal["number", "bars", "graph", "states", "table", "scatter"]
Color: TypeAlias = Literal["green", "yellow", "orange", "red", "blue"]


class Query(NamedTuple):
    """A query, and how its series are called; `{{label}}` is a label's value."""

    expr: str
    legend: str = ""


class State(NamedTuple):
    """What a number of a status means."""

    text: str
    color: Color


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel.

    Attributes:
        title: a few words, the unit left out.
        kind: how it is drawn.
        queries: what is asked of Prometheus.
        description: what a reader should know; shown behind the (i).
        unit: of Grafana, such as `s`, `ms`, `percentunit`.
        span: columns of 24.
        states: of `states`, what 0, 1, 2 and so on mean.
        red_from: values from here on are red.
    """

    title: str
    kind: Kind
    queries: tuple[Query, ...]
    description: str = ""
    unit: str = "short"
    span: int = 8
    states: tuple[State, ...] = ()
    red_from: float | None = None


class Row(NamedTuple):
    """A title, and the panels below it."""

    title: str
    panels: tuple[Panel, ...]
