"""What judging windows needs to remember, in the journal's database.

Each deployment's evaluator and sums, the windows that were read and not judged yet, the starts that
were taken in, the counters that no window ever filled, and how often a deployment was judged anew.
None of it is needed to answer what the graph answers; all of it is needed to go on as if reading
had never stopped.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import msgspec

from lineage_bridge.adapters.p5_windows import Names, check_names
from lineage_bridge.assess.lookback import WindowFacts
from lineage_bridge.assess.serving import DeploymentState
from lineage_bridge.assess.serving_facts import Totals
from lineage_bridge.journal import Journal
from lineage_bridge.naming import Slot

Sums = tuple[int, int, int, int]  # successes, failures, rejected, timeouts
Saving = Callable[[sqlite3.Connection], None]  # all made up before a transaction begins


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """What all windows of one endpoint and one model version have in common.

    There is one object for each (`Sources`), so that it is compared and hashed by identity.
    """

    slot: Slot
    endpoint: str
    model: str
    version: str

    @property
    def names(self) -> Names:
        """As its windows carry them."""
        slot = self.slot
        return (
            slot.service,
            slot.environment,
            slot.deployment,
            self.endpoint,
            self.model,
            self.version,
        )


class Pending(msgspec.Struct, gc=False):
    """A window that was read, and when it became known. Many, and in no cycle: not for the gc."""

    at_us: int
    source: Source
    facts: WindowFacts
    sums: Sums
    is_inconsistent: bool


class Sources:
    """Every source that was met, by the names that its windows carry."""

    def __init__(self) -> None:
        self._by_names: dict[Names, Source] = {}

    def of(self, names: Names) -> Source:
        """The source of windows with these names.

        Raises:
            ArtifactError: one of the names is blank.
        """
        source = self._by_names.get(names)
        if source is None:
            check_names(names)
            service, environment, deployment, endpoint, model, version = names
            source = Source(Slot(service, environment, deployment), endpoint, model, version)
            self._by_names[names] = source
        return source


@dataclass(slots=True)
class Implied:
    """A model version that served, by its windows, without a deployment event."""

    model: str
    version: str
    first_us: int
    windows: int = 0


@dataclass(slots=True)
class Standing:
    """An observer's event of an earlier judgement that stands until this one comes to its time."""

    at_us: int
    id: str
    supersedes: str | None = None


@dataclass(slots=True)
class SlotMemory:
    """A deployment as it stands.

    Attributes:
        state: the evaluator of the activation that is judged.
        judged_us: the instant that was judged last.
        totals: the sums of each model version.
        implied: model versions without a deployment event.
        late_windows: windows that came when their instant had been judged.
        inconsistent_windows: windows whose numbers contradict each other.
        emitted_us: the newest event that the finding or the heartbeat called for.
        event_us: the newest event of all.
        event_id: its id.
        twins: ids of others that say the same, each in place of another event.
        moved: the sums changed since then.
        ended: it was the end of a backfill.
        policy: the mark of the policy that all this was judged by.
        standing: events of an earlier judgement, by time.
    """

    state: DeploymentState | None = None
    judged_us: int = 0
    totals: list[Totals] = field(default_factory=list)
    implied: list[Implied] = field(default_factory=list)
    late_windows: int = 0
    inconsistent_windows: int = 0
    emitted_us: int = 0
    event_us: int = 0
    event_id: str | None = None
    twins: list[str] = field(default_factory=list)
    moved: bool = False
    ended: bool = False
    policy: str = ""
    standing: list[Standing] = field(default_factory=list)

    def count(self, window: Pending) -> None:
        """Add a window to the sums of its model version."""
        totals = self._totals(window.source.model, window.source.version)
        successes, failures, rejected, timeouts = window.sums
        totals.windows += 1
        totals.requests += window.facts.requests
        totals.successes += successes
        totals.failures += failures
        totals.rejected += rejected
        totals.timeouts += timeouts
        totals.predictions += window.facts.predictions
        self.inconsistent_windows += window.is_inconsistent
        self.moved = True

    def take_standing(self, until_us: int) -> list[Standing]:
        """The events of an earlier judgement up to an instant; they are this one's to replace."""
        if not self.standing:
            return []
        due = [item for item in self.standing if item.at_us <= until_us]
        self.standing = [item for item in self.standing if item.at_us > until_us]
        return due

    def _totals(self, model: str, version: str) -> Totals:
        for totals in self.totals:
            if totals.model == model and totals.version == version:
                return totals
        self.totals.append(Totals(model, version))
        self.totals.sort(key=lambda t: (t.model, t.version))
        return self._totals(model, version)


_encode = msgspec.json.Encoder().encode
_memory_of = msgspec.json.Decoder(SlotMemory).decode
_pending_of = msgspec.json.Decoder(list[tuple[int, Names, WindowFacts, Sums, bool]]).decode


