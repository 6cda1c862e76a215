"""Which events may be sent now: pure, without clock, network or state on disk.

Events are sent in parallel, except where their order matters: two events of one job, and two of
which one writes a dataset that the other reads or writes. Of such a pair the earlier one is
finished before the later one starts. Events with equal times are ordered writer before reader, then
by the state that a run reaches, then by arrival.

Source: Marquez binds a reader to the version that is current when its event arrives, and two events
of one run that arrive together may leave the run in the wrong state.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby


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
    """The events that are still to be sent, and those under way.

    Each event knows how many others must be finished before it, and each of those which it holds
    back. So the next event is found without a look at all that wait.
    """

    def __init__(self) -> None:
        self._waiting: dict[int, Item] = {}  # by number, in order
        self._under_way: dict[int, Item] = {}
        self._places: dict[int, int] = {}  # of what was waiting when the order was laid out
        self._holders: dict[int, int] = {}  # how many hold an event back
        self._held: dict[int, list[int]] = {}  # the events that an event holds back
        self._free: list[tuple[int, int]] = []  # place and number of what nothing holds back

    def __len__(self) -> int:
        return len(self._waiting)

    def replace(self, items: Iterable[Item]) -> None:
        """Set the events that are still to be sent; those under way are left out of them."""
        arranged = arrange(i for i in items if i.seq not in self._under_way)
        self._waiting = {item.seq: item for item in arranged}
        self._places = {item.seq: place for place, item in enumerate(arranged)}
        self._holders, self._held = {}, {}
        earlier = _Earlier()
        for item in self._under_way.values():
            earlier.add(item)
        for item in arranged:
            holders = earlier.holders(item)
            earlier.add(item)
            self._holders[item.seq] = len(holders)
            for holder in holders:
                self._held.setdefault(holder, []).append(item.seq)
        self._free = [(self._places[seq], seq) for seq in self._waiting if not self._holders[seq]]

    def ready(self, limit: int) -> list[Item]:
        """Return the events that may be sent now, earliest first."""
        return [self._waiting[seq] for _, seq in self._free[:limit]]

    def next(self) -> Iterator[Item]:
        """Yield the events that are still to be sent, mostly in order."""
        return iter(self._waiting.values())

    def start(self, item: Item) -> None:
        """Mark an event as under way."""
        self._free.remove((self._places[item.seq], item.seq))
        self._under_way[item.seq] = self._waiting.pop(item.seq)

    def finish(self, seq: int) -> None:
        """Drop an event that is done with, so that events waiting for it may go."""
        del self._under_way[seq]
        for held in self._held.pop(seq, ()):
            self._holders[held] -= 1
            if not self._holders[held]:
                insort(self._free, (self._places[held], held))

    def release(self, seq: int) -> None:
        """Put back an event that did not arrive, in its old place."""
        item = self._under_way.pop(seq)
        if seq not in self._places:  # others came meanwhile, which may go before it
            self.replace([*self._waiting.values(), item])
            return
        self._waiting[seq] = item
        insort(self._free, (self._places[seq], seq))


class _Earlier:
    """The events before an event, as far as it may have to wait for them.

    Of those that wait for each other only the last ones count.
    """

    def __init__(self) -> None:
        self._job: dict[str, int] = {}
        self._writer: dict[str, int] = {}
        self._readers: dict[str, list[int]] = {}  # since the last writer

    def holders(self, item: Item) -> set[int]:
        """Return the numbers of the events that must be finished before one."""
        found = {self._writer[name] for name in item.reads | item.writes if name in self._writer}
        for name in item.writes:
            found.update(self._readers.get(name, ()))
        if item.job in self._job:
            found.add(self._job[item.job])
        return found

    def add(self, item: Item) -> None:
        self._job[item.job] = item.seq
        for name in item.reads:
            self._readers.setdefault(name, []).append(item.seq)
        for name in item.writes:
            self._writer[name] = item.seq
            self._readers[name] = []


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
