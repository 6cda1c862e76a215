"""What time alone changes, told as events: a deployment falls silent, a dataset becomes stale.

Each change is told once, as an event of its very instant, by whoever looks at any later time: two
watchers, or one that was killed and started again, make the same event, which the journal has once.
What a dataset's own rhythm says is told by nobody: it is learned when it is read (`answers`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

import msgspec

from lineage_bridge.adapters.serving_windows import observer_job, window_event
from lineage_bridge.answers import Snapshot, Snapshots
from lineage_bridge.answers.freshness import DatasetFreshness
from lineage_bridge.answers.health import DeploymentHealth, health_by
from lineage_bridge.answers.snapshot import STATUS_KEYS
from lineage_bridge.assess.assertions import (
    ASSERTIONS,
    FRESHNESS,
    assertions_facet,
    assertions_in,
)
from lineage_bridge.assess.freshness import (
    EFFECTIVE,
    FRESH,
    UNKNOWN,
    Freshness,
    assess_freshness,
    freshness_assertions,
    freshness_facet,
)
from lineage_bridge.assess.liveness import QUIET, Health
from lineage_bridge.events import Dataset, Event, Job, run_event
from lineage_bridge.facets.freshness import FreshnessFacet
from lineage_bridge.facets.serving_health import Reason, ServingHealthFacet
from lineage_bridge.facets.serving_policy import AppliedPolicy
from lineage_bridge.journal import Journal
from lineage_bridge.naming import observe_job, run_uuid
from lineage_bridge.records.descriptions import described_dataset, described_job
from lineage_bridge.records.identity import job_type
from lineage_bridge.times import format_time

KEYS: Final = (*STATUS_KEYS, ASSERTIONS)  # the facets that a snapshot needs for this
LOOK_SECONDS: Final = 5.0  # from one look to the next, at least
LOOK_FACTOR: Final = 150.0  # looking takes so small a part of the time

_State = TypeVar("_State")


@dataclass(slots=True)
class PassingTime:
    """Looks at what time has changed, as often as that costs little.

    Attributes:
        journal: of the home.
        snapshots: of the home, with these `KEYS`.
        namespace: of our jobs.
        now: the clock.
        seconds: only grow.
    """

    journal: Journal
    snapshots: Snapshots
    namespace: str
    now: Callable[[], datetime]
    seconds: Callable[[], float] = time.monotonic
    _due: float = 0.0

    def look(self) -> int:
        """Append what is due by now, unless the last look was a moment ago; return how many.

        Raises:
            JournalError: the home cannot be read or written.
            JudgingError: a bug of ours.
        """
        begun = self.seconds()
        if begun < self._due:
            return 0
        found = list(changes(self.snapshots.at(self.now()), self.namespace))
        appended = 0
        if found:
            with self.journal.transaction() as tx:
                appended = sum(tx.append(event, "artifact") is not None for event in found)
        took = self.seconds() - begun
        self._due = self.seconds() + max(LOOK_SECONDS, took * LOOK_FACTOR)
        return appended


def changes(snapshot: Snapshot, namespace: str) -> Iterator[Event]:
    """Yield an event for each finding that is another one by now, though no fact came since.

    Args:
        snapshot: of now.
        namespace: of our jobs; what belongs to another one is left to whoever observes that.
    """
    for health in snapshot.health:
        if health.deployment.namespace == namespace and health.facet is not None:
            yield from _of_deployment(health, health.facet, snapshot, namespace)
    for freshness in snapshot.freshness:
        if freshness.node.namespace == namespace:
            yield from _of_dataset(freshness, namespace, snapshot.at)


def _of_deployment(
    one: DeploymentHealth, told: ServingHealthFacet, snapshot: Snapshot, namespace: str
) -> Iterator[Event]:
    def judged(instant: datetime) -> Health:
        return health_by(told, one.deployment, instant, snapshot.policies)

    if _state(one.health.status, one.health.reasons) == _state(told.status, told.reasons or ()):
        return
    begun = first_instant(told.evaluated_at, snapshot.at, lambda when: _state_of(judged(when)))
    if begun is None:
        return
    now = judged(begun)
    if (now.model, now.model_version) != (told.model, told.model_version):
        return  # another version started, and its start says so
    policy = AppliedPolicy() if told.policy is None else told.policy
    facet = msgspec.structs.replace(
        told,
        status=now.status,
        reasons=now.reasons,
        evaluated_at=begun,
        policy=msgspec.structs.replace(policy, stands_seconds=0.0),
    )
    job = observer_job(namespace, one.slot)
    yield window_event(facet, (), begun, job=job, slot=one.slot)


def _state_of(health: Health) -> object:
    return _state(health.status, health.reasons)


def _state(status: str, reasons: tuple[Reason, ...]) -> object:
    """Return what must differ for a change: the status, and what only time says."""
    return status, frozenset(reason.code for reason in reasons if reason.code in QUIET)


def _of_dataset(one: DatasetFreshness, namespace: str, at: datetime) -> Iterator[Event]:
    finding, version = one.finding, one.version
    of_version = (known.facets for known in one.node.versions if known.version == version)
    facets = next(of_version, one.node.facets)
    told = facets.of(FreshnessFacet)
    is_stated = one.expectation.stated is not None and finding.basis != EFFECTIVE
    if not is_stated or finding.status == UNKNOWN:
        return
    before = FRESH if told is None else told.status
    since = max(filter(None, (finding.build_time, finding.data_time)), default=None)
    if finding.status == before or since is None:
        return

    def judged(instant: datetime) -> Freshness:
        is_mtime = finding.build_is_mtime
        return assess_freshness(
            build_time=None if is_mtime else finding.build_time,
            file_time=finding.build_time if is_mtime else None,
            data_time=finding.data_time,
            at=instant,
            policy=one.expectation.rule,
        )

    begun = first_instant(since, at, lambda when: judged(when).status)
    if begun is None or (told is not None and begun <= told.evaluated_at):
        return
    now = judged(begun)
    dataset = Dataset(
        one.node.namespace,
        one.node.name,
        version,
        {
            **described_dataset(one.node.namespace, one.node.name),
            FreshnessFacet.key: freshness_facet(now).as_json(),
        },
        # A Marquez keeps the newest such facet alone: what the checks found stays in it.
        assertions_facet(
            freshness_assertions(now),
            (said for said in assertions_in(facets) if said.assertion != FRESHNESS),
        ),
    )
    name = observe_job(one.node.name)
    sentence = f"Observes {one.node.name}; a run is one finding."
    job = Job(namespace, name, {**job_type("OBSERVER"), **described_job(sentence)})
    run = run_uuid(namespace, name, f"{version} {format_time(begun)}")
    yield run_event("COMPLETE", begun, job, run, inputs=[dataset])


def first_instant(
    begin: datetime, end: datetime, state: Callable[[datetime], _State]
) -> datetime | None:
    """Return the first instant, to the microsecond, from which on the state is as at the end.

    States come one after another, and none of them comes back. None if it is as at the begin.
    """
    last = state(end)
    if begin >= end or state(begin) == last:
        return None
    low, high = 0, (end - begin) // timedelta(microseconds=1)
    while high - low > 1:
        middle = (low + high) // 2
        if state(begin + timedelta(microseconds=middle)) == last:
            high = middle
        else:
            low = middle
    return begin + timedelta(microseconds=high)
