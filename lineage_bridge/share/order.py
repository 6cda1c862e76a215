"""Which events may be sent now: pure, without clock, network or state on disk.

Events are sent in parallel, except where their order matters: two events of one job, and two of
which one writes a dataset that the other reads or writes. Of such a pair the earlier one is
finished before the later one starts. Events with equal times are ordered writer before reader, then
by the state that a run reaches, then by arrival.

Source: Marquez binds a reader to the version that is current when its event arrives, and two events
of one run that arrive together may leave the run in the wrong state.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

LOOK_AHEAD = 1000  # how many waiting events are considered: bounds the work of one `ready()`


@dataclass(frozen=True, slots=True)
class Item:
    """The facts that decide when an event may be sent.

    Attributes:
        seq: its number in the journal.
        time_us: its event time.
        job: its job; for a dataset event the dataset.
        run: its run.
        rank: how far the event brings its run: 0 START, 1 in between, 2 an end.
        reads: the datasets that it reads.
        writes: the datasets that it writes.
    """

    seq: int
    time_us: int
    job: str
    run: str = ""
    rank: int = 0
    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()


class Order:
    """The events that are still to be sent, and those under way."""

    def __init__(self) -> None:
        self._items: list[Item] = []
        self._under_way: dict[int, Item] = {}

    def __len__(self) -> int:
        return len(self._items)

    def replace(self, items: Iterable[Item]) -> None:
        """Set the events that are still to be sent; those under way are left out of them."""
        self._items = arrange(i for i in items if i.seq not in self._under_way)

    def ready(self, limit: int) -> list[Item]:
        """Return the events that may be sent now, earliest first."""
        taken = _Taken()
        for item in self._under_way.values():
            taken.add(item)
        ready: list[Item] = []
        for item in self._items[:LOOK_AHEAD]:
            if len(ready) >= limit:
                break
            if not taken.holds_back(item):
                ready.append(item)
            taken.add(item)
        return ready

    def start(self, item: Item) -> None:
        """Mark an event as under way."""
        self._items.remove(item)
        self._under_way[item.seq] = item

    def finish(self, seq: int) -> None:
        """Drop an event that is done with, so that events waiting for it may go."""
        del self._under_way[seq]

    def release(self, seq: int) -> None:
        """Put back an event that did not arrive, in its old place."""
        self._items = arrange([*self._items, self._under_way.pop(seq)])


class _Taken:
    """Jobs and datasets of all events that come before an event."""

    def __init__(self) -> None:
        self.jobs: set[str] = set()
        self.reads: set[str] = set()
        self.writes: set[str] = set()

    def holds_back(self, item: Item) -> bool:
        return (
            item.job in self.jobs
            or not item.reads.isdisjoint(self.writes)
            or not item.writes.isdisjoint(self.writes)
            or not item.writes.isdisjoint(self.reads)
        )

    def add(self, item: Item) -> None:
        self.jobs.add(item.job)
        self.reads |= item.reads
        self.writes |= item.writes


def arrange(items: Iterable[Item]) -> list[Item]:
    """Sort events into the order that counts wherever order matters."""
    arranged: list[Item] = []
    by_time = sorted(items, key=lambda item: (item.time_us, item.seq))
    for _, group in groupby(by_time, key=lambda item: item.time_us):
        arranged.extend(_of_one_instant(list(group)))
    return arranged


def _of_one_instant(group: Sequence[Item]) -> Sequence[Item]:
    """Order events by arrival, except that each comes after those that must precede it.

    The order of the rest stays the same while the first ones finish. If some feed each other in a
    circle, no order is right, and the circle is cut somewhere.
    """
    if _is_unrelated(group):
        return group
    arranged: list[Item] = []
    seen: set[int] = set()
    for item in group:
        path = [] if item.seq in seen else [(item, _preceding(item, group))]
        seen.add(item.seq)
        while path:
            last, preceding = path[-1]
            first = next((i for i in preceding if i.seq not in seen), None)
            if first is None:
                arranged.append(last)
                path.pop()
            else:
                seen.add(first.seq)
                path.append((first, _preceding(first, group)))
    return arranged


def _preceding(item: Item, group: Sequence[Item]) -> Iterator[Item]:
    return (one for one in group if _precedes(one, item))


def _is_unrelated(group: Sequence[Item]) -> bool:
    # Avoids comparing all with all, which is slow where thousands share an instant.
    reads = frozenset().union(*(item.reads for item in group))
    runs = {item.run or str(item.seq) for item in group}
    return len(runs) == len(group) and all(item.writes.isdisjoint(reads) for item in group)


def _precedes(one: Item, other: Item) -> bool:
    if one is other:
        return False
    if one.run and one.run == other.run:
        return one.rank < other.rank
    feeds = not one.writes.isdisjoint(other.reads)
    return feeds and other.writes.isdisjoint(one.reads)
