"""The observer of one deployment: which windows it judges, and when it emits which event.

It judges the newest activation; windows of an earlier one only count in the sums. A model version
that serves without a deployment event is an activation too: it is implied by its first window.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from lineage_bridge.adapters.serving_windows import window_event
from lineage_bridge.assess.lookback import SECOND_US, WindowFacts
from lineage_bridge.assess.policies import policy_mark
from lineage_bridge.assess.serving import DeploymentState
from lineage_bridge.assess.serving_facet import serving_assertions, serving_facet
from lineage_bridge.events import Event, Job
from lineage_bridge.facets.serving_health import ServingHealthFacet
from lineage_bridge.facets.serving_policy import ServingPolicy
from lineage_bridge.naming import Slot
from lineage_bridge.observe.serving import sums
from lineage_bridge.observe.serving.activations import Activation, Period, Starts
from lineage_bridge.observe.serving.memory import Implied, Pending, Resumed, SlotMemory
from lineage_bridge.observe.serving.resume import is_end, note_of, state_after
from lineage_bridge.observe.unsaved import Standing
from lineage_bridge.records.ends import Seen
from lineage_bridge.times import from_micros

HEARTBEAT_US = 900 * SECOND_US
TAKEOVER_US = 120 * SECOND_US  # without a deployment event, so long must a version be quiet


@dataclass(slots=True, eq=False)
class Observer:
    """A deployment's memory, with its policy and the job that observes it."""

    slot: Slot
    memory: SlotMemory
    policy: ServingPolicy
    job: Job

    def take_start(self, start: Activation) -> None:
        """Take in the start of an instance, of the version that serves or of a new one."""
        memory, state = self.memory, self.memory.state
        serving = (start.model, start.version)
        if state is None or (
            serving != (state.model, state.version) and start.started_us >= state.started_us
        ):
            state = memory.state = DeploymentState(*serving, start.started_us)
        if serving == (state.model, state.version):
            state.start(start.instance, start.started_us)

    def is_behind(self, at_us: int) -> bool:
        """Whether the journal, from which the memory goes on, has findings up to an instant."""
        resumed = self.memory.resumed
        return resumed is not None and resumed.finding is not None and at_us <= resumed.until_us

    def pass_journal(self, starts: Starts) -> list[Activation]:
        """Go on from what the journal says, now that judging comes to later windows, or to its end.

        Returns:
            The starts up to then that were taken in.
        """
        memory, resumed = self.memory, self.memory.resumed
        if resumed is None or resumed.finding is None:
            return []
        taken = starts.take(self.slot, resumed.until_us)
        for start in taken:
            self.take_start(start)
        finding, resumed.finding = resumed.finding, None
        resumed.is_outdated = self._is_outdated(finding, resumed.policy)
        resumed.counted = memory.totals
        resumed.is_short = memory.judged_us < resumed.until_us
        memory.totals = sums.larger(resumed.totals, resumed.counted)
        memory.moved = memory.totals != sums.larger(resumed.totals, ())
        memory.judged_us = max(memory.judged_us, resumed.until_us)
        memory.emitted_us = max(memory.emitted_us, resumed.emitted_us)
        memory.event_us = resumed.until_us
        *memory.twins, memory.event_id = resumed.ids
        memory.ended = is_end(finding)
        memory.late_windows = max(memory.late_windows, note_of(finding, "late_windows"))
        inconsistent = note_of(finding, "inconsistent_windows")
        memory.inconsistent_windows = max(memory.inconsistent_windows, inconsistent)
        memory.state = state_after(memory.state, finding, self.policy)
        self._imply(resumed, starts)
        return taken

    def _is_outdated(self, finding: ServingHealthFacet, mark: str) -> bool:
        state = self.memory.state
        if mark not in {"", policy_mark(self.policy)}:
            return True
        is_same = state and (state.model, state.version) == (finding.model, finding.model_version)
        return bool(state and is_same and state.starts > (finding.starts or 0))

    def _imply(self, resumed: Resumed, starts: Starts) -> None:
        """Note the model versions that served, as only the journal tells, without an event."""
        memory = self.memory
        known = {(item.model, item.version) for item in memory.implied}
        for totals in resumed.totals:
            serving = (totals.model, totals.version)
            item = Implied(*serving, resumed.until_us, totals.windows)
            if serving not in known and not self._is_told(item, starts):
                memory.implied.append(item)

    def judge(self, at_us: int, windows: list[Pending], starts: Starts) -> bool:
        """Judge all windows of one instant; return whether an event is due."""
        if len(windows) > 1:
            windows.sort(key=lambda w: (w.source.endpoint, w.facts))
        memory = self.memory
        if at_us <= memory.judged_us:
            self._take_late(windows)
            return False
        memory.judged_us = at_us
        judged: list[tuple[str, WindowFacts]] = []
        for window in windows:
            memory.count(window)
            if self._serves(window, starts):
                judged.append((window.source.endpoint, window.facts))
            if memory.implied:
                self._count_implied(window, starts)
        if not judged or memory.state is None:
            return False
        changed = memory.state.observe(judged, at_us, self.policy)
        if changed or at_us - memory.emitted_us >= HEARTBEAT_US:
            memory.emitted_us = at_us
            return True
        # An end said that nothing more is to be waited for; now there is more.
        return memory.ended

    def take_late_starts(self, late: Sequence[Activation], starts: Starts) -> None:
        """Take in starts that are older than the last judgement, which cannot be judged anew."""
        memory, state = self.memory, self.memory.state
        memory.implied = [item for item in memory.implied if not self._is_told(item, starts)]
        was_running = state.running if state is not None and not state.starts else None
        for start in late:
            self.take_start(start)
        memory.moved = True
        if state is None or state is not memory.state:
            return
        serving, begin_us = (state.model, state.version), state.started_us
        period = starts.period(self.slot, serving, (begin_us, begin_us + 1))
        if period is not None:
            state.started_us = period.started_us
        if was_running is not None:  # by its windows; each was one of those that started
            state.running = min(state.running, len(state.instances)) if was_running else 0

    def _is_told(self, item: Implied, starts: Starts) -> bool:
        span_us = (item.first_us, item.first_us + 1)
        return starts.period(self.slot, (item.model, item.version), span_us) is not None

    def events(self, at_us: int, *, is_end: bool = False) -> list[Event]:
        """Make the event of the current finding, at the instant that was judged last.

        At the end of a backfill (`is_end`) it tells readers to expect no next event. If events of
        an earlier judgement stand for the time up to this instant, each is superseded by one event,
        or returned itself if its content is the same.
        """
        memory = self.memory
        assert memory.state is not None
        facet = serving_facet(
            memory.state,
            at_us,
            self.policy,
            service=self.slot.service,
            environment=self.slot.environment,
            deployment=self.slot.deployment,
            by_version=memory.totals,
            stands_seconds=0.0 if is_end else HEARTBEAT_US / SECOND_US,
            late_windows=memory.late_windows,
            inconsistent_windows=memory.inconsistent_windows,
        )
        make = partial(
            window_event,
            facet,
            tuple(serving_assertions(memory.state, facet.reasons or ())),
            from_micros(at_us),
            job=self.job,
            slot=self.slot,
        )
        before = memory.take_standing(at_us)
        own: list[str] = []
        if memory.event_us == at_us and memory.event_id is not None:
            own = [memory.event_id, *memory.twins]
        told = [_in_place_of(item, make) for item in before]
        if memory.moved or not told:
            told += [make(supersedes=event_id) for event_id in own]
            own = []
        told = told or [make()]
        memory.event_us = at_us
        memory.event_id, *memory.twins = [*(str(event.id) for event in told), *own]
        memory.moved, memory.ended = False, is_end
        return told

    def seen(self, at_us: int) -> Seen | None:
        """Return that all instances have shut down, as of the last judgement; else None."""
        state = self.memory.state
        if state is None or state.running or state.last_flush_us is None:
            return None
        return Seen(
            from_micros(at_us),
            (state.model, state.version),
            runs=False,
            flushed=from_micros(state.last_flush_us),
            stop_seconds=self.policy.stop_seconds,
        )

    def _take_late(self, windows: Sequence[Pending]) -> None:
        """Count windows that came late; the next judgement sees those whose minute is in memory."""
        memory = self.memory
        for window in windows:
            memory.late_windows += memory.count(window)
            if memory.state is not None and _is_of_state(memory.state, window):
                memory.state.add_late(window.source.endpoint, window.facts, self.policy)

    def _count_implied(self, window: Pending, starts: Starts) -> None:
        source = window.source
        for item in self.memory.implied:
            is_of_it = (item.model, item.version) == (source.model, source.version)
            if is_of_it and self._period(window, starts) is None:
                item.windows += 1

    def _period(self, window: Pending, starts: Starts) -> Period | None:
        source, facts = window.source, window.facts
        serving = (source.model, source.version)
        return starts.period(self.slot, serving, (facts.start_us, facts.end_us))

    def _serves(self, window: Pending, starts: Starts) -> bool:
        """Return whether a window is of the judged activation; a newer one replaces that first."""
        memory, state = self.memory, self.memory.state
        if state is not None and _is_of_state(state, window):
            return True
        source = window.source
        period = self._period(window, starts)
        if period is None:
            started_us, is_new = window.facts.start_us, _note_implied(memory, window)
        else:
            started_us, is_new = period.started_us, True
        if state is not None and not _takes_over(state, window, started_us, is_new=is_new):
            return False
        memory.state = DeploymentState(source.model, source.version, started_us)
        return True


def _in_place_of(before: Standing, make: Callable[..., Event]) -> Event:
    """Make an event that supersedes one of an earlier judgement, or that one if it is the same."""
    same = make(supersedes=before.supersedes)
    return same if same.id == before.id else make(supersedes=before.id)


def _is_of_state(state: DeploymentState, window: Pending) -> bool:
    source = window.source
    return (
        state.version == source.version
        and state.model == source.model
        and window.facts.end_us > state.started_us
    )


def _takes_over(state: DeploymentState, window: Pending, started_us: int, *, is_new: bool) -> bool:
    """Return whether another activation, by its window, replaces the judged one."""
    if is_new and started_us > state.started_us:
        return True
    if state.starts:
        return False
    newest_us = max((e.lookback.newest_end_us for e in state.endpoints.values()), default=0)
    return window.facts.start_us >= newest_us + TAKEOVER_US


def _note_implied(memory: SlotMemory, window: Pending) -> bool:
    """Note a model version without a deployment event; return whether it is new."""
    source = window.source
    if any((i.model, i.version) == (source.model, source.version) for i in memory.implied):
        return False
    memory.implied.append(Implied(source.model, source.version, window.facts.start_us))
    return True
