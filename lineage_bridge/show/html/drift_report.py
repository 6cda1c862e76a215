"""Drift as one HTML file: both distributions of each feature, worst first.

The file needs nothing beside itself and runs nothing: style and pictures are in it, and its own
Content-Security-Policy forbids all else. Every text is escaped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from lineage_bridge.profiles.bars import histogram
from lineage_bridge.show.data.drift import (
    cell_text,
    drift_summary,
    effect_text,
    moved_most,
    remarks_of,
)
from lineage_bridge.show.html.charts import Distributions, chart, small_chart
from lineage_bridge.show.html.escaping import environment
from lineage_bridge.show.html.style import STYLE
from lineage_bridge.show.units import counted, number, percent

if TYPE_CHECKING:
    from jinja2 import Environment

    from lineage_bridge.assess.drift.finding import Drift, FeatureDrift
    from lineage_bridge.profiles.profile import Profile

_MOST_CARDS: Final = 100  # features that moved and are drawn large
_MOST_ROWS: Final = 500  # features that did not move and are listed

_STYLE: Final = """
:root { --was: #98a2b3; --is: #1d6fd1; }
@media (prefers-color-scheme: dark) { :root { --was: #6b7686; --is: #6cb2ff; } }
body { max-width: 68rem; }
.lead { font-size: 1.25rem; margin: .75rem 0 .25rem; }
.sides { display: grid; grid-template-columns: max-content 1fr; gap: .15rem .75rem;
  margin: 1rem 0; } .sides dt { color: var(--soft); } .sides dd { margin: 0;
  overflow-wrap: anywhere; }
.key { display: inline-block; width: .8rem; height: .8rem; border-radius: 2px;
  vertical-align: -1px; margin-right: .4rem; }
.key.was { background: var(--was); } .key.is { background: var(--is); }
rect.was { fill: var(--was); fill-opacity: .55; } rect.is { fill: var(--is); }
rect.hit { fill: transparent; } g:hover > rect.hit { fill: var(--line); fill-opacity: .5; }
line.grid { stroke: var(--line); } svg text { fill: var(--soft); font: 11px system-ui, sans-serif; }
svg.chart { display: block; width: 100%; height: auto; }
svg.small { display: block; width: 132px; height: 34px; }
.feature { padding: 1rem 1.25rem; margin: 1rem 0; break-inside: avoid; }
.feature h3 { margin: 0 0 .5rem; font-size: 1.05rem; overflow-wrap: anywhere; }
.feature h3 .status { margin-left: .5rem; vertical-align: 1px; }
.both { display: grid; grid-template-columns: minmax(0, 1fr) 18rem; gap: 1.75rem; }
@media (max-width: 52rem) { .both { grid-template-columns: minmax(0, 1fr); } }
.figures { display: grid; grid-template-columns: 1fr max-content; gap: .1rem .75rem;
  margin: 1rem 0 0; font-size: .9rem; } .figures dt { color: var(--soft); } .figures dd { margin: 0;
  text-align: right; font-variant-numeric: tabular-nums; }
.cells { font-size: .9rem; } .cells td, .cells th { padding: .2rem .5rem; }
.cells td:first-child, .cells th:first-child { padding-left: 0; }
.cells td:last-child, .cells th:last-child { padding-right: 0; } .cells thead th { border: 0; }
.remark { margin: 0 0 .5rem; }
summary { cursor: pointer; padding: .75rem; color: var(--link); }
td.bar { width: 8rem; } .track { background: var(--line); border-radius: 3px; height: .5rem;
  margin-top: .5rem; } .track div { border-radius: 3px; height: 100%; background: currentColor; }
footer { margin: 2rem 0; color: var(--soft); font-size: .9rem; }
@media print { body { background: none; } .card { border-color: #bbb; } }
"""


@dataclass(frozen=True, slots=True)
class _Row:
    """A feature as the report shows it."""

    one: FeatureDrift
    anchor: str
    picture: Markup
    small: Markup
    share_of_worst: float

    @property
    def what(self) -> str:
        return moved_most(self.one)

    @property
    def remarks(self) -> list[str]:
        return remarks_of(self.one)

    @property
    def moved_by(self) -> str:
        return effect_text(self.one)

    @property
    def figures(self) -> list[tuple[str, str]]:
        """All figures, each with its name."""
        one = self.one
        found = [
            ("PSI", number(one.psi_above)),
            ("PSI by chance alone", number(one.psi_floor)),
            ("PSI of its days", number(one.reference_variation)),
            ("moved by", effect_text(one)),
            (_TESTS[one.test] if one.test else "", _chance(one.p)),
            ("q", _chance(one.q)),
            ("null before", percent(one.reference_null_share or None)),
            ("null now", percent(one.current_null_share or None)),
            ("beyond the range", percent(one.beyond_share or None)),
            ("labels never seen", percent(one.unseen_share or None)),
        ]
        return [(name, text) for name, text in found if name and text]


_TESTS: Final = {
    "ks": "p (Kolmogorov-Smirnov)",
    "chi_square": "p (chi-square)",
    "nulls": "p (of nulls)",
    "kind": "p (of another kind)",
    "beyond_range": "p (beyond the range)",
    "unseen_labels": "p (labels never seen)",
}


def _chance(p: float | None) -> str:
    return "below 0.0001" if p is not None and p < 1e-4 else number(p)


def drift_html(
    found: Drift, reference: Profile, current: Profile, *, names: tuple[str, str]
) -> str:
    """Write the report.

    Args:
        found: the finding of these two.
        reference: the one side.
        current: the other.
        names: what they are called.
    """
    worst = max((one.psi_above for one in found.features), default=0.0)

    def rows(listed: list[FeatureDrift], *, large: bool) -> list[_Row]:
        return [
            _row(one, reference, current, worst, at, large=large) for at, one in enumerate(listed)
        ]

    moved = [one for one in found.features if one.severity != "none"]
    still = [one for one in found.features if one.severity == "none"]
    return _ENVIRONMENT.get_template("drift.html").render(
        found=found,
        names=names,
        rows=(counted(found.reference_rows, "row"), counted(found.current_rows, "row")),
        summary=drift_summary(found),
        moved=rows(moved[:_MOST_CARDS], large=True),
        calendar=rows([*found.calendar], large=False),
        still=rows(still[:_MOST_ROWS], large=False),
        hidden=max(0, len(moved) - _MOST_CARDS) + max(0, len(still) - _MOST_ROWS),
        style=Markup(STYLE + _STYLE),  # noqa: S704 # our own CSS
    )


def _row(
    one: FeatureDrift, reference: Profile, current: Profile, worst: float, at: int, *, large: bool
) -> _Row:
    columns = tuple(side.whole.column(one.feature) for side in (reference, current))
    sides = Distributions.of(
        histogram(*columns), (columns[0], columns[1]), (reference.rows, current.rows)
    )
    title = f"{one.feature}: the distribution before and now"
    return _Row(
        one,
        f"feature-{at}",
        chart(sides, title) if large else Markup(),
        small_chart(sides, title),
        one.psi_above / worst if worst > 0 else 0.0,
    )


def _environment() -> Environment:
    made = environment("lineage_bridge.show.html")
    made.filters |= {
        "cell": cell_text,
        "counted": counted,
        "number": number,
        "percent": percent,
    }
    return made


_ENVIRONMENT: Final = _environment()
