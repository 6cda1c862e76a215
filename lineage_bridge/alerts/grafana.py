"""The dashboard of Grafana 11.6 that `dashboards/build.py` made."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

FILE: Final = "lineage-bridge.json"


def grafana_dashboard() -> str:
    """Return the dashboard as JSON: to import, or for a folder that Grafana reads."""
    return (files("lineage_bridge.alerts") / "dashboard.json").read_text(encoding="utf-8")
