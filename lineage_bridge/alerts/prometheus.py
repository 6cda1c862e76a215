"""The rules as Prometheus reads them: a file for `rule_files`."""

from __future__ import annotations

from typing import Any, Final, get_args

from lineage_bridge.alerts.rule import Area, Rule
from lineage_bridge.alerts.table import rules_of
from lineage_bridge.alerts.yaml_text import yaml_text

FILE: Final = "lineage-bridge.rules.yml"


def prometheus_rules() -> str:
    """Write one group of rules for each area."""
    groups = [
        {"name": f"lineage-bridge-{area}", "rules": [_entry(rule) for rule in rules_of(area)]}
        for area in get_args(Area)
    ]
    return yaml_text({"groups": groups}, "rules prometheus")


def _entry(rule: Rule) -> dict[str, Any]:
    return {
        "alert": rule.name,
        "expr": rule.expr,
        "for": rule.after,
        "labels": {"severity": rule.severity, "area": rule.area},
        "annotations": {
            "summary": rule.summary,
            "description": rule.todo,
            "runbook_url": rule.runbook_url,
        },
    }
