"""Write the dashboard as JSON of Grafana 11.6: `python dashboards/build.py FILE`.

It is a program for whoever changes the panels: what comes out is in the repository, and
`lineage-bridge rules grafana` prints that. grafana-foundation-sdk knows Grafana's types; the last
part of its version is Grafana's.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
    xychart,
)
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as shared
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from grafana_foundation_sdk.models.xychart import SeriesMapping
from panel import Panel, Query, State
from panels import ANNOTATIONS, CHOICES, ROWS

UID = "lineage-bridge"
SOURCE = model.DataSourceRef(type_val="prometheus", uid="${source}")
HEIGHT = 8
REFS = "ABCDEF"  # how Grafana calls the queries of a panel
_BUILDERS: dict[str, Any] = {
    "number": stat.Panel,
    "bars": bargauge.Panel,
    "graph": timeseries.Panel,
    "states": statetimeline.Panel,
    "table": table.Panel,
    "scatter": xychart.Panel,
}


def build() -> dict[str, Any]:
    """Return the dashboard as Grafana imports it."""
    made = (
        dashboard.Dashboard("lineage-bridge")
        .uid(UID)
        .tags(["lineage-bridge"])
        .description("The ML platform as its artifacts tell of it, and the bridge itself.")
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .time("now-6h", "now")
        .refresh("1m")
        .with_variable(
            dashboard.DatasourceVariable("source").label("Prometheus").type("prometheus")
        )
    )
    for name, (label, metric) in CHOICES.items():
        made.with_variable(_choice(name, label, metric))
    for title, query in ANNOTATIONS.items():
        made.annotation(_annotation(title, query))
    for row in ROWS:
        made.with_row(dashboard.Row(row.title))
        for panel in row.panels:
            made.with_panel(_panel(panel))
    return _numbered(json.loads(json.dumps(made.build(), cls=JSONEncoder)))


def _choice(name: str, label: str, metric: str) -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable(name)
        .datasource(SOURCE)
        .query(f"label_values({metric}, {label})")
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(model.VariableOption(selected=True, text="All", value="$__all"))
    )


def _annotation(title: str, query: Query) -> dashboard.AnnotationQuery:
    return (
        dashboard.AnnotationQuery().name(title).datasource(SOURCE).enable(True).icon_color("blue")
    ).expr(query.expr)


def _panel(panel: Panel) -> Any:
    made = _BUILDERS[panel.kind]().title(panel.title).datasource(SOURCE)
    made.height(HEIGHT).span(panel.span).unit(panel.unit)
    if panel.description:
        made.description(panel.description)
    for ref, query in zip(REFS, panel.queries, strict=False):
        made.with_target(_target(ref, query, panel))
    if panel.red_from is not None:
        made.thresholds(_thresholds(panel.red_from))
    _DRAWN[panel.kind](made, panel)
    return made


def _target(ref: str, query: Query, panel: Panel) -> prometheus.Dataquery:
    made = prometheus.Dataquery().ref_id(ref).expr(query.expr).datasource(SOURCE)
    if panel.kind in {"graph", "states"}:
        return made.range().legend_format(query.legend)
    if panel.kind in {"table", "scatter"}:
        return made.instant().format(PromQueryFormat.TABLE)
    return made.instant().legend_format(query.legend)


def _thresholds(red_from: float) -> dashboard.ThresholdsConfig:
    steps = [
        model.Threshold(value=None, color="green"),
        model.Threshold(value=red_from, color="red"),
    ]
    return dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps)


def _number(made: stat.Panel, _: Panel) -> None:
    made.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    made.orientation(shared.VizOrientation.HORIZONTAL)


def _bars(made: bargauge.Panel, _: Panel) -> None:
    made.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    made.orientation(shared.VizOrientation.HORIZONTAL)
    made.display_mode(shared.BarGaugeDisplayMode.BASIC)


def _graph(made: timeseries.Panel, panel: Panel) -> None:
    made.legend(common.VizLegendOptions().show_legend(True).calcs(["lastNotNull"]))
    if panel.red_from is not None:
        style = common.GraphThresholdsStyleConfig().mode(shared.GraphThresholdsStyleMode.DASHED)
        made.thresholds_style(style)


def _states(made: statetimeline.Panel, panel: Panel) -> None:
    made.mappings([_mapping(panel.states)])


def _mapping(states: tuple[State, ...]) -> model.ValueMap:
    return model.ValueMap(
        options={
            str(number): model.ValueMappingResult(text=one.text, color=one.color, index=number)
            for number, one in enumerate(states)
        }
    )


def _table(made: table.Panel, _: Panel) -> None:
    hidden = {"Time": True, "__name__": True, "instance": True, "job": True}
    made.with_transformation(
        model.DataTransformerConfig(id_val="organize", options={"excludeByName": hidden})
    )


def _scatter(made: xychart.Panel, panel: Panel) -> None:
    names = {f"Value #{ref}": query.legend for ref, query in zip(REFS, panel.queries, strict=False)}
    shown = {"excludeByName": {"Time": True}, "renameByName": names}
    made.with_transformation(model.DataTransformerConfig(id_val="merge", options={}))
    made.with_transformation(model.DataTransformerConfig(id_val="organize", options=shown))
    made.mapping(SeriesMapping.AUTO)


_DRAWN: dict[str, Any] = {
    "number": _number,
    "bars": _bars,
    "graph": _graph,
    "states": _states,
    "table": _table,
    "scatter": _scatter,
}


def _numbered(document: dict[str, Any]) -> dict[str, Any]:
    """Number the panels, and say how annotations read: the SDK has no words for either."""
    for number, panel in enumerate(document["panels"], start=1):
        panel["id"] = number
    for annotation in document["annotations"]["list"]:
        annotation |= {"titleFormat": annotation["name"], "step": "1m"}
        annotation["textFormat"] = ANNOTATIONS[annotation["name"]].legend
    return document


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(f"{json.dumps(build(), indent=1)}\n", encoding="utf-8")
