"""Serving health: what a deployment's metric windows say about it, endpoint by endpoint.

State and verdict, without a clock: windows and starts are taken in as they happened, and whenever
all that was known at one instant is in, `observe` judges it. The state is plain data (dataclasses
of numbers, texts and lists), so that it can be stored and taken up again; `docs/findings.md` has
the rules with their evidence.

What time alone changes (stopped, silent, no requests yet) is not judged here but in `liveness`, by
whoever reads the finding at a later time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lineage_bridge.assess.endpoint import EndpointState
from lineage_bridge.assess.lookback import MINUTE_US, WindowFacts
from lineage_bridge.assess.policy import ServingPolicy


@dataclass(slots=True)
class DeploymentState:
    """A deployment within one activation: its endpoints and its signs of life.

    `instances` are the names of those that started (an empty name where none was given), `running`
    how many of them are believed to run: a flush takes one away, a start adds one.
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
        """One instance of this model version started."""
        name = instance or ""
        self.starts += 1
        if name not in self.instances:
            self.instances.append(name)
            self.running += 1
        elif self.running < len(self.instances):
            self.running += 1  # it had flushed; otherwise it crashed, and takes its own place
        self.last_start_us = max(at_us, self.last_start_us or at_us)

    def observe(
        self, lines: Sequence[tuple[str, WindowFacts]], at_us: int, policy: ServingPolicy
    ) -> bool:
        """Take in all windows of one instant and judge.

        Tell whether there is something to say: a finding changed, or the last instance flushed, or
        one is alive after that.
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
                self.running = 1  # someone is alive after all
        self.last_heartbeat_us = at_us
        return self.judge(policy) or was_running != (self.running > 0)

    def judge(self, policy: ServingPolicy) -> bool:
        """Judge every endpoint as of the last sign of life; tell whether a finding changed."""
        life_us = self.last_life_us
        changed = False
        for state in self.endpoints.values():
            changed |= state.judge(life_us, policy)
        return changed

    def add_late(self, endpoint: str, window: WindowFacts, policy: ServingPolicy) -> None:
        """Take in a window of an instant that was judged already; the next judgement has it."""
        state = self.endpoints.get(endpoint)
        if state is not None:
            state.add(window, policy)

    def _notice_lost_window(self, state: EndpointState, window: WindowFacts) -> None:
        """A window is written because of a request in a later minute: is that minute there?

        P5 loses a minute when it turns while a request is under way. Several instances hide that,
        and a restart explains it.
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
