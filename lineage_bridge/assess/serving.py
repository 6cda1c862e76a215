"""Serving health: a deployment judged by its metric windows, endpoint by endpoint.

No clock is read here: windows and starts are added in the order in which they happened, and
`observe` judges as soon as it has all windows of one instant. The state is plain data (dataclasses
of numbers, texts and lists), so that it can be stored and loaded again; `docs/findings.md` has the
rules with their evidence.

Statuses that come with time alone (stopped, silent, no requests yet) are not judged here but in
`liveness`, for whoever reads the finding at a later time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lineage_bridge.assess.endpoint import EndpointState
from lineage_bridge.assess.lookback import MINUTE_US, WindowFacts
from lineage_bridge.facets.serving_policy import ServingPolicy


@dataclass(slots=True)
class DeploymentState:
    """A deployment within one activation: its endpoints and its signs of life.

    `instances` are the names of those that started (an empty name where none was given), `running`
    is how many of them are believed to run: a flush subtracts one, a start adds one.
    """

    model: str
    version: str
    started_us: int
    endpoints: dict[str, EndpointState] = field(default_factory=dict)
    instances: list[str] = field(default_factory=list)
    running: int = 0
    starts: int = 0
    flushes: int = 0
    last_start_us: int | None = None
    last_flush_us: int | None = None
    last_heartbeat_us: int | None = None

    @property
    def last_life_us(self) -> int:
        """The newest sign of life."""
        return max(self.started_us, self.last_start_us or 0, self.last_heartbeat_us or 0)

    def start(self, instance: str | None, at_us: int) -> None:
        """Record that one instance of this model version started."""
        name = instance or ""
        self.starts += 1
        if name not in self.instances:
            self.instances.append(name)
            self.running += 1
        elif self.running < len(self.instances):
            self.running += 1  # it had flushed; an instance that crashed is still counted
        self.last_start_us = max(at_us, self.last_start_us or at_us)

    def observe(
        self, lines: Sequence[tuple[str, WindowFacts]], at_us: int, policy: ServingPolicy
    ) -> bool:
        """Add all windows of one instant, and judge; return whether a finding is to be emitted.

        It is if a finding changed, if the last instance flushed, or if one is alive after that.
        """
        was_running = self.running > 0
        for endpoint, window in lines:
            state = self.endpoints.get(endpoint)
            if state is None:
                state = self.endpoints[endpoint] = EndpointState()
            self._notice_lost_window(state, window)
            state.add(window, policy)
            if window.requests:
                state.last_request_us = at_us
            if window.flush:
                state.flushes += 1
                self._flushed(state, at_us)
            elif not self.running:
                self.running = 1  # an instance is alive after all
        self.last_heartbeat_us = at_us
        return self.judge(policy) or was_running != (self.running > 0)

    def judge(self, policy: ServingPolicy) -> bool:
        """Judge every endpoint as of the last sign of life; return whether a finding changed."""
        life_us = self.last_life_us
        changed = False
        for state in self.endpoints.values():
            changed |= state.judge(life_us, policy)
        return changed

    def add_late(self, endpoint: str, window: WindowFacts, policy: ServingPolicy) -> None:
        """Add a window of an instant that was judged already; the next judgement counts it."""
        state = self.endpoints.get(endpoint)
        if state is not None:
            state.add(window, policy)

    def _notice_lost_window(self, state: EndpointState, window: WindowFacts) -> None:
        """Count the minute of the last writing as lost if it has no window.

        P5 writes a window because of a request in a later minute, so that minute should have a
        window too. P5 loses it when the minute turns while a request is under way. Several
        instances hide the loss, and a restart explains it.
        """
        written_us, held = self.last_heartbeat_us, state.lookback.minutes
        if not held or window.start_us <= held[-1].start_us + MINUTE_US or written_us is None:
            return
        expected_us = written_us - written_us % MINUTE_US
        missed = held[-1].start_us < expected_us < window.start_us
        explained = (self.last_start_us or 0) > written_us
        if missed and not explained and self.running <= 1 and len(self.endpoints) == 1:
            state.windows_lost += 1

    def _flushed(self, state: EndpointState, at_us: int) -> None:
        # An instance flushes one window for each of its endpoints.
        if state.flushes > self.flushes:
            self.flushes = state.flushes
            self.running = max(0, self.running - 1)
        self.last_flush_us = at_us
