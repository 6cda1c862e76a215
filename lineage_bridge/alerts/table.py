"""All rules, in the order in which they are listed."""

from __future__ import annotations

from typing import Final

from lineage_bridge.alerts.bridge_rules import BRIDGE
from lineage_bridge.alerts.data_rules import DATA
from lineage_bridge.alerts.drift_rules import DRIFT
from lineage_bridge.alerts.rule import Area, Rule
from lineage_bridge.alerts.serving_rules import SERVING

RULES: Final[tuple[Rule, ...]] = (*SERVING, *DRIFT, *DATA, *BRIDGE)


def rules_of(area: Area) -> list[Rule]:
    """List the rules of one area."""
    return [rule for rule in RULES if rule.area == area]
