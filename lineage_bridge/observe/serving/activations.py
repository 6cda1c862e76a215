"""Activations: the times in which a deployment serves one model version.

They are derived from the starts of its instances: successive starts of one version are one
activation (replicas, restarts), a start of another version begins the next, so v1 -> v5 -> v1 are
three. A window belongs to the activation of its own version that overlaps it. A start is due once
the judging of windows has come to its time, and is fed when the evaluator has taken it in.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from lineage_bridge.naming import Slot
from lineage_bridge.times import to_micros


@dataclass(frozen=True, slots=True)
class Activation:
    """One start of one instance; `run_id` is that of the serving run it began."""

    slot: Slot
    model: str
    version: str
    instance: str | None
    started: datetime
    run_id: str

    @property
    def started_us(self) -> int:
        """`started` in microseconds since the epoch."""
        return to_micros(self.started)


@dataclass(frozen=True, slots=True)
class Period:
    """One activation of a slot; `ended_us` is None until another version takes the slot."""

    model: str
    version: str
    started_us: int
    ended_us: int | None

    def overlaps(self, start_us: int, end_us: int) -> bool:
        """Return whether it shares time with a window."""
        return self.started_us < end_us and (self.ended_us is None or self.ended_us > start_us)


class Starts:
    """All starts in the order of time; each is handed out once."""

    def __init__(self, starts: Iterable[Activation], fed: set[str]) -> None:
        """Sort the starts; `fed` are the run ids that were handed out in an earlier run."""
        known = sorted(starts, key=lambda a: (a.started_us, a.slot, a.instance or "", a.run_id))
        self._due = [start for start in known if start.run_id not in fed]
        self._times = [start.started_us for start in self._due]
        self._next = 0
        self._periods = {slot: _periods(own) for slot, own in _by_slot(known).items()}

    def due(self, until_us: int) -> Iterator[Activation]:
        """Yield the starts up to and including an instant that were not handed out before."""
        end = bisect_right(self._times, until_us)
        while self._next < end:
            self._next += 1
            yield self._due[self._next - 1]

    def take(self, slot: Slot, until_us: int) -> list[Activation]:
        """Return one slot's starts up to and including an instant, if not handed out before."""
        found = [s for s in self._due if s.slot == slot and s.started_us <= until_us]
        self._due = [s for s in self._due if s not in found]
        self._times = [start.started_us for start in self._due]
        return found

    def period(
        self, slot: Slot, serving: tuple[str, str], span_us: tuple[int, int]
    ) -> Period | None:
        """Return the activation of a window of that model version; None if no event started one.

        A replica may still answer after another version took over: its window then belongs to the
        last activation of its version.
        """
        own = [p for p in self._periods.get(slot, ()) if (p.model, p.version) == serving]
        begun = [p for p in own if p.started_us < span_us[1]]
        overlapping = [p for p in begun if p.overlaps(*span_us)]
        fitting = overlapping or begun
        return fitting[-1] if fitting else None


def _by_slot(starts: Sequence[Activation]) -> dict[Slot, list[Activation]]:
    found: dict[Slot, list[Activation]] = {}
    for start in starts:
        found.setdefault(start.slot, []).append(start)
    return found


def _periods(starts: Sequence[Activation]) -> list[Period]:
    firsts: list[Activation] = []
    for start in starts:
        if not firsts or (firsts[-1].model, firsts[-1].version) != (start.model, start.version):
            firsts.append(start)
    ends = [*(first.started_us for first in firsts[1:]), None]
    return [
        Period(first.model, first.version, first.started_us, end)
        for first, end in zip(firsts, ends, strict=True)
    ]
