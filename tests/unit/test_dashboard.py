"""The dashboard: made from its table of panels, and what Grafana's own types can read."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from promql import unknown_in

ROOT = Path(__file__).parents[2]
FILE = ROOT / "lineage_bridge" / "alerts" / "dashboard.json"
DASHBOARD: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
PANELS: dict[str, dict[str, Any]] = {
    f"{panel['id']} {panel['title']}": panel
    for panel in DASHBOARD["panels"]
    if panel["type"] != "row"
}
# What Grafana reads of an annotation and its SDK does not know.
OF_ANNOTATIONS = {"titleFormat", "textFormat", "step"}


def queries(panel: dict[str, Any]) -> Iterator[str]:
    return (target["expr"] for target in panel["targets"])


def test_the_file_in_the_repository_is_what_the_panels_make(tmp_path: Path) -> None:
    made = tmp_path / "dashboard.json"
    command = [sys.executable, str(ROOT / "dashboards" / "build.py"), str(made)]
    subprocess.run(command, check=True)

    assert made.read_text("utf-8") == FILE.read_text("utf-8"), "make monitoring"


def lost(given: Any, read: Any, path: str = "") -> Iterator[str]:
    """Where what was read lacks something that was given; what it adds are Grafana's defaults."""
    if isinstance(given, dict) and isinstance(read, dict):
        for name, value in given.items():
            yield from lost(value, read.get(name), f"{path}/{name}")
    elif isinstance(given, list) and isinstance(read, list) and len(given) == len(read):
        for number, pair in enumerate(zip(given, read, strict=True)):
            yield from lost(*pair, f"{path}/{number}")
    elif given != read:
        yield path


def test_grafanas_types_read_it_and_lose_nothing() -> None:
    register_default_plugins()
    read = json.loads(json.dumps(Dashboard.from_json(DASHBOARD), cls=JSONEncoder))

    missed = {path.rpartition("/")[2] for path in lost(DASHBOARD, read)}
    assert missed <= OF_ANNOTATIONS
    assert DASHBOARD["schemaVersion"] == 41


@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)
def test_a_panel_asks_for_metrics_and_labels_that_there_are(panel: dict[str, Any]) -> None:
    assert panel["targets"]
    for expr in queries(panel):
        assert not unknown_in(expr), expr


def test_annotations_and_choices_ask_for_metrics_that_there_are() -> None:
    chosen = [one["query"] for one in DASHBOARD["templating"]["list"] if one["type"] == "query"]
    asked = [f"{query.removeprefix('label_values(').split(',')[0]}" for query in chosen]
    annotations = [one["expr"] for one in DASHBOARD["annotations"]["list"]]

    assert len(asked) == 4
    assert annotations
    for expr in (*asked, *annotations):
        assert not unknown_in(expr), expr


def test_every_panel_has_its_place_and_its_number() -> None:
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in DASHBOARD["panels"]]
    numbers = [panel["id"] for panel in DASHBOARD["panels"]]

    assert len(set(places)) == len(places) == len(set(numbers))
    for panel in PANELS.values():
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
