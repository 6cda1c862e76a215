"""The runbook, `docs/alerts.md`: what each alert says, and what to do then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, get_args

from lineage_bridge.alerts.rule import Area, Rule
from lineage_bridge.alerts.table import RULES, rules_of

FILE: Final = "alerts.md"

_TITLES: Final[dict[Area, str]] = {
    "serving": "Deployments",
    "drift": "What deployments are asked and answer",
    "data": "Datasets and jobs",
    "bridge": "The bridge itself",
}

_INTRODUCTION: Final = """\
# Alerts

Written by `lineage-bridge rules runbook`: changes here are lost.

`lineage-bridge rules prometheus --out DIR` writes the rules for Prometheus, `rules alertmanager`
who is told of them, `rules grafana` a dashboard and `rules runbook` this page; without `--out` they
are printed. `marquez/` has them for docker compose. They ask for the metrics of
[metrics.md](metrics.md), scraped under the job name `lineage-bridge`.

- Critical alerts go to Slack and PagerDuty, warnings to Slack. The secrets are in files that
  `alertmanager.yml` names.
- What has retired fires nothing: a deployment that stopped or finished, or was silent for a day,
  whatever was wrong with it then (`ml_deployment_retired`).
- A critical alert on a deployment mutes the warnings of its section on it, NoProductionModel mutes
  all on how the deployments of its service serve, and DatasetStale mutes BuildOverdue.
- An alert marked with a star is one of SentinelML's eleven, with its limit and duration.

| Alert | Severity | Fires after |
|---|---|---|
"""


def runbook() -> str:
    """Write the page."""
    return _INTRODUCTION + "".join(_parts())


def _parts() -> Iterator[str]:
    for rule in RULES:
        star = " \\*" if rule.sentinelml else ""
        yield f"| [{rule.name}](#{rule.name.lower()}){star} | {rule.severity} | {rule.after} |\n"
    for area in get_args(Area):
        yield f"\n## {_TITLES[area]}\n"
        for rule in rules_of(area):
            yield from _section(rule)


def _section(rule: Rule) -> Iterator[str]:
    yield f"\n### {rule.name}\n\n"
    yield f"{rule.meaning}\n\n"
    yield f"What to do: {rule.todo}\n\n"
    yield f"```promql\n{rule.expr}\n```\n"
