"""Go on from the findings in the journal where the memory of a deployment is missing.

So it is in a home that imported the journal of another, and where the tables of ingest were lost.
The windows that are still there are judged once more, but up to the newest finding in the journal
nothing is told: what the journal says stands, also where the windows behind it are gone. From there
on the evaluator goes on with what it has judged itself, and with what only the journal knows: sums,
the beginning of the activation and of each fault, starts and flushes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from datetime import datetime

from lineage_bridge.adapters.serving_windows import observer_job
from lineage_bridge.assess.endpoint import EndpointState
from lineage_bridge.assess.faults import Rule, rules_of
from lineage_bridge.assess.gaps import GAP_CODES
from lineage_bridge.assess.policies import policy_mark
from lineage_bridge.assess.serving import DeploymentState
from lineage_bridge.events import decode, view_event
from lineage_bridge.facets import facet_in
from lineage_bridge.facets.serving_health import Endpoint, Reason, ServingHealthFacet
from lineage_bridge.facets.serving_policy import AppliedPolicy, ServingPolicy
from lineage_bridge.journal import Journal
from lineage_bridge.journal.fold import catch_up
from lineage_bridge.journal.home_tables import read_event
from lineage_bridge.link.identities import Identities, Observation
from lineage_bridge.link.identities_model import IDENTITIES
from lineage_bridge.naming import Slot
from lineage_bridge.observe.serving import sums
from lineage_bridge.observe.serving.memory import Resumed
from lineage_bridge.times import to_micros


class JournalFindings:
    """What the journal says of deployments whose memory is missing.

    Args:
        journal: of the home.
        namespace: of the observers' jobs.
        unsaved: ids of events whose memory a killed process did not save: these do not stand yet.
    """

    def __init__(self, journal: Journal, namespace: str, unsaved: Collection[str]) -> None:
        self._journal = journal
        self._namespace = namespace
        self._unsaved = unsaved
        self._jobs: set[str] | None = None

    def of(self, slot: Slot) -> Resumed | None:
        """Return what to go on from; None if the journal has no finding of the deployment.

        Raises:
            JournalError: the model of identities cannot be brought up to date.
        """
        if self._jobs is None:
            self._jobs = self._observers()
        job = observer_job(self._namespace, slot).name
        if job not in self._jobs:
            return None
        with self._journal.reading() as connection:
            known = Identities(connection, self._namespace)
            return _resumed(connection, known.observed(job, self._unsaved))

    def _observers(self) -> set[str]:
        catch_up(self._journal, IDENTITIES)
        with self._journal.reading() as connection:
            return Identities(connection, self._namespace).observers()


def _resumed(connection: sqlite3.Connection, standing: Sequence[Observation]) -> Resumed | None:
    resumed: Resumed | None = None
    for item in reversed(standing):
        finding = _finding(connection, item.id)
        if finding is None:
            continue
        if resumed is None:
            newest = [one.id for one in standing if one.time_us == item.time_us]
            resumed = Resumed(
                item.time_us,
                newest,
                0,
                sums.told(finding.totals_by_version or ()),
                _mark_of(finding.policy),
                finding,
            )
        if not is_end(finding):
            resumed.emitted_us = item.time_us
            break
    return resumed


def _finding(connection: sqlite3.Connection, event_id: str) -> ServingHealthFacet | None:
    stored = read_event(connection, event_id)
    inputs = view_event(decode(stored.body)).inputs if stored is not None else ()
    found = (facet_in(ServingHealthFacet, dataset.facets) for dataset in inputs)
    return next((finding for finding in found if finding is not None), None)


def is_end(finding: ServingHealthFacet) -> bool:
    """Return whether a finding was told at the end of a backfill."""
    return finding.policy is not None and not finding.policy.stands_seconds


def _mark_of(policy: AppliedPolicy | None) -> str:
    if policy is None:
        return ""
    limits = {name: getattr(policy, name) for name in ServingPolicy.__struct_fields__}
    return policy_mark(ServingPolicy(**limits))


def state_after(
    state: DeploymentState | None, finding: ServingHealthFacet, policy: ServingPolicy
) -> DeploymentState | None:
    """Return the evaluator as of a finding in the journal: what was judged here, and what it tells.

    Args:
        state: judged by the windows that are still there.
        finding: the newest one.
        policy: the deployment's.
    """
    if finding.model is None or finding.model_version is None:
        return state
    serving = (finding.model, finding.model_version)
    started_us = to_micros(finding.activation_started_at or finding.evaluated_at)
    if state is None or (state.model, state.version) != serving:
        state = DeploymentState(*serving, started_us)
    state.started_us = started_us
    state.starts = max(state.starts, finding.starts or 0)
    if finding.instances_running is not None:
        state.running = finding.instances_running
    state.last_start_us = _later(state.last_start_us, finding.last_start)
    state.last_flush_us = _later(state.last_flush_us, finding.last_flush)
    state.last_heartbeat_us = _later(state.last_heartbeat_us, finding.last_heartbeat)
    told = {endpoint.endpoint: endpoint for endpoint in finding.endpoints or ()}
    if told.keys() <= state.endpoints.keys():  # a flush is noticed by the counts of all endpoints
        _add_flushes(state, finding.flushes or 0)
    lost = {n.endpoint: n.value for n in finding.notes or () if n.code == "window_lost"}
    for name, endpoint in state.endpoints.items():
        if name in told:
            endpoint.windows_lost = lost.get(name, 0)
            _add_told(endpoint, told[name], state.last_life_us, policy)
    return state


def _add_flushes(state: DeploymentState, told: int) -> None:
    missing = max(0, told - state.flushes)
    state.flushes += missing
    for endpoint in state.endpoints.values():
        endpoint.flushes += missing


def _add_told(endpoint: EndpointState, told: Endpoint, life_us: int, policy: ServingPolicy) -> None:
    endpoint.last_request_us = _later(endpoint.last_request_us, told.last_request)
    for rule in rules_of(policy) if endpoint.faults else ():
        fault = endpoint.faults.get(rule.key)
        if fault is not None:
            begun = (to_micros(r.since) for r in told.reasons if _is_of(r, rule))
            fault.since_us = min([fault.since_us, *begun])
    if endpoint.gaps.items:
        found = {reason.code for reason in endpoint.reasons("", life_us, policy)}
        if found & GAP_CODES and not {reason.code for reason in told.reasons} & GAP_CODES:
            endpoint.gaps.items.clear()  # no window was missing then: its file is gone


def _is_of(reason: Reason, rule: Rule) -> bool:
    return (reason.code, reason.level) == (rule.code, rule.level)


def _later(known_us: int | None, told: datetime | None) -> int | None:
    if told is None:
        return known_us
    return max(to_micros(told), known_us or 0)


def note_of(finding: ServingHealthFacet, code: str) -> int:
    """Return the value of a note about the whole deployment; 0 without one."""
    notes = finding.notes or ()
    return next((note.value for note in notes if note.code == code and not note.endpoint), 0)
