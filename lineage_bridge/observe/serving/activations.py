"""Activations: the times in which a deployment serves one model version.

They are derived from the starts of its instances: successive starts of one version are one
activation (replicas, restarts), a start of another version begins the next, so v1 -> v5 -> v1 are
three. A window belongs to the activation of its own version that overlaps it. A start is due once
the judging of windows has come to its time, and is fed when the evaluator has taken it in.
"""

from __future__ import annotations

from bisect import bisect_left
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
    """One activation of a slot; it lasts until another version takes the slot."""

    model: str
    version: str
    started_us: int


class Starts:
    """All starts in the order of time; each is handed out once."""

    def __init__(self, starts: Iterable[Activation], fed: set[str]) -> None:
        """Sort the starts; `fed` are the run ids that were handed out in an earlier run."""
        known = sorted(starts, key=lambda a: (a.started_us, a.slot, a.instance or "", a.run_id))
        self._of_slot = _by_slot(known)
        self._due = [start for start in known if start.run_id not in fed]
        self._next = 0
        self._handed_out = fed
        self._periods: dict[tuple[Slot, str, str], Periods] = {}
        self._has_periods: set[Slot] = set()

    def due(self, until_us: int) -> Iterator[Activation]:
        """Yield the starts up to and including an instant that were not handed out before."""
        while self._next < len(self._due) and self._due[self._next].started_us <= until_us:
            start = self._due[self._next]
            self._next += 1
            if start.run_id not in self._handed_out:
                self._handed_out.add(start.run_id)
                yield start

    def take(self, slot: Slot, until_us: int) -> list[Activation]:
        """Return one slot's starts up to and including an instant, if not handed out before."""
        found = [
            start
            for start in self._of_slot.get(slot, ())
            if start.started_us <= until_us and start.run_id not in self._handed_out
        ]
        self._handed_out.update(start.run_id for start in found)
        return found

    def period(
        self, slot: Slot, serving: tuple[str, str], span_us: tuple[int, int]
    ) -> Period | None:
        """Return the activation of a window of that model version; None if no event started one.

        A replica may still answer after another version took over: its window then belongs to the
        last activation of its version.
        """
        if slot not in self._has_periods:
            self._has_periods.add(slot)
            for period in _periods(self._of_slot.get(slot, [])):
                key = (slot, period.model, period.version)
                self._periods.setdefault(key, Periods()).add(period)
        own = self._periods.get((slot, *serving))
        return None if own is None else own.last_begun_before(span_us[1])


class Periods:
    """The activations of one model version in a slot, by time; none overlaps another.

    Of those that began before a window's end, the last is the one that overlaps it, if any does.
    """

    def __init__(self) -> None:
        self._starts_us: list[int] = []
        self._periods: list[Period] = []

    def add(self, period: Period) -> None:
        """Add the next one."""
        self._starts_us.append(period.started_us)
        self._periods.append(period)

    def last_begun_before(self, instant_us: int) -> Period | None:
        """Return the last one that began before an instant."""
        position = bisect_left(self._starts_us, instant_us)
        return self._periods[position - 1] if position else None


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
    return [Period(first.model, first.version, first.started_us) for first in firsts]
