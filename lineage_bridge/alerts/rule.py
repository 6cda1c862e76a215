"""An alert rule: a line of the table from which all files are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from lineage_bridge.facets.definition import REPOSITORY

# `critical` wakes somebody, `warning` waits until somebody looks.
Severity: TypeAlias = Literal["critical", "warning"]
Area: TypeAlias = Literal["serving", "drift", "data", "bridge"]

RUNBOOK: Final = f"{REPOSITORY}/blob/main/docs/alerts.md"


@dataclass(frozen=True, slots=True)
class Rule:
    """One alert.

    Attributes:
        name: in CamelCase, as Prometheus' alerts are called.
        area: what it is about; a critical alert mutes the warnings of its area and object.
        severity: who is told of it.
        after: how long the expression must hold before it fires, as Prometheus writes durations.
        expr: PromQL, of metrics that the exporter shows.
        summary: one line with the labels of the series; a template of Prometheus.
        meaning: what it says, and when it does not fire.
        todo: what to do, with the command that shows more.
        sentinelml: whether it is one of SentinelML's eleven, with the limits that it had there.
    """

    name: str
    area: Area
    severity: Severity
    after: str
    expr: str
    summary: str
    meaning: str
    todo: str
    sentinelml: bool = False

    @property
    def runbook_url(self) -> str:
        """Where the runbook has a section on it."""
        return f"{RUNBOOK}#{self.name.lower()}"
