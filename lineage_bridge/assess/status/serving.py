"""Faults of deployments: what their windows show, and how what they are asked has drifted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from lineage_bridge.assess.liveness import Health
from lineage_bridge.assess.status.faults import BAD, OK, UNKNOWN, WARN, Fault, Level
from lineage_bridge.facets.drift import DriftFacet
from lineage_bridge.facets.serving_health import Status

LEVELS: Final[Mapping[Status, Level]] = {
    "healthy": OK,
    "idle": OK,  # nobody asks it, and nothing is wrong
    "unknown": UNKNOWN,
    "degraded": WARN,
    "unhealthy": BAD,
}


def faults_of_health(health: Health) -> Iterator[Fault]:
    """Yield a fault for each reason of a deployment that is not well."""
    found = False
    for reason in health.reasons:
        level = LEVELS[reason.level]
        if level != OK:
            found = True
            yield Fault.of(
                reason.code, level, "serving", reason.since, reason.value, reason.threshold
            )
    level = LEVELS[health.status]
    if level != OK and not found:  # its finding does not say why, and is believed all the same
        yield Fault.of(health.status, level, "serving")


def faults_of_drift(facet: DriftFacet) -> Iterator[Fault]:
    """Yield the drift of an inference log, if there is any; it travels nowhere."""
    if facet.severity == "none":
        return
    moved = [
        feature
        for window in facet.windows
        for feature in window.features or ()
        if feature.severity == facet.severity
    ]
    moved.sort(key=lambda feature: (-feature.psi, feature.feature))
    since = min((f.since for f in moved if f.since is not None), default=None)
    limit = facet.policy.critical_psi if facet.severity == "critical" else facet.policy.warning_psi
    yield Fault.of(
        f"drift_{facet.severity}",
        WARN,
        "drift",
        since or facet.evaluated_at,
        max((feature.psi for feature in moved), default=None),
        limit,
        columns=tuple(dict.fromkeys(feature.feature for feature in moved)),
    )
