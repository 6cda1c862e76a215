"""Answers at one instant, judged once for commands, page and metrics: health, freshness, checks.

A `Snapshot` is the graph at a time, with the policies that it is judged by. The commands, the page
and the metrics ask it and nothing else, so they never disagree. `Snapshots` keeps the graph of a
home in memory, for callers that ask again and again.
"""

from __future__ import annotations

from lineage_bridge.answers.changes import Change
from lineage_bridge.answers.checks import DatasetChecks
from lineage_bridge.answers.drift import DeploymentDrift
from lineage_bridge.answers.freshness import DatasetFreshness
from lineage_bridge.answers.health import DeploymentHealth, Versioned
from lineage_bridge.answers.quality import DeploymentQuality
from lineage_bridge.answers.snapshot import Snapshot, Snapshots

__all__ = [
    "Change",
    "DatasetChecks",
    "DatasetFreshness",
    "DeploymentDrift",
    "DeploymentHealth",
    "DeploymentQuality",
    "Snapshot",
    "Snapshots",
    "Versioned",
]
