"""The symptom of a deployment: what it shows, since when, whatever was released meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from lineage_bridge.answers.cause.earlier import Earlier
from lineage_bridge.answers.cause.situation import Situation, own_reasons
from lineage_bridge.answers.health import DeploymentHealth
from lineage_bridge.assess.cause.symptoms import Reason, class_of
from lineage_bridge.assess.status.faults import OK
from lineage_bridge.assess.status.serving import LEVELS
from lineage_bridge.graph.deployments import Activation
from lineage_bridge.graph.model import End

SHOWN_AGAIN: Final = timedelta(minutes=5)
_WINDOW: Final = timedelta(minutes=1)  # a reason begins with its window, a release within one
_JUST_BEFORE: Final = timedelta(seconds=1)
_MOST_ACTIVATIONS: Final = 10  # that a look goes back


def symptom_of(situation: Situation, one: DeploymentHealth) -> list[Reason]:
    """List the reasons for which somebody asks; nothing if the deployment is well.

    A new activation starts empty, so whatever it shows began with it. But what the slot showed just
    before, and shows again within five minutes, began then. A deployment that serves well has what
    it inherits.
    """
    found = own_reasons(one, situation.drift_of(one))
    if found:
        return [_since_before(reason, one, situation.earlier) for reason in found]
    predictions = situation.graph.called(one.deployment.predictions)
    if predictions is None:
        return []
    inherited = situation.statuses.of(End(predictions.id)).inherited
    if inherited is None:
        return []
    return [Reason("inherited", "inherited", None, inherited.level)]


def _since_before(reason: Reason, one: DeploymentHealth, earlier: Earlier) -> Reason:
    if reason.since is None or reason.of == "drift":
        return reason
    since = reason.since
    activations = one.deployment.activations[-_MOST_ACTIVATIONS:]
    for activation in reversed(activations):
        if not activation.started - _WINDOW <= since <= activation.started + SHOWN_AGAIN:
            break
        before = _shown_before(reason, one, activation, earlier)
        if before is None:
            break
        since = before
    return reason._replace(since=since)


def _shown_before(
    reason: Reason, one: DeploymentHealth, activation: Activation, earlier: Earlier
) -> datetime | None:
    """Return since when something of the same class was shown just before an activation."""
    facet = earlier(one.deployment.predictions, activation.started - _JUST_BEFORE)
    shown: Sequence[datetime] = [
        found.since
        for found in (() if facet is None else facet.reasons or ())
        if class_of(found.code) == reason.of and LEVELS[found.level] != OK
    ]
    return min(shown, default=None)
