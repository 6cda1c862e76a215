"""The course of a run: its state, and when it began and ended.

Better than in Marquez: it depends on the events of the run alone, whatever order they arrive in.
The newest event that decides gives the state, on a tie a terminal one. An event of type OTHER, or
of a type that nobody knows, decides nothing, as in the graph; in a run of nothing else it is a sign
of life. Source of the states: `OpenLineageDao.getRunState`.
"""

from __future__ import annotations

from typing import NamedTuple

FOREVER_US = 2**62  # sorts a run without a known state before all others, as PostgreSQL's null does
TERMINAL = {"COMPLETE": "COMPLETED", "FAIL": "FAILED", "ABORT": "ABORTED"}
_DECIDING = {"START": "RUNNING", "RUNNING": "RUNNING", **TERMINAL}
_RANKS = {"RUNNING": 0, "COMPLETED": 1, "ABORTED": 2, "FAILED": 3}


def run_state(event_type: str | None) -> str | None:
    """Return the state that an event of that type gives a run; None for an event without a type."""
    return None if event_type is None else _DECIDING.get(event_type.upper(), "RUNNING")


def is_terminal(state: str | None) -> bool:
    """Return whether a run in that state is over."""
    return state in TERMINAL.values()


class Course(NamedTuple):
    """What the events of a run so far say of its course; all times are event times.

    Attributes:
        state: None if no event had a type.
        state_us: of the event that decides the state; None if none does.
        start_us: of the earliest START.
        heard_us: of the earliest other event that is not terminal.
        ended_us: of the newest terminal event.
    """

    state: str | None = None
    state_us: int | None = None
    start_us: int | None = None
    heard_us: int | None = None
    ended_us: int | None = None

    @property
    def is_over(self) -> bool:
        """Whether the run has ended."""
        return is_terminal(self.state)

    @property
    def started_us(self) -> int | None:
        """When the run began: at its earliest START, else at the first sign of life before its end.

        None if it is known only by its end.
        """
        if self.start_us is not None or self.heard_us is None:
            return self.start_us
        is_too_late = self.is_over and self.ended_us is not None and self.ended_us < self.heard_us
        return None if is_too_late else self.heard_us

    @property
    def latest_us(self) -> int:
        """The time that orders the latest runs of a job."""
        if self.state_us is not None:
            return self.state_us
        return FOREVER_US if self.heard_us is None else self.heard_us

    def is_past(self, event_type: str, at_us: int) -> bool:
        """Return whether an event is older than the one that decides, or came after the end.

        After the end comes what is newer and decides nothing.
        """
        kind = event_type.upper()
        if kind not in _DECIDING and self.is_over:
            return True
        return self.state_us is not None and self._is_behind(_DECIDING.get(kind, "RUNNING"), at_us)

    def after(self, event_type: str, at_us: int) -> Course:
        """Return the course with one more event."""
        kind = event_type.upper()
        state, state_us, start_us, heard_us, ended_us = self
        if kind in TERMINAL:
            ended_us = at_us if ended_us is None else max(ended_us, at_us)
        elif kind == "START":
            start_us = at_us if start_us is None else min(start_us, at_us)
        else:
            heard_us = at_us if heard_us is None else min(heard_us, at_us)
        if kind not in _DECIDING:
            state = "RUNNING" if state_us is None else state
        elif state_us is None or not self._is_behind(_DECIDING[kind], at_us):
            state, state_us = _DECIDING[kind], at_us
        return Course(state, state_us, start_us, heard_us, ended_us)

    def _is_behind(self, state: str, at_us: int) -> bool:
        """Return whether the event that decides comes after one at a time, or wins the tie."""
        assert self.state is not None
        assert self.state_us is not None
        return (self.state_us, _RANKS[self.state]) > (at_us, _RANKS[state])
