"""What is wrong now: one entry for each origin, with the deployments that show it and are hit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lineage_bridge.answers.cause.blame import Cause, blame
from lineage_bridge.answers.cause.impact import Hit, impact, requests_per_minute
from lineage_bridge.answers.cause.situation import Situation
from lineage_bridge.answers.health import DeploymentHealth
from lineage_bridge.assess.cause.symptoms import Reason
from lineage_bridge.assess.status.faults import BAD, OK, UNKNOWN, WARN, Fault, Level, rank, worst
from lineage_bridge.graph.model import End

INHERITED: Final = "inherited"  # the code of a symptom that the deployment does not show itself
_ITS_OWN: Final = frozenset(
    {"slot", "release"}
)  # sorts of causes that lie in the deployment itself


@dataclass(frozen=True, slots=True)
class Ill:
    """A deployment that shows something.

    Attributes:
        deployment: with its status.
        reasons: what it shows, or that it inherits.
        requests_per_minute: how much it is asked.
    """

    deployment: DeploymentHealth
    reasons: tuple[Reason, ...]
    requests_per_minute: float

    @property
    def level(self) -> Level:
        """The worst of its reasons."""
        return worst(reason.level for reason in self.reasons)

    @property
    def since(self) -> datetime | None:
        """When the first of its reasons began."""
        return min((r.since for r in self.reasons if r.since is not None), default=None)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where something that is wrong begins, as far as anybody can tell.

    Attributes:
        end: a node, version or run; a deployment's job or predictions where nothing above it
            explains what it shows.
        cause: how it explains what the first of `ill` shows; None where nothing does.
        faults: what is wrong there by itself, worst first.
        ill: the deployments that show it, those that are asked most first.
        hits: all deployments below it that somebody waits for.
    """

    end: End
    cause: Cause | None
    faults: tuple[Fault, ...]
    ill: tuple[Ill, ...]
    hits: tuple[Hit, ...]

    @property
    def level(self) -> Level:
        """How bad it is: there, or in what comes of it."""
        return worst((*(f.level for f in self.faults), *(one.level for one in self.ill)))

    @property
    def since(self) -> datetime | None:
        """When its first trace began."""
        begun = [f.since for f in self.faults] if not self.ill else [i.since for i in self.ill]
        return min((since for since in begun if since is not None), default=None)

    @property
    def requests_per_minute(self) -> float:
        """Of the deployments that show it."""
        return sum(one.requests_per_minute for one in self.ill)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Everything that is wrong at an instant.

    Attributes:
        at: the instant.
        origins: the worst first, then by requests a minute.
        requests_per_minute: of all deployments that somebody waits for.
        retired: the deployments that nobody waits for.
    """

    at: datetime
    origins: tuple[Origin, ...]
    requests_per_minute: float
    retired: tuple[DeploymentHealth, ...]

    @property
    def level(self) -> Level:
        """The worst of it."""
        return worst(origin.level for origin in self.origins)

    @property
    def hit_per_minute(self) -> float:
        """The requests a minute of all deployments that show something."""
        return sum(origin.requests_per_minute for origin in self.origins)


def trouble(situation: Situation) -> Trouble:
    """Say what is wrong: what deployments show, by its cause; and what else is bad by itself."""
    active = situation.active.values()
    shown = list(_shown(situation, active))
    named = {origin.end.node for origin in shown}
    others = list(_others(situation, named))
    found = sorted((*shown, *others), key=_order)
    waited_for = {one.deployment.predictions for one in active}
    return Trouble(
        situation.at,
        tuple(found),
        sum(_asked(situation, one) for one in active),
        tuple(one for one in situation.health if one.deployment.predictions not in waited_for),
    )


def _order(origin: Origin) -> tuple[int, float, str]:
    return -rank(origin.level), -origin.requests_per_minute, str(origin.end)


def _shown(situation: Situation, active: Iterable[DeploymentHealth]) -> Iterator[Origin]:
    """Yield an origin for each cause of what deployments show."""
    grouped: dict[End, list[tuple[Ill, Cause | None]]] = {}
    for one in active:
        end = End(one.deployment.predictions)
        found = blame(situation, end)
        reasons = tuple(reason for reason in found.symptom if _is_felt(reason))
        if not reasons:
            continue
        cause = found.causes[0] if found.causes else None
        shown = Ill(one, reasons, _asked(situation, one))
        grouped.setdefault(_origin(end, cause), []).append((shown, cause))
    for end, group in grouped.items():
        group.sort(key=lambda pair: -pair[0].requests_per_minute)
        ill = tuple(found_ill for found_ill, _ in group)
        yield Origin(end, group[0][1], _faults(situation, end), ill, _hits(situation, end))


def _is_felt(reason: Reason) -> bool:
    """Whether somebody feels it: a warning that only comes from upstream is seen by nobody yet."""
    return reason.level == BAD or (reason.level == WARN and reason.code != INHERITED)


def _origin(end: End, cause: Cause | None) -> End:
    if cause is None or cause.candidate.sort in _ITS_OWN:
        return end
    return cause.candidate.end


def _faults(situation: Situation, end: End) -> tuple[Fault, ...]:
    found = situation.statuses.of(end).faults
    return tuple(fault for fault in found if fault.kind not in {"serving", "drift"})


def _others(situation: Situation, named: set[str]) -> Iterator[Origin]:
    """Yield what is wrong by itself and shows in no deployment: datasets and jobs.

    What belongs to a deployment that has retired is left out.
    """
    of_retired = {
        id_
        for one in situation.health
        if one.deployment.predictions not in situation.active
        for id_ in (one.deployment.predictions, one.deployment.log)
    }
    for status in situation.statuses.amiss():
        if status.end.node in named | of_retired:
            continue
        faults = tuple(f for f in _faults(situation, status.end) if f.level not in {OK, UNKNOWN})
        if faults:
            yield Origin(status.end, None, faults, (), _hits(situation, status.end))


def _hits(situation: Situation, end: End) -> tuple[Hit, ...]:
    waited_for: Sequence[DeploymentHealth] = list(situation.active.values())
    travel = situation.statuses.travel
    return impact(situation.graph, travel, waited_for, end, situation.at, situation.earlier).hits


def _asked(situation: Situation, one: DeploymentHealth) -> float:
    return requests_per_minute(one, situation.at, situation.earlier)
