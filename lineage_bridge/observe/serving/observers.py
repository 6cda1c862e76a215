"""Judge the windows that were read, instant by instant, and collect the events that are due.

An observer's event is due when a deployment's finding changed, after every 15 minutes of data, and
at the end of a backfill for sums that are in no event yet. All other events up to its instant are
collected before it, so that the journal is in the order of event time. A collected event is told:
it waits to be appended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from operator import attrgetter

from lineage_bridge.adapters.serving_windows import observer_job
from lineage_bridge.assess.policies import policy_mark
from lineage_bridge.facets.serving_policy import ServingPolicy
from lineage_bridge.journal import Journal
from lineage_bridge.naming import Slot
from lineage_bridge.observe.serving.activations import Starts
from lineage_bridge.observe.serving.knowledge import Knowledge
from lineage_bridge.observe.serving.memory import Pending, SlotMemory, Source
from lineage_bridge.observe.serving.observer import Observer
from lineage_bridge.observe.serving.resume import JournalFindings
from lineage_bridge.observe.serving.state import Memories, Saving, load_fed, save_fed
from lineage_bridge.observe.unsaved import Standing, Told, forget, load_ahead


class Observers:
    """One observer for each deployment, over the memory in the journal's database.

    Args:
        journal: has the memory.
        namespace: of the observers' jobs.
        knowledge: the starts, and the events of records.
        policies: the policy of each deployment.
        kept: deployments that ought to be judged anew (a start older than the last judgement, or
            another policy) but cannot, and so go on with their memory.
        memories: of all deployments, if they are loaded already.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        namespace: str,
        knowledge: Knowledge,
        policies: Callable[[Slot], ServingPolicy],
        kept: Iterable[Slot] = (),
        memories: Mapping[Slot, SlotMemory] | None = None,
    ) -> None:
        with journal.reading() as connection:
            fed = load_fed(connection)
            self._ahead = load_ahead(connection)
        knowledge.outgoing.load()
        unsaved = {item.id for items in self._ahead.values() for item in items}
        found = JournalFindings(journal, namespace, unsaved)
        self._starts = Starts(knowledge.activations, fed)
        self._memories = Memories(journal, found.of, memories)
        self._fed: list[str] = []
        self._namespace = namespace
        self._policies = policies
        self._outgoing = knowledge.outgoing
        self._told: list[Told] = []
        self._observers: dict[Slot, Observer] = {}
        self._by_source: dict[Source, Observer] = {}
        self._changed: set[Observer] = set()
        self._passed: list[str] = []
        self._is_outdated = False
        for slot in kept:
            self._go_on_with(self._of_slot(slot))

    @property
    def is_outdated(self) -> bool:
        """Whether the journal judged a deployment by other facts: it is to be judged anew."""
        return self._is_outdated

    @property
    def told(self) -> int:
        """How many events wait to be appended."""
        return len(self._told)

    def make_way(self, at_us: int | None, limit: int) -> bool:
        """Collect events of records up to an instant (None: all); return False if more are left."""
        left = max(0, limit - len(self._told))
        found = self._outgoing.take_until(at_us, left)
        self._told += found
        return len(found) < left

    def judge(self, at_us: int, windows: Iterable[Pending]) -> None:
        """Judge all windows of one instant."""
        self._take_starts(at_us)
        together: dict[Observer, list[Pending]] = {}
        for window in windows:
            observer = self._by_source.get(window.source) or self._observer(window.source)
            together.setdefault(observer, []).append(window)
        self._changed.update(together)
        due = [observer for observer, own in together.items() if self._judge(observer, at_us, own)]
        for observer in sorted(due, key=attrgetter("slot")) if len(due) > 1 else due:
            self._tell(observer, at_us)
        if self._ahead:
            self._pass_by(set(self._ahead) & {o.slot for o in together}, at_us - 1)

    def _judge(self, observer: Observer, at_us: int, windows: list[Pending]) -> bool:
        if observer.memory.is_behind and not observer.is_behind(at_us):
            self._pass_journal(observer)
        # What the journal says up to then stands.
        is_behind = observer.is_behind(at_us)
        return observer.judge(at_us, windows, self._starts) and not is_behind

    def finish(self, *, tell_sums: bool) -> None:
        """Collect the last events, with `tell_sums` also those of sums that changed.

        Starts after the last window are left for the run that reads a later window.
        """
        for slot in self._memories.behind():
            self._pass_journal(self._of_slot(slot))
        self._tell_untold(tell_sums=tell_sums)
        if self._ahead:
            for slot in list(self._ahead):
                self._pass_by([slot], self._of_slot(slot).memory.judged_us)
            self._tell_untold(tell_sums=tell_sums)

    def take_told(self) -> list[Told]:
        """Return the events since the last call, in the order to append them in."""
        told, self._told = self._told, []
        return told

    def savings(self) -> list[Saving]:
        """Return functions that save everything that changed since the last call."""
        found: list[Saving] = []
        if self._changed:
            found.append(self._memories.saving(sorted(o.slot for o in self._changed)))
        if self._fed:
            found.append(partial(save_fed, run_ids=self._fed))
        if self._passed:
            found.append(partial(forget, ids=self._passed))
        self._changed.clear()
        self._fed, self._passed = [], []
        return found

    def _tell_untold(self, *, tell_sums: bool) -> None:
        untold = [self._of_slot(slot) for slot in self._memories.untold()]
        for observer in sorted(untold, key=lambda o: (o.memory.judged_us, o.slot)):
            memory = observer.memory
            is_outdated = any(item.at_us <= memory.judged_us for item in memory.standing)
            if is_outdated or (tell_sums and memory.moved and not memory.is_short):
                self._changed.add(observer)
                self._tell(observer, memory.judged_us, is_end=tell_sums)

    def _pass_by(self, slots: Iterable[Slot], until_us: int) -> None:
        """Let this process supersede events up to an instant that only a killed process told."""
        for slot in slots:
            observer, ahead = self._of_slot(slot), self._ahead[slot]
            superseded = {item.supersedes for item in ahead}
            passed = [item for item in ahead if item.at_us <= until_us]
            if not passed:
                continue
            observer.memory.standing += [item for item in passed if item.id not in superseded]
            self._keep_ahead(slot, [item for item in ahead if item.at_us > until_us])
            self._passed += [item.id for item in passed]
            self._changed.add(observer)

    def _keep_ahead(self, slot: Slot, items: list[Standing]) -> None:
        if items:
            self._ahead[slot] = items
        else:
            self._ahead.pop(slot, None)

    def _take_starts(self, until_us: int) -> None:
        for start in self._starts.due(until_us):
            observer = self._of_slot(start.slot)
            if observer.memory.is_behind and not observer.is_behind(start.started_us):
                self._pass_journal(observer)
            observer.take_start(start)
            self._changed.add(observer)
            self._fed.append(start.run_id)

    def _pass_journal(self, observer: Observer) -> None:
        self._fed += [start.run_id for start in observer.pass_journal(self._starts)]
        resumed = observer.memory.resumed
        self._is_outdated |= resumed is not None and resumed.is_outdated
        self._changed.add(observer)

    def _go_on_with(self, observer: Observer) -> None:
        late = self._starts.take(observer.slot, observer.memory.judged_us)
        observer.take_late_starts(late, self._starts)
        if observer.memory.resumed is not None:
            observer.memory.resumed.is_outdated = False
        self._fed += [start.run_id for start in late]
        self._changed.add(observer)

    def _observer(self, source: Source) -> Observer:
        observer = self._by_source[source] = self._of_slot(source.slot)
        return observer

    def _of_slot(self, slot: Slot) -> Observer:
        observer = self._observers.get(slot)
        if observer is None:
            job = observer_job(self._namespace, slot)
            memory, policy = self._memories.of(slot), self._policies(slot)
            memory.policy = policy_mark(policy)
            observer = Observer(slot, memory, policy, job)
            self._observers[slot] = observer
        return observer

    def _tell(self, observer: Observer, at_us: int, *, is_end: bool = False) -> None:
        self._told += self._outgoing.take_until(at_us)
        slot = observer.slot
        events = observer.events(at_us, is_end=is_end)
        self._told += [Told(event, slot) for event in events]
        if (seen := observer.seen(at_us)) is not None:
            self._outgoing.see(slot, seen)
        if slot in self._ahead:
            ids = {event.id for event in events}
            self._keep_ahead(slot, [item for item in self._ahead[slot] if item.id not in ids])
