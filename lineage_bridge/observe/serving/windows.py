"""Metric windows -> findings -> observer events, in the order in which the windows became known.

Windows are judged by the instant at which they were written, all windows of one instant together,
so no judgement uses facts from its future, and a backfill gives the same events as a watcher would
have. Files are read in the order of their minute; a window is never written before its own minute,
so all windows written before the minute of the next file can be judged, and only the others wait.

The work is done in passes of bounded time, each under a lease, so that several processes take
turns: a process that finds that another one has worked meanwhile loads the stored state again. A
pass reads and judges outside of any transaction; then its events are appended, and last one
transaction saves cursors, evaluators and waiting windows. Killed at any time and started again, it
produces the same events as in one go.

A line that comes after its instant was judged counts in the sums and is noted; the findings of that
time stay as they are. If a start comes that late, or the policy changes, the deployment is judged
anew (`rejudge`). Where the memory of a deployment is missing, and the journal has findings of it,
these stand, and judging goes on from there (`resume`).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from lineage_bridge.errors import JournalError
from lineage_bridge.facets.serving_policy import ServingPolicy
from lineage_bridge.journal import Journal
from lineage_bridge.journal.lease import PASS_SECONDS, lease, patient
from lineage_bridge.naming import Slot
from lineage_bridge.observe import cursors, unsaved
from lineage_bridge.observe.serving import rejudge
from lineage_bridge.observe.serving.activations import Activation
from lineage_bridge.observe.serving.files import WindowFile, changed_files
from lineage_bridge.observe.serving.knowledge import Knowledge, Waiting
from lineage_bridge.observe.serving.memory import Pending
from lineage_bridge.observe.serving.observers import Observers
from lineage_bridge.observe.serving.reading import WindowReading, WindowsResult
from lineage_bridge.observe.serving.state import generation_of, raise_generation
from lineage_bridge.observe.tables import INGEST

__all__ = ["Activation", "Knowledge", "Waiting", "WindowsResult", "ingest_windows"]

LEASE = "ingest"
BATCH_WINDOWS = 10_000  # in one pass: if that is lost, under half a second of work is repeated
BATCH_EVENTS = 2_000
WAIT_SECONDS = 600.0  # how long to wait for a process that has the lease and makes no progress
PAUSE_SECONDS = 0.01  # between two passes: longer than the interval at which others try the lease


def ingest_windows(
    journal: Journal,
    files: Iterable[Path | str],
    *,
    namespace: str,
    policies: Callable[[Slot], ServingPolicy],
    learn: Callable[[], Knowledge],
    progress: Callable[[int], None] | None = None,
    final: bool = True,
) -> WindowsResult:
    """Read window files on from where reading ended, and append the events that they call for.

    The events of records that are due are appended in between by their time, and all of them by the
    end.

    Args:
        journal: gets the events, and the memory for the next run.
        files: the window files, in any order.
        namespace: of the observers' jobs and datasets.
        policies: the policy of each deployment.
        learn: links the records; called again whenever another process changed them.
        progress: called with the number of lines read so far.
        final: whether this is a backfill: its end emits sums that changed without a new finding.

    Raises:
        JournalError: the journal cannot be written, or another process never returns the lease.
    """
    journal.prepare(INGEST)
    run = _Run(journal, files, namespace=namespace, policies=policies, learn=learn, final=final)
    while not run.take_turn():
        if progress is not None:
            progress(run.result.lines)
        time.sleep(PAUSE_SECONDS)
    return run.result


class _Run:
    """One run over window files, from turn to turn."""

    def __init__(
        self,
        journal: Journal,
        files: Iterable[Path | str],
        *,
        namespace: str,
        policies: Callable[[Slot], ServingPolicy],
        learn: Callable[[], Knowledge],
        final: bool,
    ) -> None:
        self.result = WindowsResult()
        self._journal = journal
        self._named: list[Path | str] = list(files)
        self._namespace = namespace
        self._policies = policies
        self._learn = learn
        self._final = final
        self._knowledge: Knowledge | None = None
        self._state: _State | None = None

    def take_turn(self) -> bool:
        """Work for one pass, as soon as no other process does; return True after the last one."""
        if self._knowledge is None:  # link before the lease is taken, so that nobody waits for it
            self._knowledge = self._learn()
        with lease(self._journal.home, LEASE, wait=patient(WAIT_SECONDS)) as held:
            if not held:
                raise JournalError(
                    f"Another process reads artifacts into the home `{self._journal.home}` and "
                    "does not come to an end. Stop it, or try again later."
                )
            with self._journal.reading() as connection:
                is_current = self._knowledge.is_current(connection)
                generation = generation_of(connection)
            if not is_current:
                self._knowledge = None
            if self._state is not None and (not is_current or self._state.generation != generation):
                self._named = [Path(file.path) for file in self._state.files]
                self._state = None
            if self._knowledge is None:
                return False
            if self._state is None:
                changed, unchanged = changed_files(self._journal, self._named)
                self.result.files_unchanged += unchanged
                if not changed and self._knowledge.settled == generation:
                    return True
                self._state = self._load(self._knowledge, changed)
            is_done = self._state.work(time.monotonic() + PASS_SECONDS, final=self._final)
            if is_done and self._state.is_outdated:
                self._named, self._state = [], None
                return False
            return is_done

    def _load(self, knowledge: Knowledge, changed: list[WindowFile]) -> _State:
        """Build the state from what is stored now, and from the named files that changed."""
        journal = self._journal
        anew = rejudge.plan(
            journal,
            namespace=self._namespace,
            activations=knowledge.activations,
            policies=self._policies,
        )
        rejudge.begin(journal, anew, knowledge.activations)
        with journal.reading() as connection:
            again = cursors.list_rewound(connection)
        if again:
            changed, _ = changed_files(journal, [*(file.path for file in changed), *again])
        observers = Observers(
            journal,
            namespace=self._namespace,
            knowledge=knowledge,
            policies=self._policies,
            kept=anew.kept,
            memories=anew.memories,
        )
        return _State(journal, deque(changed), observers, self.result)


class _State:
    """The state in memory from pass to pass; it is outdated once another process has worked."""

    def __init__(
        self,
        journal: Journal,
        files: deque[WindowFile],
        observers: Observers,
        result: WindowsResult,
    ) -> None:
        self.files = files  # still to be read
        self._journal = journal
        self._observers = observers
        self._result = result
        self._reading = WindowReading(journal, result)
        with journal.reading() as connection:
            self.generation = generation_of(connection)

    @property
    def is_outdated(self) -> bool:
        """Whether some deployments turned out to be due for judging anew."""
        return self._observers.is_outdated

    def work(self, deadline: float, *, final: bool) -> bool:
        """Read and judge until the deadline, then append and save; return True at the end."""
        is_done = self._read_and_judge(deadline)
        if is_done:
            self._observers.finish(tell_sums=final)
            is_done = self._observers.make_way(None, BATCH_EVENTS)
        self._save()
        return is_done

    def _read_and_judge(self, deadline: float) -> bool:
        """Read and judge one pass's worth, at least one file or instant; return True at the end."""
        reading, observers = self._reading, self._observers
        enough = reading.taken + BATCH_WINDOWS
        judged = 0

        def judge(at_us: int, windows: Sequence[Pending]) -> None:
            nonlocal judged
            observers.judge(at_us, windows)
            judged += 1

        def may_go_on(at_us: int) -> bool:
            return (not judged or time.monotonic() < deadline) and observers.make_way(
                at_us, BATCH_EVENTS
            )

        while self.files:
            if not reading.judge_before(self.files[0].minute_us, judge, may_go_on):
                return False
            rest = reading.read(self.files.popleft(), deadline)
            if rest is not None:
                self.files.appendleft(rest)
            if reading.taken >= enough or time.monotonic() >= deadline:
                return False
        return reading.judge_before(None, judge, may_go_on)

    def _save(self) -> None:
        """Append the events of a pass; then save the memory in one transaction."""
        told = self._observers.take_told()
        self._result.events += unsaved.append(self._journal, told)
        savings = [*self._observers.savings(), *self._reading.savings()]
        if told:
            savings.append(partial(unsaved.save_told, told=told))
        if not savings:
            return
        with self._journal.transaction() as tx:
            for save in savings:
                save(tx.connection)
            raise_generation(tx.connection)
        self.generation += 1