class Memories:
    """The memory of every deployment: read when it is first asked for, saved when it changed."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._memories: dict[Slot, SlotMemory] = {}

    def of(self, slot: Slot) -> SlotMemory:
        """A deployment's memory."""
        memory = self._memories.get(slot)
        if memory is None:
            with self._journal.reading() as connection:
                memory = self._memories[slot] = _load_memory(connection, slot)
        return memory

    def untold(self) -> list[Slot]:
        """The deployments of which there is something to tell yet, in order.

        Their sums moved, or events of an earlier judgement still stand.
        """
        with self._journal.reading() as connection:
            for slot, memory in all_slots(connection):
                self._memories.setdefault(slot, memory)
        return sorted(slot for slot, m in self._memories.items() if m.moved or m.standing)

    def saving(self, changed: Iterable[Slot]) -> Saving:
        """What saves the memories of these deployments as they are now."""
        return partial(_save_memories, rows=[_row(slot, self._memories[slot]) for slot in changed])


def _row(slot: Slot, memory: SlotMemory) -> tuple[str, str, str, bytes]:
    return (slot.service, slot.environment, slot.deployment, _encode(memory))


def _save_memories(
    connection: sqlite3.Connection, rows: Sequence[tuple[str, str, str, bytes]]
) -> None:
    connection.executemany("INSERT OR REPLACE INTO serving_slots VALUES (?, ?, ?, ?)", rows)


def _load_memory(connection: sqlite3.Connection, slot: Slot) -> SlotMemory:
    row = connection.execute(
        "SELECT memory FROM serving_slots WHERE service = ? AND environment = ? AND deployment = ?",
        (slot.service, slot.environment, slot.deployment),
    ).fetchone()
    return SlotMemory() if row is None else _memory_of(row[0])


def all_slots(connection: sqlite3.Connection) -> list[tuple[Slot, SlotMemory]]:
    """Every deployment with its memory, in order."""
    rows = connection.execute(
        "SELECT service, environment, deployment, memory FROM serving_slots ORDER BY 1, 2, 3"
    )
    return [(Slot(*names), _memory_of(memory)) for *names, memory in rows]


def load_pending(connection: sqlite3.Connection, sources: Sources) -> list[Pending]:
    """The windows that were read and not judged yet."""
    row = connection.execute("SELECT windows FROM window_pending").fetchone()
    return [
        Pending(at_us, sources.of(names), facts, sums, is_inconsistent)
        for at_us, names, facts, sums, is_inconsistent in (_pending_of(row[0]) if row else [])
    ]


def pending_saving(pending: Sequence[Pending]) -> Saving:
    """What saves the windows that were read and not judged yet."""
    plain = [(p.at_us, p.source.names, p.facts, p.sums, p.is_inconsistent) for p in pending]
    return partial(_save_pending, windows=_encode(plain))


def _save_pending(connection: sqlite3.Connection, windows: bytes) -> None:
    connection.execute(
        "INSERT INTO window_pending VALUES (1, 0, ?)"
        " ON CONFLICT DO UPDATE SET windows = excluded.windows",
        (windows,),
    )


def judge_anew(connection: sqlite3.Connection, standing: Mapping[Slot, list[Standing]]) -> None:
    """Forget what is remembered of deployments, but for the events that stand."""
    _save_memories(
        connection,
        [_row(slot, SlotMemory(standing=items)) for slot, items in standing.items()],
    )
    connection.executemany(
        "INSERT INTO serving_judgements VALUES (?, ?, ?, 1)"
        " ON CONFLICT DO UPDATE SET number = number + 1",
        [(slot.service, slot.environment, slot.deployment) for slot in standing],
    )


def load_judgements(connection: sqlite3.Connection) -> dict[Slot, int]:
    """How often each deployment was judged anew, if ever."""
    rows = connection.execute("SELECT * FROM serving_judgements")
    return {Slot(*names): number for *names, number in rows}


def generation_of(connection: sqlite3.Connection) -> int:
    """How often what is remembered was written, by any process."""
    row = connection.execute("SELECT generation FROM window_pending").fetchone()
    return int(row[0]) if row else 0


def raise_generation(connection: sqlite3.Connection) -> None:
    """Tell all processes that what is remembered has changed."""
    connection.execute(
        "INSERT INTO window_pending VALUES (1, 1, '[]')"
        " ON CONFLICT DO UPDATE SET generation = generation + 1"
    )


def load_fed(connection: sqlite3.Connection) -> set[str]:
    """The run ids of the starts that were taken in."""
    return {run_id for (run_id,) in connection.execute("SELECT run_id FROM serving_starts")}


def save_fed(connection: sqlite3.Connection, run_ids: list[str]) -> None:
    """Keep the run ids of starts that were taken in."""
    connection.executemany(
        "INSERT OR IGNORE INTO serving_starts VALUES (?)", [(run_id,) for run_id in run_ids]
    )


def unfeed(connection: sqlite3.Connection, run_ids: Iterable[str]) -> None:
    """Have starts taken in once more."""
    connection.executemany(
        "DELETE FROM serving_starts WHERE run_id = ?", [(run_id,) for run_id in run_ids]
    )


def list_implied(connection: sqlite3.Connection) -> list[tuple[Slot, Implied]]:
    """Model versions that served without a deployment event."""
    return [(slot, item) for slot, memory in all_slots(connection) for item in memory.implied]


def list_blind_counters(connection: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    """By service, the counters that no window ever filled."""
    rows = connection.execute("SELECT service, blind FROM window_services ORDER BY service")
    return {service: tuple(filter(None, blind.split(","))) for service, blind in rows}
